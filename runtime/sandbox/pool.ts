import { HostError } from "#manifests/errors.ts";
import type { Fleet } from "./fleet.ts";
import type { LoadedGuest, PoolLimits } from "./loaded-guest.ts";
import { FairQueue } from "./queue.ts";
import type { Runner } from "./runner.ts";
import { type Place, Seat } from "./seat.ts";
import { waitIn } from "./waiting.ts";

export type { LoadedGuest, PoolLimits } from "./loaded-guest.ts";

/** Where a pool gets its runner from. */
export type Runners = Pick<Fleet, "runnerFor">;

/** Who calls hooks: nobody whose calls are counted. */
const hookCaller = "";

/** Numbers instances; one for the whole host, so that no two runners are ever confused. */
export interface InstanceNumbers {
  next(): number;
}

/** Which instance of a plugin answers a call, and who waits for one. */
export class Pool {
  readonly guest: LoadedGuest;
  readonly #fleet: Runners;
  readonly #limits: PoolLimits;
  readonly #numbers: InstanceNumbers;
  readonly #queue = new FairQueue<Seat>();
  readonly #held = new Map<string, number>();
  /** Longest unused first. */
  readonly #idle: Place[] = [];
  #runner: Runner | undefined;
  #starting: Promise<void> | undefined;
  #live = 0;
  #suspended = 0;
  /** Instances that hooks have for themselves; they are among the live ones. */
  #apart = 0;
  /** Pools whose calls come before those of this one. */
  #ahead: Pool[] = [];
  /** Those that wait for the last call of this one. */
  readonly #followers = new Set<Pool>();
  #closed = false;

  constructor(guest: LoadedGuest, fleet: Runners, limits: PoolLimits, numbers: InstanceNumbers) {
    this.guest = guest;
    this.#fleet = fleet;
    this.#limits = limits;
    this.#numbers = numbers;
  }

  /** Calls that hold an instance, and calls that wait for one. */
  get load(): { readonly live: number; readonly queued: number } {
    return { live: this.#live, queued: this.#queue.size };
  }

  /**
   * Returns an instance for one call of a caller, at once or when it is its turn.
   *
   * @throws CALLER_QUEUE_FULL, QUEUE_FULL, QUEUE_TIMEOUT, CALL_CANCELLED, HOST_STOPPING
   */
  acquire(caller: string, signal: AbortSignal | undefined): Seat | Promise<Seat> {
    if (this.#closed) throw new HostError("HOST_STOPPING", {});
    if (this.#queue.size === 0 && this.#hasRoom()) return this.#seat(caller);
    const plugin = this.guest.plugin;
    const limit = this.#limits.callerQueuedMax;
    if (this.#queue.size >= this.#limits.queuedMax) throw new HostError("QUEUE_FULL", { plugin });
    if (this.#queue.sizeOf(caller) >= limit)
      throw new HostError("CALLER_QUEUE_FULL", { plugin, limit });
    return this.#wait(caller, signal);
  }

  /** Loads the module into its runner. @throws INIT_FAILED, MODULE_ALTERED, QUEUE_FULL, RUNNER_DIED */
  async warm(): Promise<void> {
    while (this.#usable === undefined && !this.#over) {
      this.#starting ??= this.#start().finally(() => {
        this.#starting = undefined;
      });
      await this.#starting;
    }
  }

  /** Forgets a runner that has ended. */
  lost(runner: Runner): void {
    if (this.#runner !== runner) return;
    this.#forget();
    if (this.#queue.size > 0) this.#pump();
  }

  /**
   * Lets the calls of a pool that this one replaces go first, when there may be one instance only:
   * whoever has the single one must not meet another that began beside it.
   */
  behind(other: Pool): void {
    if (!this.#single || other.#isDone) return;
    this.#ahead.push(other);
    other.#followers.add(this);
  }

  /** Takes no new call; those that run or wait finish, then the module is let go. */
  close(): void {
    this.#closed = true;
    this.#leave();
  }

  /** Takes a seat back; its instance is kept for the same caller when it is still good. */
  release(seat: Seat, alive: boolean): void {
    if (seat.caller === hookCaller) this.#apart -= 1;
    const held = (this.#held.get(seat.caller) ?? 1) - 1;
    if (held === 0) this.#held.delete(seat.caller);
    else this.#held.set(seat.caller, held);
    this.#live -= 1;
    const kept = alive && seat.runner === this.#runner && !seat.fresh;
    if (kept) this.#keep(seat);
    else this.#count(seat.runner, -1);
    if (this.#idle.length > this.#limits.runningMax) this.#evict(seat.runner);
    this.#leave();
    this.#pump();
    this.#letFollow();
  }

  /** Drops instances that nobody has called for so long; `single` keeps its one, and its state. */
  sweep(idleMs: number): void {
    const runner = this.#usable;
    if (runner === undefined || this.#single) return;
    const before = performance.now() - idleMs;
    while ((this.#idle[0]?.since ?? Number.POSITIVE_INFINITY) < before) this.#evict(runner);
  }

  #keep({ place }: Seat): void {
    place.since = performance.now();
    this.#idle.push(place);
  }

  /** Counts a call that waits for the host: it leaves the processor to others. */
  suspended(by: 1 | -1): void {
    this.#suspended += by;
    if (by === 1) this.#pump();
  }

  /** The same, for a runner. */
  readonly onWait = (waiting: boolean): void => this.suspended(waiting ? 1 : -1);

  get #single(): boolean {
    return this.guest.instances === "single";
  }

  /** The runner, unless its end is decided: the news of it may still be on its way. */
  get #usable(): Runner | undefined {
    if (this.#runner?.ended) this.#forget();
    return this.#runner;
  }

  /** Whether no call runs or waits; hooks are no calls. */
  get #isDone(): boolean {
    return this.#live - this.#apart === 0 && this.#queue.size === 0;
  }

  #letFollow(): void {
    if (this.#followers.size === 0 || !this.#isDone) return;
    const followers = [...this.#followers];
    this.#followers.clear();
    for (const next of followers) {
      next.#ahead = next.#ahead.filter((pool) => pool !== this);
      next.#pump();
    }
  }

  /** Whether nobody will call any more. */
  get #over(): boolean {
    return this.#closed && this.#live === 0 && this.#queue.size === 0;
  }

  #forget(): void {
    this.#runner = undefined;
    this.#idle.length = 0;
  }

  /** Takes a closed pool out of its runner, once its last call is over. */
  #leave(): void {
    const runner = this.#usable;
    if (!this.#over || runner === undefined) return;
    while (this.#evict(runner));
    runner.unload(this.guest.module);
    this.#forget();
  }

  /** Books an instance more or less; the state of a single one keeps its runner from idling out. */
  #count(runner: Runner, by: 1 | -1): void {
    runner.instances += by;
    if (this.#single) runner.singles += by;
  }

  #hasRoom(): boolean {
    const runner = this.#usable;
    if (runner === undefined) return false;
    if (this.#single) return this.#live === 0 && this.#ahead.length === 0;
    const { liveMax, runningMax, instancesMax } = this.#limits;
    if (this.#live >= liveMax || this.#live - this.#suspended >= runningMax) return false;
    if (runner.instances < instancesMax) return true;
    return this.#evict(runner);
  }

  #seat(caller: string): Seat {
    const runner = this.#runner as Runner;
    const known = this.#takeIdle(caller);
    if (known === undefined) this.#count(runner, 1);
    this.#live += 1;
    this.#held.set(caller, (this.#held.get(caller) ?? 0) + 1);
    const place = known ?? { caller, instance: this.#numbers.next(), since: 0 };
    place.caller = caller;
    return new Seat(this, runner, place, this.guest.instances === "fresh");
  }

  /**
   * Returns an instance of its own for a hook, beside whatever the pool holds.
   *
   * @throws INIT_FAILED, QUEUE_FULL, RUNNER_DIED, HOST_STOPPING
   */
  async apart(): Promise<Seat> {
    await this.warm();
    const runner = this.#runner;
    if (runner === undefined) throw new HostError("HOST_STOPPING", {});
    this.#count(runner, 1);
    this.#live += 1;
    this.#apart += 1;
    const place = { caller: hookCaller, instance: this.#numbers.next(), since: 0 };
    return new Seat(this, runner, place, true);
  }

  #takeIdle(caller: string): Place | undefined {
    const last = this.#idle.at(-1);
    if (this.#single || last?.caller === caller) return this.#idle.pop();
    const index = this.#idle.findLastIndex((idle) => idle.caller === caller);
    return index < 0 ? undefined : this.#idle.splice(index, 1)[0];
  }

  #evict(runner: Runner): boolean {
    const oldest = this.#idle.shift();
    if (oldest === undefined) return false;
    runner.discard(oldest.instance);
    this.#count(runner, -1);
    return true;
  }

  /** Lets in who waits, callers in turn; nobody holds more than half while others wait. */
  #pump(): void {
    if (this.#queue.size > 0 && this.#usable === undefined) {
      this.warm().then(
        () => this.#pump(),
        (error: unknown) => {
          for (const waiter of this.#queue.drain()) waiter.refuse(error);
        },
      );
      return;
    }
    while (this.#queue.size > 0 && this.#hasRoom()) {
      const half = this.#queue.callers > 1 ? Math.ceil(this.#limits.runningMax / 2) : Infinity;
      const waiter =
        this.#queue.shift((caller) => (this.#held.get(caller) ?? 0) < half) ??
        this.#queue.shift(() => true);
      waiter?.grant(this.#seat(waiter.caller));
    }
  }

  #wait(caller: string, signal: AbortSignal | undefined): Promise<Seat> {
    const { plugin } = this.guest;
    const waiting = waitIn(this.#queue, caller, {
      ...{ plugin, signal, limitMs: this.#limits.queueMs },
      onLeave: () => {
        this.#leave();
        this.#letFollow();
      },
    });
    this.#pump();
    return waiting;
  }

  async #start(): Promise<void> {
    const { guest } = this;
    const { plugin } = guest;
    // Read before there is a runner: one that waits for nothing could be taken away meanwhile.
    const metered = await guest.metered();
    const runner = await this.#fleet.runnerFor(guest.binding()).catch((cause: unknown) => {
      throw cause instanceof HostError
        ? cause
        : new HostError("RUNNER_DIED", { plugin }, { cause });
    });
    if (runner === undefined) throw new HostError("QUEUE_FULL", { plugin });
    try {
      await runner.load(guest.module, guest.plan, metered);
    } catch (cause) {
      if (runner.ended) throw new HostError("RUNNER_DIED", { plugin }, { cause });
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new HostError("INIT_FAILED", { plugin, message }, { cause });
    }
    if (runner.ended) return;
    this.#runner = runner;
    this.#leave();
  }
}
