import type { Death } from "./death.ts";
import type { Lane, Waiter } from "./turns.ts";

/** Fuel handed out between two looks at the clock: 0.1 to 0.3 ms of a guest's time. */
const slice = 200_000;

/**
 * Units of work that the host does for a guest which passes no check meanwhile: up to 100 ms. Every
 * function and loop of a guest begins with a check, so that only code which was written to hold the
 * thread, one call of the host after the other, comes near.
 */
const debtMax = 32_000_000;

const cancelled = { code: "CALL_CANCELLED", message: "CALL_CANCELLED" };

/** Why a guest was ended: a code of the error table, and a sentence about what it did. */
export interface End {
  readonly code: string;
  readonly message: string;
}

/**
 * The fuel of one instance: what it may burn, when it has to stop, and its turns on the thread.
 *
 * The guest counts down a global of its own; a check that finds it below zero comes here. An answer of
 * zero ends the guest by a trap, which no handler of the guest can catch.
 */
export class Fuel {
  readonly #lane: Lane;
  readonly #death: Death<End>;
  readonly #phase = new WebAssembly.Global({ value: "i32", mutable: true }, 0);
  #counter: WebAssembly.Global<"i32"> | undefined;
  #granted = 0;
  #spent = 0;
  #limit = 0;
  #deadlineAt = 0;
  #runningSince = 0;
  #ended: End | undefined;
  #waiter: Waiter | undefined;
  #onEnd: (() => void) | undefined;

  constructor(lane: Lane, death: Death<End>) {
    this.#lane = lane;
    this.#death = death;
  }

  /** 0 until the guest may be suspended. */
  get phase(): WebAssembly.Global {
    return this.#phase;
  }

  /** What the metering pass imports. `grow` answers whether so many pages may be added. */
  imports(grow: (pages: number) => number): WebAssembly.ModuleImports {
    return {
      phase: this.#phase,
      charge: (counter: number) => this.#refuel(counter),
      yield: new WebAssembly.Suspending((counter: number) => this.#yield(counter)),
      grow,
    };
  }

  /** Takes the counter that the metered module exports; from here on the guest may be suspended. */
  bind(counter: WebAssembly.Global<"i32">): void {
    this.#settle(counter.value);
    this.#counter = counter;
    this.#phase.value = 1;
  }

  /** Why the host ended the guest, if it did. */
  get ended(): End | undefined {
    return this.#ended;
  }

  /** Units burnt since the budget began. */
  get burnt(): number {
    const left = this.#counter === undefined ? this.#granted : this.#counter.value;
    return this.#spent + this.#granted - left;
  }

  /** Begins a budget: `limit` units until `deadlineAt` on the monotonic clock. */
  begin(limit: number, deadlineAt: number): void {
    this.#spent = 0;
    this.#limit = limit;
    this.#deadlineAt = deadlineAt;
    this.#granted = Math.min(slice, limit);
    if (this.#counter) this.#counter.value = this.#granted;
  }

  /** Begins to hold the thread. */
  start(): void {
    this.#runningSince = performance.now();
  }

  /** Ends the budget. Returns the units burnt. */
  finish(): number {
    this.#pause();
    if (this.#counter) this.#settle(this.#counter.value);
    return this.#spent;
  }

  /** Charges units that others burnt on the guest's behalf. */
  burn(units: number): void {
    this.#spent += units;
  }

  /**
   * Charges work that the host does for the guest: felt at the guest's next check, or here when it
   * has passed none for long.
   */
  charge(units: number): void {
    const counter = this.#counter;
    if (counter === undefined) {
      // A start section, whose counter can be had only when it is over.
      this.#spent += units;
      if (this.#spent >= this.#limit) this.die("FUEL_EXHAUSTED", "FUEL_EXHAUSTED");
      return;
    }
    const left = counter.value;
    if (left < -debtMax) this.die("FUEL_EXHAUSTED", "FUEL_EXHAUSTED");
    counter.value = left - Math.min(units, 0x3fff_ffff);
  }

  /** Ends the guest: at its next check, or at once when it is suspended. */
  end(code: string): void {
    this.#ended ??= { code, message: code };
    const waiter = this.#waiter;
    if (waiter && !waiter.done) {
      waiter.done = true;
      waiter.go();
    }
    this.#onEnd?.();
  }

  /** Throws what ends a guest from inside a host function. Every later import answers the same. */
  die(code: string, message: string): never {
    this.#ended ??= { code, message };
    throw this.#death.error(this.#ended);
  }

  /** Throws when the host has ended the guest: what a plain host function asks first. */
  check(): void {
    if (this.#ended !== undefined) throw this.#death.error(this.#ended);
  }

  /**
   * Waits for the host on behalf of the guest, which holds no turn meanwhile.
   *
   * Rejects with what a guest cannot catch when the guest is ended before or while it waits.
   */
  async suspend<T>(answer: Promise<T>): Promise<T> {
    this.check();
    this.#pause();
    const ended = new Promise<never>((_, reject) => {
      this.#onEnd = () => reject(this.#death.error(this.#ended ?? cancelled));
    });
    try {
      const value = await Promise.race([answer, ended]);
      await this.turn();
      // A look at the books, as at a check: what was owed is paid, or the guest ends.
      if (this.#counter) this.#counter.value = this.#refuel(this.#counter.value);
      return value;
    } finally {
      this.#onEnd = undefined;
      this.#runningSince = performance.now();
      this.check();
    }
  }

  /** Waits until the plugin has a turn, when it has used up the present one. */
  turn(): Promise<void> | undefined {
    if (this.#lane.free) return undefined;
    return new Promise((resolve) => {
      this.#waiter = this.#lane.wait(() => {
        this.#waiter = undefined;
        resolve();
      });
    });
  }

  #pause(): void {
    this.#lane.spend(performance.now() - this.#runningSince);
  }

  #settle(counter: number): void {
    this.#spent += this.#granted - counter;
    this.#granted = 0;
  }

  #refuel(counter: number): number {
    this.#settle(counter);
    if (this.#ended === undefined) {
      if (this.#spent >= this.#limit) this.end("FUEL_EXHAUSTED");
      else if (performance.now() >= this.#deadlineAt) this.end("DEADLINE_EXCEEDED");
    }
    if (this.#ended !== undefined) return this.#stop();
    this.#granted = Math.min(slice, this.#limit - this.#spent);
    return this.#granted;
  }

  /** Returns the zero that ends the guest, with the books closed: it writes no counter back. */
  #stop(): number {
    this.#granted = 0;
    if (this.#counter) this.#counter.value = 0;
    return 0;
  }

  #yield(counter: number): number | Promise<number> {
    const granted = this.#refuel(counter);
    if (granted === 0) return 0;
    if (this.#counter) this.#counter.value = granted;
    const now = performance.now();
    this.#lane.spend(now - this.#runningSince);
    this.#runningSince = now;
    const turn = this.turn();
    if (turn === undefined) return granted;
    return turn.then(() => {
      this.#runningSince = performance.now();
      return this.#ended === undefined ? granted : this.#stop();
    });
  }
}
