/** Pages of 64 KiB are what memory is counted in. */
const pageBytes = 65_536;

/** How bytes reach a file: in the place of all of it, at a place in it, or at its end. */
export type WriteMode = "replace" | "update" | "append";

/** What all open files of one instance hold back together; it counts as the guest's memory. */
export class BufferRoom {
  readonly #reserve: (pages: number) => boolean;
  readonly #bytesMax: number;
  #reserved = 0;
  #used = 0;

  /** @param bytesMax  of all buffers together, and so of each */
  constructor(reserve: (pages: number) => boolean, bytesMax: number) {
    this.#reserve = reserve;
    this.#bytesMax = bytesMax;
  }

  /** Takes bytes; false, and nothing taken, when there is no room for them. */
  take(bytes: number): boolean {
    const used = this.#used + bytes;
    if (used > this.#bytesMax) return false;
    const pages = Math.ceil((used - this.#reserved) / pageBytes);
    if (pages > 0 && !this.#reserve(pages)) return false;
    this.#reserved += Math.max(0, pages) * pageBytes;
    this.#used = used;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** Bytes that a guest wrote one after the other and the host has not seen. */
export class WriteBuffer {
  readonly mode: WriteMode;
  /** Where in the file they begin. */
  readonly at: number;
  readonly #room: BufferRoom;
  #bytes = new Uint8Array(0);
  #length = 0;

  constructor(mode: WriteMode, at: number, room: BufferRoom) {
    this.mode = mode;
    this.at = at;
    this.#room = room;
  }

  get end(): number {
    return this.at + this.#length;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Takes bytes for a place in the file; false when they do not join on, or there is no room. */
  put(offset: number, bytes: Uint8Array): boolean {
    if (offset < this.at || offset > this.end) return false;
    const start = offset - this.at;
    const length = Math.max(this.#length, start + bytes.length);
    if (length > this.#bytes.length && !this.#grow(length)) return false;
    this.#bytes.set(bytes, start);
    this.#length = length;
    return true;
  }

  /** Lets its room go. */
  drop(): void {
    this.#room.give(this.#bytes.length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
  }

  /** Doubled, so that a guest which writes byte by byte costs no copy a byte; or just enough. */
  #grow(length: number): boolean {
    const had = this.#bytes.length;
    const wished = Math.max(length, 2 * had, 4_096);
    const size = this.#room.take(wished - had) ? wished : length;
    if (size === length && wished !== length && !this.#room.take(length - had)) return false;
    const larger = new Uint8Array(size);
    larger.set(this.bytes);
    this.#bytes = larger;
    return true;
  }
}
