import { invokeFlag } from "./messages.ts";
import type { Pool } from "./pool.ts";
import type { Outcome, Runner, WorkPorts } from "./runner.ts";

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

/** Where a seat is. */
export interface Place {
  readonly runner: Runner;
  readonly caller: string;
  readonly instance: number;
  /** Whether the instance ends with the call. */
  readonly fresh: boolean;
}

/** The right to run one call on one instance; disposing it gives the instance back to its pool. */
export class Seat implements Disposable, Place {
  readonly #pool: Pool;
  readonly runner: Runner;
  readonly caller: string;
  readonly instance: number;
  readonly fresh: boolean;
  #alive = true;
  #isReturned = false;
  #cancel: (() => void) | undefined;

  constructor(pool: Pool, { runner, caller, instance, fresh }: Place) {
    this.#pool = pool;
    this.runner = runner;
    this.caller = caller;
    this.instance = instance;
    this.fresh = fresh;
  }

  /** Runs the call. Never rejects: how it ended is its outcome. */
  async run(work: SeatWork): Promise<Outcome> {
    const { guest } = this.#pool;
    const { signal, tool, deadlineMs, fuel } = work;
    const flags =
      (work.rawInput ? invokeFlag.rawInput : 0) |
      (work.rawOutput ? invokeFlag.rawOutput : 0) |
      (this.fresh ? invokeFlag.discardAfter : 0);
    const { module } = guest;
    const outcome = await this.runner.run(
      {
        invoke: { module, tool, instance: this.instance, flags, deadlineMs, fuel },
        input: work.input,
        functionCount: guest.plan.functions.length,
        limits: guest.plan.limits,
        ports: work.ports,
        onWait: (waiting) => this.#pool.suspended(waiting ? 1 : -1),
      },
      (call) => {
        this.#cancel = () => this.runner.cancel(call, "CALL_CANCELLED");
        // It may have been cancelled while it went from the queue to here.
        if (signal?.aborted) this.#cancel();
        else signal?.addEventListener("abort", this.#cancel, { once: true });
      },
    );
    if (this.#cancel) signal?.removeEventListener("abort", this.#cancel);
    this.#alive = outcome.alive;
    return outcome;
  }

  [Symbol.dispose](): void {
    if (this.#isReturned) return;
    this.#isReturned = true;
    this.#pool.release(this, this.#alive);
  }
}
