import type { Fleet } from "#runtime/sandbox/fleet.ts";
import type { GuestPlan } from "#runtime/sandbox/messages.ts";
import { type LoadedGuest, Pool, type PoolLimits } from "#runtime/sandbox/pool.ts";
import type { Outcome, Runner, Work } from "#runtime/sandbox/runner.ts";

/** A runner without a process: what the pools told it, and whether it is dead. */
export class FakeRunner {
  ended = false;
  instances = 0;
  singles = 0;
  readonly loaded = new Set<number>();
  readonly discarded: number[] = [];
  readonly runs: { work: Work; call: number; end: (outcome: Outcome) => void }[] = [];
  readonly cancelled: { call: number; code: string }[] = [];

  async load(module: number): Promise<void> {
    if (this.ended) throw new TypeError("it has ended");
    this.loaded.add(module);
  }

  unload(module: number): void {
    this.loaded.delete(module);
  }

  discard(instance: number): void {
    this.discarded.push(instance);
  }

  run(work: Work, onCall: (call: number) => void): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const call = this.runs.length + 1;
    this.runs.push({ work, call, end: resolve });
    onCall(call);
    return promise;
  }

  cancel(call: number, code: string): void {
    this.cancelled.push({ call, code });
  }
}

/** Hands out a new fake runner whenever the last one has died. */
export class FakeFleet {
  readonly all: FakeRunner[] = [];
  /** Set to let starts fail. */
  refusal: Error | undefined;
  isFull = false;

  get current(): FakeRunner {
    const last = this.all.at(-1);
    if (last !== undefined && !last.ended) return last;
    const made = new FakeRunner();
    this.all.push(made);
    return made;
  }

  async runnerFor(): Promise<Runner | undefined> {
    if (this.refusal) throw this.refusal;
    return this.isFull ? undefined : (this.current as unknown as Runner);
  }
}

/** A pool on a fake fleet; what is left out of the limits is out of the way. */
export function fakePool(
  instances: LoadedGuest["instances"],
  limits: Partial<PoolLimits> = {},
): { pool: Pool; fleet: FakeFleet } {
  const fleet = new FakeFleet();
  const last = { number: 0 };
  const pool = new Pool(
    {
      module: 1,
      plugin: "local/it",
      binding: () => "unsigned local/it",
      plan: { functions: [], limits: { hostCalls: 1, logBytes: 1 } } as unknown as GuestPlan,
      metered: async () => new Uint8Array(),
      instances,
    },
    fleet as unknown as Fleet,
    {
      runningMax: 64,
      liveMax: 5_000,
      instancesMax: 1_000,
      queuedMax: 10_000,
      callerQueuedMax: 5_000,
      queueMs: 300,
      ...limits,
    },
    {
      next() {
        last.number += 1;
        return last.number;
      },
    },
  );
  return { pool, fleet };
}
