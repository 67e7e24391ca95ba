import { HostError } from "#manifests/errors.ts";

/**
 * Reads a span of an untrusted module; every read is bounded by the end of the span.
 *
 * @see https://webassembly.github.io/spec/core/binary/values.html
 */
export class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** Offset of the next byte. */
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /**
   * Reads one byte.
   *
   * @throws MODULE_INVALID
   */
  u8(): number {
    if (this.at >= this.end) throw truncated(this.at);
    return this.bytes[this.at++] as number;
  }

  /**
   * Reads an unsigned 32-bit number of at most five bytes.
   *
   * @throws MODULE_INVALID
   */
  u32(): number {
    let byte = this.u8();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new HostError("MODULE_INVALID", {
      reason: `the number before byte ${this.at} is too long`,
    });
  }

  /**
   * Reads a signed number of at most 33 bits, as block types and heap types are written.
   *
   * @throws MODULE_INVALID
   */
  s33(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 5; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return byte & 0x40 ? value - scale : value;
    }
    throw new HostError("MODULE_INVALID", {
      reason: `the number before byte ${this.at} is too long`,
    });
  }

  /**
   * Passes over a number of at most ten bytes.
   *
   * @throws MODULE_INVALID
   */
  passNumber(): void {
    for (let count = 0; count < 10; count++) if (this.u8() < 0x80) return;
    throw new HostError("MODULE_INVALID", {
      reason: `the number before byte ${this.at} is too long`,
    });
  }

  /**
   * Passes over `count` bytes.
   *
   * @throws MODULE_INVALID
   */
  pass(count: number): void {
    if (count > this.end - this.at) throw truncated(this.end);
    this.at += count;
  }

  /**
   * Reads a text that its length in bytes precedes.
   *
   * @throws MODULE_INVALID
   */
  text(): string {
    const length = this.u32();
    const start = this.at;
    this.pass(length);
    return new TextDecoder().decode(this.bytes.subarray(start, this.at));
  }
}

function truncated(at: number): HostError {
  return new HostError("MODULE_INVALID", { reason: `it ends too early, at byte ${at}` });
}

/** Collects the bytes of a module; grows by doubling. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Forgets what was written and keeps the room. */
  clear(): void {
    this.#length = 0;
  }

  /** The bytes written so far; valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Writes single bytes. */
  u8(...values: readonly number[]): this {
    this.#room(values.length);
    for (const value of values) this.#bytes[this.#length++] = value;
    return this;
  }

  /** Writes an unsigned 32-bit number in as few bytes as it needs. */
  u32(value: number): this {
    this.#room(5);
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Writes a signed 32-bit number in as few bytes as it needs. */
  s32(value: number): this {
    this.#room(5);
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    this.#bytes[this.#length++] = rest & 0x7f;
    return this;
  }

  /** Writes bytes as they are. */
  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Writes a part of an array as it is. */
  copy(bytes: Uint8Array, start: number, end: number): this {
    if (end - start > 24) return this.raw(bytes.subarray(start, end));
    this.#room(end - start);
    for (let at = start; at < end; at++) this.#bytes[this.#length++] = bytes[at] as number;
    return this;
  }

  /** Writes a text with its length in bytes before it. */
  text(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.u32(bytes.length).raw(bytes);
  }

  /** Writes bytes with their length before them. */
  sized(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  #room(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.view());
    this.#bytes = larger;
  }
}
