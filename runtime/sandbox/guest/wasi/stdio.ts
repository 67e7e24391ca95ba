import { logLevels } from "#plugin-sdk/abi.ts";
import { callBytes, glanceBytes } from "../price.ts";
import { type Errno, errno } from "./errno.ts";
import { Lines } from "./lines.ts";
import type { GuestMemory } from "./memory.ts";
import { checkVectors, gather, vectorBytes, vectorsMax } from "./vectors.ts";

/** What the standard streams of a guest do outside it. */
export interface StdioPorts {
  /** Takes fuel for bytes that are moved on behalf of the guest; may end it. */
  charge(bytes: number): void;
  /** Takes a line of the guest: untrusted, at most 64 KiB, one of `logLevels`. Must not throw. */
  log(level: number, text: string): void;
}

/** The functions of the standard streams, and what is still waiting for its newline. */
export interface Stdio {
  readonly functions: Readonly<Record<string, (...values: never[]) => Errno>>;
  /** Logs what a guest wrote without ending the line. Never throws, however the guest ended. */
  flush(): void;
}

/** Most bytes that one write takes; the guest writes the rest again. */
const writeBytesMax = 64 * 1024;

const characterDevice = 2;
const statBytes = 64;
const fdstatBytes = 24;
/** fd_read 1, fd_write 6, poll_fd_readwrite 27: no seek, so that a C library sees a terminal. */
const readRights = (1n << 1n) | (1n << 27n);
const writeRights = (1n << 6n) | (1n << 27n);

/**
 * Creates the functions of file descriptors for a guest that has standard streams only: input is
 * at its end, output goes to the log as `info`, the error stream as `warn`. Nothing else is open.
 */
export function createStdio(memory: GuestMemory, ports: StdioPorts): Stdio {
  const open = [true, true, true];
  const isOpen = (fd: number) => open[fd] === true;
  const logAt = (level: number) => (line: string) => {
    ports.charge(callBytes + line.length);
    ports.log(level, line);
  };
  const output = new Lines(logAt(logLevels.info));
  const failure = new Lines(logAt(logLevels.warn));
  return {
    functions: {
      ...describing(memory, isOpen),
      ...refusing(isOpen),
      fd_close(fd: number): Errno {
        if (!isOpen(fd)) return errno.badf;
        open[fd] = false;
        return errno.success;
      },
      fd_read(fd: number, vectors: number, count: number, read: number): Errno {
        if (fd !== 0 || !isOpen(fd)) return errno.badf;
        ports.charge(glanceBytes + vectorBytes * Math.min(count >>> 0, vectorsMax));
        const error = checkVectors(memory, vectors, count);
        if (error !== errno.success) return error;
        return memory.setU32(read, 0) ? errno.success : errno.fault;
      },
      fd_write(fd: number, vectors: number, count: number, written: number): Errno {
        if ((fd !== 1 && fd !== 2) || !isOpen(fd)) return errno.badf;
        ports.charge(glanceBytes + vectorBytes * Math.min(count >>> 0, vectorsMax));
        const error = checkVectors(memory, vectors, count);
        if (error !== errno.success) return error;
        if (!memory.has(written, 4)) return errno.fault;
        const bytes = gather(memory, vectors, count, writeBytesMax);
        ports.charge(bytes.length);
        memory.setU32(written, (fd === 1 ? output : failure).write(bytes));
        return errno.success;
      },
    },
    flush() {
      // The guest may have been ended, so that charging it would throw.
      output.flush((line) => ports.log(logLevels.info, line));
      failure.flush((line) => ports.log(logLevels.warn, line));
    },
  };
}

function describing(memory: GuestMemory, isOpen: (fd: number) => boolean): Stdio["functions"] {
  return {
    fd_fdstat_get(fd: number, pointer: number): Errno {
      if (!isOpen(fd)) return errno.badf;
      const bytes = memory.bytes(pointer, fdstatBytes);
      if (bytes === undefined) return errno.fault;
      bytes.fill(0)[0] = characterDevice;
      memory.setU64(pointer + 8, fd === 0 ? readRights : writeRights);
      return errno.success;
    },
    fd_filestat_get(fd: number, pointer: number): Errno {
      if (!isOpen(fd)) return errno.badf;
      const bytes = memory.bytes(pointer, statBytes);
      if (bytes === undefined) return errno.fault;
      bytes.fill(0)[16] = characterDevice;
      return errno.success;
    },
  };
}

/** What a stream that cannot seek answers; a closed or other descriptor is a bad one throughout. */
function refusing(isOpen: (fd: number) => boolean): Stdio["functions"] {
  const answering = (answer: Errno) => (fd: number) => (isOpen(fd) ? answer : errno.badf);
  return {
    fd_advise: answering(errno.spipe),
    fd_allocate: answering(errno.spipe),
    fd_datasync: answering(errno.success),
    fd_fdstat_set_flags: answering(errno.success),
    fd_fdstat_set_rights: answering(errno.success),
    fd_filestat_set_size: answering(errno.inval),
    fd_filestat_set_times: answering(errno.inval),
    fd_pread: answering(errno.spipe),
    fd_prestat_get: answering(errno.badf),
    fd_prestat_dir_name: answering(errno.badf),
    fd_pwrite: answering(errno.spipe),
    fd_readdir: answering(errno.notdir),
    fd_renumber: answering(errno.notsup),
    fd_seek: answering(errno.spipe),
    fd_sync: answering(errno.success),
    fd_tell: answering(errno.spipe),
  };
}
