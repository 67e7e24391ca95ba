import type { Exchange, GuestLimits, Invoke } from "./messages.ts";

/** What the host does for a call while a runner runs it. */
export interface WorkPorts {
  /** Never rejects. `fuel` is what calls on behalf of this one burnt, in thousands of units. */
  ask(
    number: number,
    exchange: Exchange,
    burnt: number,
  ): Promise<Exchange & { readonly fuel?: number }>;
  log(level: number, text: string): void;
}

/** A call for a runner. */
export interface Work {
  readonly invoke: Omit<Invoke, "call">;
  readonly input: Uint8Array;
  readonly functionCount: number;
  /** What the guest may ask and log: a runner that passes on more is not the one that was started. */
  readonly limits: Pick<GuestLimits, "hostCalls" | "logBytes">;
  readonly ports: WorkPorts;
  /** Hears that the guest waits for the host, or no longer. */
  readonly onWait: (waiting: boolean) => void;
}

/** How a call ended. `alive` is false when its instance is gone. */
export interface Outcome {
  readonly ok: boolean;
  /** The runner died while the guest waited for the host, so that it was not what killed it. */
  readonly diedWaiting?: boolean;
  readonly alive: boolean;
  readonly raw: boolean;
  readonly fuel: number;
  readonly memoryBytes: number;
  readonly hostCalls: number;
  /** The output; of a failure the JSON `{code, facts}`, a claim of the runner (untrusted). */
  readonly payload: Buffer;
}

/** A call that is live on the pipe of its runner. */
export class Live {
  readonly work: Work;
  readonly deadlineAt: number;
  readonly #onOver: (outcome: Outcome) => void;
  /** Questions that it asked, and those of them that wait for an answer. */
  asked = 0;
  open = 0;
  /** Whether it sleeps in the runner. */
  resting = false;
  /** Bytes. */
  logged = 0;
  /** Why the host ended it; undefined while it has authority. */
  ended: string | undefined;
  /** Sweeps since then. */
  closing = 0;
  /** What the runner's thread had used of the processor at the first of them, in milliseconds. */
  usedMs = 0;

  constructor(work: Work, deadlineAt: number, onOver: (outcome: Outcome) => void) {
    this.work = work;
    this.deadlineAt = deadlineAt;
    this.#onOver = onOver;
  }

  /** Ends it for whoever waits for it. */
  settle(outcome: Outcome): void {
    this.waitNoMore();
    this.#onOver(outcome);
  }

  /** Notes that it asked the host, or was answered. */
  wait(by: 1 | -1): void {
    this.#change(this.open + by, this.resting);
  }

  /** Notes that it fell asleep, or awoke. */
  rest(resting: boolean): void {
    this.#change(this.open, resting);
  }

  /** Nobody answers it any more. */
  waitNoMore(): void {
    this.#change(0, false);
  }

  #change(open: number, resting: boolean): void {
    const before = this.open > 0 || this.resting;
    this.open = open;
    this.resting = resting;
    const waits = open > 0 || resting;
    if (waits !== before) this.work.onWait(waits);
  }
}

/** Returns how a call ends that the host, or the death of its runner, has ended. */
export function failure(code: string): Outcome {
  const payload = Buffer.from(JSON.stringify({ code, facts: {} }));
  const none = { fuel: 0, memoryBytes: 0, hostCalls: 0 };
  return { ok: false, alive: false, raw: false, ...none, payload };
}
