import { toText } from "../text.ts";

/** Longest line that is logged as one; a longer one is logged in pieces. */
const lineBytesMax = 64 * 1024;

/** Most lines of one write, so that none takes long; the guest writes the rest again. */
const linesMax = 256;

const newline = 0x0a;

/** A stream of bytes that a guest writes, as lines of text. */
export class Lines {
  readonly #log: (line: string) => void;
  /** Doubled when full, so that a guest which writes byte by byte costs no copy a byte. */
  #pending = new Uint8Array(256);
  #length = 0;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Takes bytes (untrusted) and logs each line that they end. Returns how many it took. */
  write(bytes: Uint8Array): number {
    let taken = 0;
    for (let lines = 0; taken < bytes.length && lines < linesMax; lines++) {
      const end = bytes.indexOf(newline, taken);
      const piece = bytes.subarray(taken, end === -1 ? bytes.length : end);
      const room = piece.subarray(0, lineBytesMax - this.#length);
      this.#append(room);
      taken += room.length;
      if (room.length < piece.length || end !== -1) this.flush();
      if (room.length === piece.length && end !== -1) taken += 1;
    }
    return taken;
  }

  /** Logs what has no newline yet, when there is anything; `log` takes it instead of the usual one. */
  flush(log: (line: string) => void = this.#log): void {
    const text = toText(this.#pending.subarray(0, this.#length));
    this.#length = 0;
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (line !== "") log(line);
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#pending.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#pending.length));
      larger.set(this.#pending.subarray(0, this.#length));
      this.#pending = larger;
    }
    this.#pending.set(bytes, this.#length);
    this.#length = length;
  }
}
