import { HostError } from "#manifests/errors.ts";
import type { Kernel } from "./kernel.ts";
import { callBytes } from "./price.ts";
import { toStrictText } from "./text.ts";

/** What every function of the host needs of its instance. */
export interface DoorPorts {
  /** Takes fuel for bytes that are moved on behalf of the guest; may end it. */
  charge(bytes: number): void;
  /**
   * Ends the guest: throws an error that it cannot catch. An instance that is already ending ends
   * for the reason it had.
   *
   * @param code     of `manifests/errors.ts`, or `PLUGIN_TRAPPED`, `MEMORY_EXHAUSTED`
   * @param message  a sentence about what the guest did
   */
  end(code: string, message: string): never;
}

/** Blocks in and out of one guest, charged, and with the guest ended when a handle is bogus. */
export class Door {
  readonly kernel: Kernel;
  readonly ports: DoorPorts;

  constructor(kernel: Kernel, ports: DoorPorts) {
    this.kernel = kernel;
    this.ports = ports;
  }

  /**
   * Returns the length of a live block, in bytes, at least 1.
   *
   * @param handle  untrusted
   * @param what    names the block in the message that ends the guest
   */
  lengthOf(handle: bigint, what: string): number {
    const length = this.kernel.length(handle);
    if (length > 0) return length;
    return this.ports.end("PLUGIN_TRAPPED", `invalid handle of ${what}: ${handle}`);
  }

  /** Returns a copy of a live block, at most `bytesMax` of it. */
  take(handle: bigint, what: string, bytesMax: number): Uint8Array {
    const length = Math.min(this.lengthOf(handle, what), bytesMax);
    this.ports.charge(callBytes + length);
    const bytes = this.kernel.read(handle, bytesMax);
    return bytes ?? this.ports.end("PLUGIN_TRAPPED", `invalid handle of ${what}: ${handle}`);
  }

  /** Returns the text of a live block, at most `bytesMax` of it, strict UTF-8. */
  takeText(handle: bigint, what: string, bytesMax: number): string {
    const text = toStrictText(this.take(handle, what, bytesMax));
    return text ?? this.ports.end("PLUGIN_TRAPPED", `${what} is not UTF-8`);
  }

  /** Returns the handle of a new block, the guest's own; 0n for no bytes. */
  give(bytes: Uint8Array): bigint {
    this.ports.charge(callBytes + bytes.length);
    const handle = this.kernel.write(bytes);
    if (handle !== 0n || bytes.length === 0) return handle;
    return this.ports.end("MEMORY_EXHAUSTED", `no memory for ${bytes.length} bytes of an answer`);
  }

  /** Waits for an effect of the host; ends the guest when it fails, a fault keeping its words. */
  async wait<Answer>(effect: () => Promise<Answer>): Promise<Answer> {
    try {
      return await effect();
    } catch (error) {
      if (error instanceof HostError) return this.ports.end(error.code, error.message);
      return this.ports.end("INTERNAL", "the host met a fault of its own");
    }
  }
}
