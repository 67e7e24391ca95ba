/** Milliseconds that the guests of one plugin hold the thread in one turn of the event loop. */
const turnMs = 1;

/** A guest that waits for its plugin's next turn. */
export interface Waiter {
  readonly go: () => void;
  done: boolean;
}

/**
 * The share of the thread that belongs to one plugin.
 *
 * Shared by plugin and not by call: fifty busy calls of one plugin together get what one gets, so that
 * another plugin in the same runner does not feel them.
 */
export class Lane {
  readonly #turns: Turns;
  readonly #waiters: Waiter[] = [];
  #spentMs = 0;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Returns whether a guest may run now. */
  get free(): boolean {
    return this.#spentMs < turnMs && this.#waiters.length === 0;
  }

  /** Books time that a guest held the thread, and lets the next one go while the turn lasts. */
  spend(ms: number): void {
    this.#spentMs += ms;
    this.#turns.watch(this);
    if (this.#spentMs < turnMs) this.#release();
  }

  /** Calls `go` when it is this guest's turn; set `done` to leave the queue. */
  wait(go: () => void): Waiter {
    const waiter = { go, done: false };
    this.#waiters.push(waiter);
    this.#turns.watch(this);
    return waiter;
  }

  /** Begins a turn. Returns whether the lane has to be watched on. */
  turn(): boolean {
    this.#spentMs = 0;
    this.#release();
    return this.#waiters.length > 0;
  }

  #release(): void {
    for (let next = this.#waiters.shift(); next; next = this.#waiters.shift()) {
      if (next.done) continue;
      next.done = true;
      next.go();
      return;
    }
  }
}

/** Gives every lane its turn, once a turn of the event loop, while there is anything to give. */
export class Turns {
  #watched = new Set<Lane>();
  #scheduled = false;

  /** Creates the lane of one plugin. */
  lane(): Lane {
    return new Lane(this);
  }

  /** Sees to it that the lane gets its next turn. */
  watch(lane: Lane): void {
    this.#watched.add(lane);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const lanes = this.#watched;
      this.#watched = new Set();
      for (const lane of lanes) if (lane.turn()) this.watch(lane);
    });
  }
}
