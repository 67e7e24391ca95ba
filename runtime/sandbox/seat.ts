import { invokeFlag } from "./messages.ts";
import type { Pool } from "./pool.ts";
import type { Outcome, Runner, Work, WorkPorts } from "./runner.ts";

/** One call for a seat. */
export interface SeatWork {
  /** Place of the tool in the plan. */
  readonly tool: number;
  /** JSON text in UTF-8, or raw bytes. */
  readonly input: Uint8Array;
  readonly rawInput: boolean;
  readonly rawOutput: boolean;
  /** Milliseconds from now. */
  readonly deadlineMs: number;
  readonly fuel: number;
  readonly ports: WorkPorts;
  readonly signal: AbortSignal | undefined;
}

/** Nobody can cancel the call. */
const ignore = (): void => {};

/** An instance, and whose it is now. */
export interface Place {
  caller: string;
  readonly instance: number;
  /** When it was used last, on the monotonic clock. */
  since: number;
}

/** The right to run one call on one instance; disposing it gives the instance back to its pool. */
export class Seat implements Disposable {
  readonly #pool: Pool;
  readonly runner: Runner;
  readonly place: Place;
  /** Whether the instance ends with the call. */
  readonly fresh: boolean;
  #alive = true;
  #isReturned = false;

  constructor(pool: Pool, runner: Runner, place: Place, fresh: boolean) {
    this.#pool = pool;
    this.runner = runner;
    this.place = place;
    this.fresh = fresh;
  }

  get caller(): string {
    return this.place.caller;
  }

  get instance(): number {
    return this.place.instance;
  }

  /** Runs the call. Never rejects: how it ended is its outcome. */
  async run(work: SeatWork): Promise<Outcome> {
    const { signal } = work;
    if (signal === undefined) return this.#ended(await this.runner.run(this.#workOf(work), ignore));
    const calls: number[] = [];
    const cancel = () => {
      for (const call of calls) this.runner.cancel(call, "CALL_CANCELLED");
    };
    const running = this.runner.run(this.#workOf(work), (call) => calls.push(call));
    // It may have been cancelled while it went from the queue to here.
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
    const outcome = await running;
    signal.removeEventListener("abort", cancel);
    return this.#ended(outcome);
  }

  #workOf({ tool, deadlineMs, fuel, input, ports, rawInput, rawOutput }: SeatWork): Work {
    const { module, plan } = this.#pool.guest;
    const flags =
      (rawInput ? invokeFlag.rawInput : 0) |
      (rawOutput ? invokeFlag.rawOutput : 0) |
      (this.fresh ? invokeFlag.discardAfter : 0);
    return {
      invoke: { module, tool, instance: this.place.instance, flags, deadlineMs, fuel },
      input,
      functionCount: plan.functions.length,
      limits: plan.limits,
      ports,
      onWait: this.#pool.onWait,
    };
  }

  #ended(outcome: Outcome): Outcome {
    this.#alive = outcome.alive;
    return outcome;
  }

  [Symbol.dispose](): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    this.#pool.release(this, this.#alive);
  }
}
