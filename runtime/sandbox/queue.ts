/** What waits for a place, and for whom. */
export interface Waiter<Place> {
  readonly caller: string;
  readonly grant: (place: Place) => void;
  readonly refuse: (error: unknown) => void;
}

/** Waiting calls of one plugin, served in turn by caller, so that nobody waits behind somebody's thousand. */
export class FairQueue<Place> {
  readonly #byCaller = new Map<string, Waiter<Place>[]>();
  #size = 0;

  /** Waiting calls. */
  get size(): number {
    return this.#size;
  }

  /** Callers that wait. */
  get callers(): number {
    return this.#byCaller.size;
  }

  /** Waiting calls of one caller. */
  sizeOf(caller: string): number {
    return this.#byCaller.get(caller)?.length ?? 0;
  }

  /** Adds a call at the end of its caller's line. */
  push(waiter: Waiter<Place>): void {
    const line = this.#byCaller.get(waiter.caller);
    if (line) line.push(waiter);
    else this.#byCaller.set(waiter.caller, [waiter]);
    this.#size += 1;
  }

  /** Takes the next call: callers in turn, those that `admits` refuses are passed over. */
  shift(admits: (caller: string) => boolean): Waiter<Place> | undefined {
    for (const [caller, line] of this.#byCaller) {
      if (!admits(caller)) continue;
      const waiter = line.shift();
      this.#byCaller.delete(caller);
      // Behind everybody else: a Map keeps the order of insertion.
      if (line.length > 0) this.#byCaller.set(caller, line);
      this.#size -= 1;
      return waiter;
    }
    return undefined;
  }

  /** Takes a call out of its line. Returns whether it was there. */
  remove(waiter: Waiter<Place>): boolean {
    const line = this.#byCaller.get(waiter.caller);
    const index = line?.indexOf(waiter) ?? -1;
    if (line === undefined || index < 0) return false;
    line.splice(index, 1);
    if (line.length === 0) this.#byCaller.delete(waiter.caller);
    this.#size -= 1;
    return true;
  }

  /** Takes all. */
  drain(): readonly Waiter<Place>[] {
    const all = [...this.#byCaller.values()].flat();
    this.#byCaller.clear();
    this.#size = 0;
    return all;
  }
}
