import { createKernel, type Kernel, type KernelPorts } from "./kernel.ts";

/** Kernels that wait to be used again: as many as a pool runs instances at once. */
const idleMax = 64;
/** Only those that have not grown: a memory never gives its pages back. */
const memoryBytes = 65_536;

/**
 * The block memories of a runner. Making one takes as long as making a small guest, and wiping one
 * takes next to nothing, so that a guest that is gone leaves its own to the next.
 */
export class Kernels {
  readonly #module: WebAssembly.Module;
  readonly #idle: Kernel[] = [];
  readonly #links = new WeakMap<Kernel, { ports: KernelPorts | undefined }>();

  constructor(module: WebAssembly.Module) {
    this.#module = module;
  }

  /** Returns an empty kernel. */
  take(ports: KernelPorts): Kernel {
    const kernel = this.#idle.pop() ?? this.#make();
    const link = this.#links.get(kernel);
    if (link) link.ports = ports;
    return kernel;
  }

  /** Takes back the kernel of a guest that never runs again, and wipes it. */
  give(kernel: Kernel): void {
    const link = this.#links.get(kernel);
    if (link === undefined || link.ports === undefined) return;
    link.ports = undefined;
    if (this.#idle.length >= idleMax || kernel.memoryBytes > memoryBytes) return;
    kernel.reset();
    this.#idle.push(kernel);
  }

  #make(): Kernel {
    const link: { ports: KernelPorts | undefined } = { ports: undefined };
    const kernel = createKernel(this.#module, {
      grow: (pages, movedBytes) => link.ports?.grow(pages, movedBytes) ?? false,
    });
    this.#links.set(kernel, link);
    return kernel;
  }
}
