import { HostError } from "#manifests/errors.ts";
import type { Asker } from "../capability.ts";
import type { Meter } from "./budget.ts";

/** What is waited for, and how long at most. */
export interface Wait {
  readonly what: string;
  readonly ms: number;
}

/**
 * Waits on behalf of one request, and ends it when it takes too long: each wait, all of them together,
 * what the budget leaves, and the call itself. Only waiting counts: a guest that thinks between two
 * pieces of a body spends none of its time here.
 */
export class Patience {
  /** Fires when the request is to end, with the reason. */
  readonly signal: AbortSignal;
  readonly #own = new AbortController();
  readonly #host: string;
  readonly #asker: Asker;
  readonly #meter: Meter;
  readonly #monotonic: () => number;
  #leftMs: number;

  constructor(
    host: string,
    asker: Asker,
    { meter, totalMs, monotonic }: { meter: Meter; totalMs: number; monotonic: () => number },
  ) {
    this.#host = host;
    this.#asker = asker;
    this.#meter = meter;
    this.#monotonic = monotonic;
    this.#leftMs = totalMs;
    this.signal = AbortSignal.any([asker.signal, this.#own.signal]);
  }

  /**
   * Waits for something that heeds the signal.
   *
   * @throws NETWORK_TIMEOUT, NETWORK_BUDGET_EXHAUSTED, and what `act` throws
   */
  async during<Result>({ what, ms }: Wait, act: () => Promise<Result>): Promise<Result> {
    const startedAt = this.#monotonic();
    const budget = this.#meter.msLeft;
    const untilEnd = this.#asker.deadlineAt - startedAt;
    const limitMs = Math.max(0, Math.min(ms, this.#leftMs, untilEnd, budget.ms));
    const reason =
      limitMs === budget.ms
        ? budget.exhausted()
        : new HostError("NETWORK_TIMEOUT", { host: this.#host, what, limitMs: Math.ceil(limitMs) });
    // Beyond this a timer would fire at once; the call ends before.
    const timer = setTimeout(() => this.#own.abort(reason), Math.min(limitMs, 2 ** 31 - 1));
    try {
      return await act();
    } catch (error) {
      throw this.#own.signal.aborted ? this.#own.signal.reason : error;
    } finally {
      clearTimeout(timer);
      const tookMs = this.#monotonic() - startedAt;
      this.#leftMs -= tookMs;
      this.#meter.addMs(tookMs);
    }
  }

  /** Ends the request now: nobody wants the rest. */
  end(): void {
    this.#own.abort(new HostError("NETWORK_FAILED", { host: this.#host, reason: "it was closed" }));
  }
}
