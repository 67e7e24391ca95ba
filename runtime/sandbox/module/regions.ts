/** The region that nothing reaches: what is in it is not charged. */
export const dead = 0;
/** The region that begins with the function. */
export const entry = 1;

/** How freely cost is moved forward: the most that one region may hand on or take over. */
const handedOnMax = 16;
const takenOverMin = 32;

/** Where a body is charged. */
export interface Charges {
  /** Units to charge when the function is entered. */
  readonly entry: number;
  /** Units to charge right after each event; 0 for none. */
  readonly after: Int32Array;
}

/**
 * The straight regions of a body: runs of instructions that control enters only at their start.
 *
 * A region has a leader, another region that always runs before it. A region is charged at its
 * start or, if it is small, together with its leader: too early and sometimes in vain, but never
 * too late.
 */
export class Regions {
  readonly #costs: number[] = [0, 0];
  /** -1: charged where it starts, in any case. */
  readonly #leaders: number[] = [-1, -1];
  /** The event behind which it starts. */
  readonly #starts: number[] = [-1, -1];
  current: number = entry;

  /** What the current region costs by itself, so far. */
  get cost(): number {
    return this.#costs[this.current] as number;
  }

  spend(units: number): void {
    this.#costs[this.current] = (this.#costs[this.current] as number) + units;
  }

  /** Begins a region behind an event, unless nothing reaches it. */
  begin(event: number, leader: number): void {
    if (leader === dead) {
      this.current = dead;
      return;
    }
    this.current = this.#costs.push(0) - 1;
    this.#leaders.push(leader);
    this.#starts.push(event);
  }

  /** Makes a region one that is charged where it starts: it may run again without its leader. */
  detach(region: number): void {
    this.#leaders[region] = -1;
  }

  /** Decides where each region is charged, for a body of so many events. */
  charges(events: number): Charges {
    const after = new Int32Array(events);
    const costs = Float64Array.from(this.#costs);
    const takenOver = new Float64Array(costs.length);
    for (let region = costs.length - 1; region > entry; region--) {
      const cost = costs[region] as number;
      const leader = this.#leaders[region] as number;
      const own = this.#costs[leader] ?? 0;
      const room = Math.max(takenOverMin, own) - (takenOver[leader] ?? 0);
      if (leader > dead && cost <= handedOnMax && cost <= room) {
        takenOver[leader] = (takenOver[leader] as number) + cost;
        costs[leader] = (costs[leader] as number) + cost;
      } else after[this.#starts[region] as number] = cost;
    }
    return { entry: costs[entry] as number, after };
  }
}
