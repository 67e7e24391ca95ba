import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { promisify } from "node:util";

/** A file of the audit that is being written. */
export interface SegmentFile {
  /** Bytes that it holds. */
  readonly size: number;
  /** Appends all of it; what is thrown is the system's, and a part may have been written by then. */
  append(bytes: Uint8Array): void;
  /** Takes off what lies beyond a size. */
  cut(size: number): void;
  /** Resolves when all that was appended before survives a power cut. */
  sync(): Promise<void>;
  close(): void;
}

/** Opens a file to be appended to, and makes it when it is not there. */
export type OpenSegment = (path: string) => SegmentFile;

const datasync = promisify(fdatasync);

/**
 * Opens a file of the disk.
 *
 * What is written goes to the system at once, in one call and on the spot: it takes a microsecond, a
 * trip through the thread pool thirty.
 */
export const openSegment: OpenSegment = (path) => {
  const descriptor = openSync(path, "a", 0o600);
  const state = { size: fstatSync(descriptor).size };
  return {
    get size() {
      return state.size;
    },
    append(bytes) {
      for (let done = 0; done < bytes.length; ) {
        const written = writeSync(descriptor, bytes, done);
        done += written;
        state.size += written;
      }
    },
    cut(size) {
      ftruncateSync(descriptor, size);
      state.size = size;
    },
    sync: () => datasync(descriptor),
    close: () => closeSync(descriptor),
  };
};
