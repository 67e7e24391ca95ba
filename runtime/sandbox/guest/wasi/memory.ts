/**
 * The linear memory of a guest as WASI sees it: every access is checked, none throws.
 *
 * Pointers and lengths are untrusted i32 as they come from the guest, signed; they count as
 * unsigned.
 */
export class GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  #bytes = new Uint8Array();
  #view = new DataView(new ArrayBuffer());

  /** Takes the memory that the guest exports; without one every access is out of bounds. */
  bind(memory: WebAssembly.Memory | undefined): void {
    this.#memory = memory;
    this.#refresh();
  }

  /** Returns a view of bytes of the guest, or undefined when they are not all there. */
  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> | undefined {
    if (!this.has(pointer, length)) return undefined;
    const start = pointer >>> 0;
    return this.#bytes.subarray(start, start + (length >>> 0));
  }

  /** Whether so many bytes are there. */
  has(pointer: number, length: number): boolean {
    if (this.#bytes.length === 0) this.#refresh();
    return (pointer >>> 0) + (length >>> 0) <= this.#bytes.length && this.#memory !== undefined;
  }

  /** Returns a byte; the caller has asked `has`. */
  u8(pointer: number): number {
    return this.#view.getUint8(pointer >>> 0);
  }

  /** Returns 16 bits; the caller has asked `has`. */
  u16(pointer: number): number {
    return this.#view.getUint16(pointer >>> 0, true);
  }

  /** Returns 32 bits; the caller has asked `has`. */
  u32(pointer: number): number {
    return this.#view.getUint32(pointer >>> 0, true);
  }

  /** Returns 64 bits; the caller has asked `has`. */
  u64(pointer: number): bigint {
    return this.#view.getBigUint64(pointer >>> 0, true);
  }

  /** Writes 32 bits; false when they do not fit. */
  setU32(pointer: number, value: number): boolean {
    if (!this.has(pointer, 4)) return false;
    this.#view.setUint32(pointer >>> 0, value, true);
    return true;
  }

  /** Writes 64 bits; false when they do not fit. */
  setU64(pointer: number, value: bigint): boolean {
    if (!this.has(pointer, 8)) return false;
    this.#view.setBigUint64(pointer >>> 0, value, true);
    return true;
  }

  /** Growing detaches the buffer, which then has no length. */
  #refresh(): void {
    const buffer = this.#memory?.buffer ?? new ArrayBuffer();
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }
}
