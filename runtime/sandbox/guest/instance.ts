import assert from "node:assert/strict";
import type { Exchange, GuestPlan } from "../messages.ts";
import type { Death } from "./death.ts";
import type { Driver, Entrant } from "./driver.ts";
import { type End, Fuel } from "./fuel.ts";
import { createImports } from "./imports.ts";
import type { Kernel } from "./kernel.ts";
import type { Kernels } from "./kernels.ts";
import { type InitialCall, initExports, outcomeOf } from "./lifecycle.ts";
import { Room } from "./room.ts";
import type { Lane } from "./turns.ts";
import type { Wasi } from "./wasi.ts";
import type { Gate } from "./wasi/gate.ts";

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
  readonly kernels: Kernels;
  readonly death: Death<End>;
  readonly driver: Driver;
  readonly lane: Lane;
  /** What the module imports: nothing else is built. */
  readonly imports: readonly WebAssembly.ModuleImportDescriptor[];
  readonly config: ReadonlyMap<string, string>;
  /** What its functions of files stand behind, when it asks for folders. */
  readonly gate: Gate | undefined;
}

/** What an instance asks and tells on behalf of the call that runs in it. */
export interface CallPorts {
  ask(functionNumber: number, exchange: Exchange): Promise<Exchange>;
  log(level: number, text: string): void;
  /** Hears that the guest sleeps for long, or no longer. */
  rest(resting: boolean): void;
  /** Hears once how the call ended, and the fuel that it burnt; must not throw. */
  ended(ended: Ended, fuel: number): void;
}

/** What a call may burn, and the moment on the monotonic clock at which it must be over. */
export interface Budget {
  readonly fuel: number;
  readonly deadlineAt: number;
}

/** How a call on an instance ended. The output is a view into it, good until who hears it returns. */
export type Ended =
  | { readonly ok: true; readonly output: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** One instantiated guest. One call at a time: interleaved calls would share a stack. */
export class Instance implements Entrant {
  readonly #guest: Guest;
  readonly #kernel: Kernel;
  readonly #fuel: Fuel;
  readonly #room: Room;
  readonly #entries = new Map<string, number>();
  #exports: WebAssembly.Exports = {};
  #wasi: Wasi | undefined;
  #ports: CallPorts | undefined;
  /** What was logged before there was a call; the first one takes it along. */
  #early: { readonly level: number; readonly text: string }[] = [];
  #earlyBytes = 0;
  #exitCode: number | undefined;
  #isLast = false;
  #alive = false;
  #entry = 0;

  /**
   * Makes a new instance, whose start section runs at once: a few milliseconds at most.
   *
   * @throws what the start section throws
   */
  constructor(guest: Guest) {
    this.#guest = guest;
    this.#fuel = new Fuel(guest.lane, guest.death);
    const pages = guest.plan.memoryPagesMin + 1;
    this.#room = new Room(guest.plan.limits.memoryBytes, pages, (units) =>
      this.#fuel.charge(units),
    );
    this.#kernel = guest.kernels.take({
      grow: (pages, movedBytes) => this.#room.take(pages, movedBytes),
    });
    this.#instantiate();
  }

  /**
   * Calls the initialisers, when there are any; only then it can be called.
   *
   * Initialisation belongs to no call: it has its own fuel and time, and host functions answer
   * NOT_IN_A_CALL. Rejects with what an initialiser throws.
   */
  initialise(): Promise<void> | undefined {
    const calls = initExports(this.#guest.plan.exports);
    if (calls.length > 0) return this.#initialise(calls);
    this.#alive = true;
    return undefined;
  }

  /** False until it is initialised, and once a trap, a deadline or a cancelled call has made it unusable. */
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

  /** Units that the call has burnt so far, with what others have on its behalf. */
  get burnt(): number {
    return this.#fuel.burnt;
  }

  /** Charges units that others have burnt on behalf of the call. */
  burn(units: number): void {
    this.#fuel.burn(units);
  }

  /** Takes a call, to be entered once by the driver; `ports` hear how it ended. Copies the input. */
  take(name: string, input: Uint8Array, budget: Budget, ports: CallPorts): void {
    assert(this.#ports === undefined && this.#alive);
    this.#entry = this.#entryOf(name);
    this.#ports = ports;
    // What `_start` has run was a whole program.
    if (name === "_start") this.#isLast = true;
    this.#room.full = false;
    this.#fuel.begin(budget.fuel, budget.deadlineAt);
    if (!this.#kernel.setInput(input)) this.#fuel.end("MEMORY_EXHAUSTED");
    if (this.#early.length === 0) return;
    for (const { level, text } of this.#early) ports.log(level, text);
    this.#early = [];
  }

  get entry(): number {
    return this.#entry;
  }

  turn(): Promise<void> | undefined {
    return this.#fuel.turn();
  }

  begin(): boolean {
    this.#fuel.start();
    if (this.#fuel.ended === undefined) return true;
    this.#finish(0, undefined);
    return false;
  }

  returned(result: number): void {
    const settling = this.#wasi?.settle();
    if (settling === undefined) this.#finish(result, undefined);
    // The call goes on until the host has what the guest wrote.
    else
      void settling.then(
        () => this.#finish(result, undefined),
        (error: unknown) => this.#finish(undefined, error),
      );
  }

  trapped(error: unknown): void {
    this.#finish(undefined, error);
  }

  /** Lets go of what it holds in the runner; it is never entered again. */
  forget(): void {
    if (this.#alive) this.#guest.kernels.give(this.#kernel);
    this.#alive = false;
    for (const entry of this.#entries.values()) this.#guest.driver.forget(entry);
    this.#entries.clear();
  }

  #log(level: number, text: string): void {
    if (this.#ports) {
      this.#ports.log(level, text);
      return;
    }
    if (this.#earlyBytes > this.#guest.plan.limits.logBytes) return;
    this.#earlyBytes += text.length;
    this.#early.push({ level, text });
  }

  #finish(returned: unknown, trap: unknown): void {
    const ports = this.#ports;
    assert(ports);
    const ended = this.#endOf(returned, trap);
    this.#wasi?.flush();
    const burnt = this.#fuel.finish();
    this.#ports = undefined;
    const isWorn = this.#isLast || this.#exitCode !== undefined;
    const isHarmed = !ended.ok && !harmless.includes(ended.code);
    if (isWorn || isHarmed || this.#kernel.usedBytes > wipeBytesMax) this.#alive = false;
    ports.ended(ended, burnt);
    if (this.#alive) this.#kernel.reset();
  }

  #endOf(returned: unknown, trap: unknown): Ended {
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

  /** The output, as long as it is within the limit: it may be as large as the kernel's memory. */
  #output(): Ended {
    const limit = this.#guest.plan.limits.outputBytes;
    if (this.#kernel.outputBytes <= limit) return { ok: true, output: this.#kernel.output() };
    return { ok: false, code: "OUTPUT_TOO_LARGE", message: String(limit) };
  }

  #entryOf(name: string): number {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const exported = this.#exports[name];
    const { params, results } = this.#guest.plan.exports.find((each) => each.name === name) ?? {};
    assert(typeof exported === "function" && params?.length === 0 && results);
    const entry = this.#guest.driver.entry(exported, results.length > 0);
    this.#entries.set(name, entry);
    return entry;
  }

  #instantiate(): void {
    const { imports, wasi } = createImports({
      guest: this.#guest,
      kernel: this.#kernel,
      fuel: this.#fuel,
      ports: () => this.#ports,
      log: (level, text) => this.#log(level, text),
      reserve: (pages) => this.#room.take(pages),
      onExit: (code) => {
        this.#exitCode = code;
      },
    });
    const grow = (pages: number) => (this.#room.take(pages) ? 1 : 0);
    imports["convergio:meter"] = this.#fuel.imports(grow);
    this.#exports = this.#started(imports);
    const { memory, "convergio:fuel": counter } = this.#exports;
    this.#wasi = wasi;
    wasi?.bind(memory instanceof WebAssembly.Memory ? memory : undefined);
    this.#fuel.bind(counter as WebAssembly.Global<"i32">);
  }

  #started(imports: WebAssembly.Imports): WebAssembly.Exports {
    this.#fuel.begin(startFuel, performance.now() + initMs);
    this.#fuel.start();
    try {
      return new WebAssembly.Instance(this.#guest.module, imports).exports;
    } finally {
      this.#fuel.finish();
    }
  }

  async #initialise(calls: readonly InitialCall[]): Promise<void> {
    this.#fuel.begin(initFuel, performance.now() + initMs);
    this.#fuel.start();
    try {
      for (const { name, args } of calls) {
        const exported = this.#exports[name];
        assert(typeof exported === "function");
        await WebAssembly.promising(exported)(...args);
      }
      this.#alive = true;
    } finally {
      this.#fuel.finish();
    }
  }
}
