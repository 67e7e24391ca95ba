import { type Errno, errno } from "./errno.ts";
import { askHost, type FileFacts, type FolderPorts } from "./folder-ports.ts";
import type { GuestPath } from "./guest-path.ts";
import { type BufferRoom, WriteBuffer } from "./write-buffer.ts";

/** Bytes that are read ahead at first, and at most when a file is read in order. */
export const aheadBytesMin = 64 * 1024;
const aheadBytesMax = 256 * 1024;
/** Bytes of one read; the guest reads the rest again. */
export const readBytesMax = 1024 * 1024;

/** How a file was opened. */
export interface OpenManner {
  readonly reads: boolean;
  readonly writes: boolean;
  /** What was there is gone once something new is: O_TRUNC, or a file that was empty. */
  readonly cuts: boolean;
}

/** What was read when a file was opened. */
export interface Ahead {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** What the files of one instance share. */
export interface Together {
  readonly ports: FolderPorts;
  readonly room: BufferRoom;
  /** Hears that a file holds bytes that were read ahead: only so many may. */
  holdsAhead(file: OpenFile): void;
  /** Hears that a file was written, so that others of the same path know nothing of it any more. */
  wrote(file: OpenFile): void;
}

/**
 * A file that a guest has open. It holds no file of the host open: each question names the path, and is
 * checked and audited like any other.
 *
 * What the guest writes is held back and goes to the host in one piece when the file is closed or
 * synced, when the call ends, when the guest asks for the path in another way, or when it does not join
 * on or there is no room. A file that was opened with O_TRUNC, or was empty, keeps its old content until
 * then, and that first piece takes its place in one step: an ordinary open, write and close is whole or
 * not at all, up to the bound of the buffers. O_APPEND pieces go to where the end is when they arrive. A
 * call that ends by a trap, a deadline or a cancellation writes nothing of what was held back.
 */
export class OpenFile {
  readonly #with: Together;
  readonly manner: OpenManner;
  #place: GuestPath;
  #facts: FileFacts | undefined;
  #ahead: Ahead | undefined;
  #pending: WriteBuffer | undefined;
  /** Bytes to ask for at the next read in order. */
  #aheadBytes = aheadBytesMin;
  offset = 0;
  #appends: boolean;

  constructor(
    together: Together,
    place: GuestPath,
    manner: OpenManner & { readonly appends: boolean },
    facts: FileFacts,
    ahead?: Ahead,
  ) {
    this.#with = together;
    this.#place = place;
    this.manner = manner;
    this.#appends = manner.appends;
    this.#facts = facts;
    if (manner.cuts && !manner.appends)
      this.#pending = new WriteBuffer("replace", 0, together.room);
    if (ahead !== undefined) this.#setAhead(ahead);
  }

  /** Whether every write goes to the end. */
  get appends(): boolean {
    return this.#appends;
  }

  /** From here on has every write go to the end, or where the descriptor is. */
  appendFrom(appends: boolean): Errno | Promise<Errno> {
    if (appends === this.#appends) return errno.success;
    this.#appends = appends;
    return this.flush();
  }

  get place(): GuestPath {
    return this.#place;
  }

  /** Whether the host has yet to see something that was written. */
  get isDirty(): boolean {
    const { mode, bytes } = this.#pending ?? {};
    if (mode === undefined || bytes === undefined) return false;
    return bytes.length > 0 || (mode === "replace" && this.#facts?.size !== 0);
  }

  /** Hears that the guest gave its path another name. */
  moved(place: GuestPath): void {
    this.#place = place;
  }

  /** Forgets what it knew of the file: somebody else may see another one now. */
  forget(): void {
    if (!this.isDirty) this.dropPending();
    this.#facts = undefined;
    this.#ahead = undefined;
  }

  /** Lets go of what was read ahead. */
  dropAhead(): void {
    this.#ahead = undefined;
  }

  /** Lets go of what was held back, when nobody may write it any more. */
  dropPending(): void {
    this.#pending?.drop();
    this.#pending = undefined;
  }

  /** Reads at a place: at least a byte, unless the file ends there. */
  read(offset: number, length: number): Uint8Array | Errno | Promise<Uint8Array | Errno> {
    if (!this.manner.reads) return errno.badf;
    const wished = Math.min(length, readBytesMax);
    if (wished === 0) return new Uint8Array();
    const held = this.#heldAt(offset, wished);
    return held ?? this.#readOn(offset, wished);
  }

  #heldAt(offset: number, length: number): Uint8Array | undefined {
    if (this.#pending !== undefined || this.#ahead === undefined) return undefined;
    const { at, bytes } = this.#ahead;
    const start = offset - at;
    if (start >= 0 && start < bytes.length) return bytes.subarray(start, start + length);
    // The end as it was when these were read.
    return this.#facts !== undefined && offset >= this.#facts.size ? new Uint8Array() : undefined;
  }

  async #readOn(offset: number, length: number): Promise<Uint8Array | Errno> {
    const error = await this.flush();
    if (error !== errno.success) return error;
    const { at = 0, bytes: last = new Uint8Array() } = this.#ahead ?? {};
    const isInOrder = last.length > 0 && offset === at + last.length;
    this.#aheadBytes = isInOrder ? Math.min(2 * this.#aheadBytes, aheadBytesMax) : aheadBytesMin;
    const answer = await askHost<FileFacts>(this.#with.ports, "files_read", {
      ...this.#place,
      offset,
      length: Math.max(length, this.#aheadBytes),
      ...(this.#facts !== undefined && { file: this.#facts.file }),
    });
    if (typeof answer === "number") return answer;
    this.#facts = answer.ok;
    this.#setAhead({ at: offset, bytes: answer.bytes });
    return answer.bytes.subarray(0, length);
  }

  #setAhead(ahead: Ahead): void {
    this.#ahead = ahead;
    this.#with.holdsAhead(this);
  }

  /** Takes bytes for a place in the file, or for its end when it was opened to append. */
  write(offset: number, bytes: Uint8Array): Errno | Promise<Errno> {
    if (!this.manner.writes) return errno.badf;
    if (offset + bytes.length > Number.MAX_SAFE_INTEGER) return errno.fbig;
    // To write nothing beyond the end does not make a file longer.
    if (bytes.length === 0) return errno.success;
    this.#ahead = undefined;
    const start = this.#appends ? (this.#pending?.end ?? 0) : offset;
    if (this.#pending?.put(start, bytes)) return errno.success;
    if (this.#pending === undefined && this.#begin(start, bytes)) return errno.success;
    return this.#writeOn(start, bytes);
  }

  #begin(start: number, bytes: Uint8Array): boolean {
    const mode = this.#appends ? "append" : "update";
    this.#pending = new WriteBuffer(mode, start, this.#with.room);
    if (this.#pending.put(start, bytes)) return true;
    this.#pending = undefined;
    return false;
  }

  async #writeOn(start: number, bytes: Uint8Array): Promise<Errno> {
    const error = await this.flush();
    if (error !== errno.success) return error;
    const from = this.#appends ? 0 : start;
    if (this.#begin(from, bytes)) return errno.success;
    // No room even so: others hold all of it.
    return this.#tell(this.#appends ? "append" : "update", from, bytes);
  }

  /** Gives the host what was held back. */
  flush(): Errno | Promise<Errno> {
    const pending = this.#pending;
    if (pending === undefined) return errno.success;
    this.#pending = undefined;
    const isNothing = pending.mode === "replace" && this.#facts?.size === 0;
    if (pending.bytes.length === 0 && (pending.mode !== "replace" || isNothing)) {
      pending.drop();
      // It may still be written whole.
      if (isNothing) this.#pending = new WriteBuffer("replace", 0, this.#with.room);
      return errno.success;
    }
    return this.#tell(pending.mode, pending.at, pending.bytes).finally(() => pending.drop());
  }

  async #tell(mode: string, offset: number, bytes: Uint8Array): Promise<Errno> {
    this.#with.wrote(this);
    const request = { ...this.#place, mode, ...(mode === "update" && { offset }) };
    const answer = await askHost<FileFacts>(this.#with.ports, "files_write", request, bytes);
    if (typeof answer === "number") return answer;
    this.#facts = answer.ok;
    return errno.success;
  }

  /** Gives the file a size. */
  async resize(size: number): Promise<Errno> {
    if (!this.manner.writes) return errno.badf;
    const error = await this.flush();
    if (error !== errno.success) return error;
    this.forget();
    this.#with.wrote(this);
    const request = { ...this.#place, mode: "update", size };
    const answer = await askHost<FileFacts>(this.#with.ports, "files_write", request);
    if (typeof answer === "number") return answer;
    this.#facts = answer.ok;
    return errno.success;
  }

  /** Returns size and time, those that it will have when what is held back is written. */
  async facts(): Promise<FileFacts | Errno> {
    const pending = this.#pending;
    const known = this.#facts ?? (await this.#ask());
    if (typeof known === "number" || pending === undefined) return known;
    const size = {
      replace: pending.end,
      update: Math.max(known.size, pending.end),
      append: known.size + pending.bytes.length,
    }[pending.mode];
    return { ...known, size };
  }

  async #ask(): Promise<FileFacts | Errno> {
    const answer = await askHost<FileFacts>(this.#with.ports, "files_stat", this.#place);
    if (typeof answer === "number") return answer;
    this.#facts = answer.ok;
    return answer.ok;
  }
}
