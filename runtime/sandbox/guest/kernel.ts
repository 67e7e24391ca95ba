import assert from "node:assert/strict";
import type { EnvFunction } from "#plugin-sdk/abi.ts";
import { toText } from "./text.ts";

/** What a kernel asks of its instance. */
export interface KernelPorts {
  /**
   * Answers whether the kernel's memory may grow. Called before it does; may throw to end the
   * guest.
   *
   * @param pages       64 KiB pages, at least 1
   * @param movedBytes  what growing copies and clears besides, for the fuel
   */
  grow(pages: number, movedBytes: number): boolean;
}

/** The block memory of one guest instance. */
export interface Kernel {
  /** The fifteen functions of `extism:host/env` that are the kernel's own, to be imported as is. */
  readonly guest: Readonly<Record<string, WebAssembly.ExportValue>>;
  /** Forgets all blocks, input, output and error, and zeroes `usedBytes` bytes. */
  reset(): void;
  /** Makes bytes the input of the next call; false when they do not fit. */
  setInput(bytes: Uint8Array): boolean;
  /** Returns a view of the output that the guest set, empty when it set none; good until it runs. */
  output(): Uint8Array;
  /** Bytes of that output, to be asked before it is copied. */
  readonly outputBytes: number;
  /** Returns the first 64 KiB of the guest's message, or undefined when it set none or no text. */
  error(): string | undefined;
  /** Returns the bytes of the live block that starts at a handle (untrusted), 0 for any other. */
  length(handle: bigint): number;
  /** Returns a copy of a live block, at most `bytesMax` of it, or undefined for a bogus handle. */
  read(handle: bigint, bytesMax?: number): Uint8Array | undefined;
  /** Returns the handle of a new block with these bytes, 0n when they are none or do not fit. */
  write(bytes: Uint8Array): bigint;
  /** Frees a block; a bogus handle (untrusted) does nothing. */
  free(handle: bigint): void;
  /** Bytes used since the last reset: what the next one has to zero. */
  readonly usedBytes: number;
  /** Bytes of the whole memory, a multiple of 64 KiB; the first page is there from the start. */
  readonly memoryBytes: number;
}

/** What `kernel.wat` exports, as far as the host calls it. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  host_alloc(length: number): number;
  host_free(address: number): void;
  host_length(address: number): number;
  host_input(address: number, length: number): void;
  host_output(): number;
  host_output_length(): number;
  host_error(): number;
  host_used(): number;
  host_reset(): void;
}

/** The exports that guests may import; `memory` and `host_*` are not among them. */
const guestNames = [
  ...["alloc", "free", "length", "length_unsafe", "load_u8", "load_u64", "store_u8", "store_u64"],
  ...["input_length", "input_offset", "input_load_u8", "input_load_u64"],
  ...["output_set", "error_set", "error_get"],
] as const satisfies readonly EnvFunction[];

/** The kernel allocates no more than this at once; a longer length would lose bits in an i32. */
const blockBytesMax = 2 ** 29;

/** Most bytes of a message that are decoded. */
const errorBytesMax = 64 * 1024;

/** Returns the compiled kernel, to be shared by all instances of a process. */
export function kernelModule(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  return new WebAssembly.Module(bytes);
}

/** Creates the block memory of one instance; it is given back when the instance is forgotten. */
export function createKernel(module: WebAssembly.Module, ports: KernelPorts): Kernel {
  const grow = (pages: number, moved: number) => (ports.grow(pages, moved) ? 1 : 0);
  return new BlockMemory(new WebAssembly.Instance(module, { kernel: { grow } }));
}

class BlockMemory implements Kernel {
  readonly guest: Readonly<Record<string, WebAssembly.ExportValue>>;
  readonly #exports: Exports;
  #view: Uint8Array;

  constructor(instance: WebAssembly.Instance) {
    this.#exports = instance.exports as unknown as Exports;
    this.#view = new Uint8Array(this.#exports.memory.buffer);
    this.guest = Object.fromEntries(guestNames.map((name) => [name, exported(instance, name)]));
  }

  get usedBytes(): number {
    return this.#exports.host_used();
  }

  get memoryBytes(): number {
    return this.#bytes().length;
  }

  reset(): void {
    this.#exports.host_reset();
  }

  setInput(bytes: Uint8Array): boolean {
    const address = this.#store(bytes);
    this.#exports.host_input(address, address === 0 ? 0 : bytes.length);
    return address !== 0 || bytes.length === 0;
  }

  output(): Uint8Array {
    return this.#range(this.#exports.host_output(), this.outputBytes);
  }

  get outputBytes(): number {
    return this.#exports.host_output_length();
  }

  error(): string | undefined {
    const address = this.#exports.host_error();
    if (address === 0) return undefined;
    const length = Math.min(this.#exports.host_length(address), errorBytesMax);
    return length === 0 ? undefined : toText(this.#slice(address, length));
  }

  length(handle: bigint): number {
    return this.#exports.host_length(toAddress(handle));
  }

  read(handle: bigint, bytesMax = blockBytesMax): Uint8Array | undefined {
    const length = this.length(handle);
    if (length === 0) return undefined;
    return this.#slice(toAddress(handle), Math.min(length, bytesMax));
  }

  write(bytes: Uint8Array): bigint {
    return BigInt(this.#store(bytes));
  }

  free(handle: bigint): void {
    this.#exports.host_free(toAddress(handle));
  }

  #store(bytes: Uint8Array): number {
    if (bytes.length === 0 || bytes.length > blockBytesMax) return 0;
    const address = this.#exports.host_alloc(bytes.length);
    if (address !== 0) this.#bytes().set(bytes, address);
    return address;
  }

  /** A copy, because the guest changes its blocks while the host is still reading. */
  #slice(address: number, length: number): Uint8Array {
    return this.#range(address, length).slice();
  }

  #range(address: number, length: number): Uint8Array {
    const bytes = this.#bytes();
    assert(address >= 0 && length >= 0 && address + length <= bytes.length);
    return bytes.subarray(address, address + length);
  }

  /** The view of the memory; growing detaches the one that was kept. */
  #bytes(): Uint8Array {
    if (this.#view.length === 0) this.#view = new Uint8Array(this.#exports.memory.buffer);
    return this.#view;
  }
}

function exported({ exports }: WebAssembly.Instance, name: string): WebAssembly.ExportValue {
  const value = exports[name];
  assert(value !== undefined, `kernel.wasm is older than kernel.wat: it has no ${name}`);
  return value;
}

/** A handle as an address: 0, which no block has, when it does not fit (untrusted, signed). */
function toAddress(handle: bigint): number {
  return handle > 0n && handle <= 0x7fffffffn ? Number(handle) : 0;
}
