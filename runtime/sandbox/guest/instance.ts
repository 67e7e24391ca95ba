import assert from "node:assert/strict";
import type { Exchange, GuestPlan } from "../messages.ts";
import type { Death } from "./death.ts";
import { type End, Fuel } from "./fuel.ts";
import { createImports } from "./imports.ts";
import { createKernel, type Kernel } from "./kernel.ts";
import { initExports, outcomeOf } from "./lifecycle.ts";
import { Room } from "./room.ts";
import type { Lane } from "./turns.ts";
import type { Wasi } from "./wasi.ts";

/** Fuel and milliseconds for start section and initialisers, which belong to no call. */
const initFuel = 2_000_000_000;
const initMs = 1_000;
/** A start section cannot be suspended, so that it gets what 20 ms burn at most. */
const startFuel = 20_000_000;
/** Above this, an instance is cheaper to make anew than to wipe. */
const wipeBytesMax = 1024 * 1024;

/** Ends of a call after which the instance is as good as before. */
const harmless = ["PLUGIN_ERROR", "OUTPUT_TOO_LARGE"];

/** One version of a plugin, loaded into this runner. */
export interface Guest {
  readonly plan: GuestPlan;
  readonly module: WebAssembly.Module;
  readonly kernelModule: WebAssembly.Module;
  readonly death: Death<End>;
  readonly lane: Lane;
  /** What the module imports: nothing else is built. */
  readonly imports: readonly WebAssembly.ModuleImportDescriptor[];
  readonly config: ReadonlyMap<string, string>;
}

/** What an instance asks and tells on behalf of the call that runs in it. */
export interface CallPorts {
  ask(functionNumber: number, exchange: Exchange): Promise<Exchange>;
  log(level: number, text: string): void;
}

/** How a call on an instance ended. */
export type Ended =
  | { readonly ok: true; readonly output: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** One instantiated guest. One call at a time: interleaved calls would share a stack. */
export class Instance {
  readonly #guest: Guest;
  readonly #kernel: Kernel;
  readonly #fuel: Fuel;
  readonly #room: Room;
  readonly #entries = new Map<string, () => Promise<unknown>>();
  #exports: WebAssembly.Exports = {};
  #wasi: Wasi | undefined;
  #ports: CallPorts | undefined;
  #exitCode: number | undefined;
  #alive = true;

  private constructor(guest: Guest) {
    this.#guest = guest;
    this.#fuel = new Fuel(guest.lane, guest.death);
    const pages = guest.plan.memoryPagesMin + 1;
    this.#room = new Room(guest.plan.limits.memoryBytes, pages, (units) =>
      this.#fuel.charge(units),
    );
    this.#kernel = createKernel(guest.kernelModule, {
      grow: (pages, movedBytes) => this.#room.take(pages, movedBytes),
    });
  }

  /**
   * Returns a new instance, initialised.
   *
   * Initialisation belongs to no call: it has its own fuel and time, and host functions answer
   * NOT_IN_A_CALL.
   *
   * @throws Unready when the start section or an initialiser fails
   */
  static async create(guest: Guest): Promise<Instance> {
    const instance = new Instance(guest);
    instance.#instantiate();
    await instance.#initialise();
    return instance;
  }

  /** False once a trap, a deadline or a cancelled call has made it unusable. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Bytes of guest and kernel memory. */
  get memoryBytes(): number {
    return this.#room.bytes;
  }

  /** Ends the call that runs: at the guest's next check, or at once when it is suspended. */
  end(code: string): void {
    this.#fuel.end(code);
  }

  /** Charges units that others have burnt on behalf of the call. */
  burn(units: number): void {
    this.#fuel.burn(units);
  }

  /** Waits until the plugin has a turn on the thread. */
  turn(): Promise<void> | undefined {
    return this.#fuel.turn();
  }

  /**
   * Calls an export once.
   *
   * @param input      bytes for the guest
   * @param fuel       units that it may burn
   * @param deadlineAt milliseconds of the monotonic clock
   */
  async call(
    name: string,
    input: Uint8Array,
    fuel: number,
    deadlineAt: number,
    ports: CallPorts,
  ): Promise<{ ended: Ended; fuel: number }> {
    assert(this.#ports === undefined && this.#alive);
    this.#ports = ports;
    this.#room.full = false;
    this.#fuel.begin(fuel, deadlineAt);
    if (!this.#kernel.setInput(input)) this.#fuel.end("MEMORY_EXHAUSTED");
    const ended = await this.#enter(name);
    this.#wasi?.flush();
    const burnt = this.#fuel.finish();
    this.#ports = undefined;
    if (!ended.ok && !harmless.includes(ended.code)) this.#alive = false;
    if (name === "_start" || this.#exitCode !== undefined) this.#alive = false;
    if (this.#kernel.usedBytes > wipeBytesMax) this.#alive = false;
    else this.#kernel.reset();
    return { ended, fuel: burnt };
  }

  async #enter(name: string): Promise<Ended> {
    let returned: unknown;
    let trap: unknown;
    try {
      if (this.#fuel.ended === undefined) returned = await this.#entry(name)();
    } catch (error) {
      trap = error;
    }
    const end = this.#fuel.ended;
    if (end !== undefined && end.code !== "EXITED") return { ok: false, ...end };
    const outcome = outcomeOf({
      returned,
      trap: end === undefined ? trap : undefined,
      error: this.#kernel.error(),
      exitCode: this.#exitCode,
    });
    if (outcome.ok) return this.#output();
    if (outcome.code === "PLUGIN_ERROR" || !this.#room.full) return outcome;
    return { ...outcome, code: "MEMORY_EXHAUSTED" };
  }

  /** The output, looked at before it is copied: it may be as large as the kernel's memory. */
  #output(): Ended {
    const limit = this.#guest.plan.limits.outputBytes;
    if (this.#kernel.outputBytes <= limit) return { ok: true, output: this.#kernel.output() };
    return { ok: false, code: "OUTPUT_TOO_LARGE", message: String(limit) };
  }

  #entry(name: string): () => Promise<unknown> {
    const known = this.#entries.get(name);
    if (known) return known;
    const exported = this.#exports[name];
    assert(typeof exported === "function");
    const entry = WebAssembly.promising(exported);
    this.#entries.set(name, entry);
    return entry;
  }

  #instantiate(): void {
    const { imports, wasi } = createImports({
      guest: this.#guest,
      kernel: this.#kernel,
      fuel: this.#fuel,
      ports: () => this.#ports,
      onExit: (code) => {
        this.#exitCode = code;
      },
    });
    const grow = (pages: number) => (this.#room.take(pages) ? 1 : 0);
    imports["convergio:meter"] = this.#fuel.imports(grow);
    this.#fuel.begin(startFuel, performance.now() + initMs);
    const { exports } = new WebAssembly.Instance(this.#guest.module, imports);
    this.#exports = exports;
    const memory = exports["memory"];
    this.#wasi = wasi;
    wasi?.bind(memory instanceof WebAssembly.Memory ? memory : undefined);
    this.#fuel.bind(exports["convergio:fuel"] as WebAssembly.Global<"i32">);
  }

  async #initialise(): Promise<void> {
    this.#fuel.begin(initFuel, performance.now() + initMs);
    for (const { name, args } of initExports(this.#guest.plan.exports)) {
      const exported = this.#exports[name];
      assert(typeof exported === "function");
      await WebAssembly.promising(exported)(...args);
    }
    this.#fuel.finish();
  }
}
