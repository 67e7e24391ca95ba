import { op } from "./opcodes.ts";

/** A block, loop or function that is open. */
export interface Frame {
  readonly event: number;
  readonly operation: number;
  /** The region that leads to it, and so to what follows it. */
  readonly region: number;
  /** The first region of a loop. */
  head: number;
  /** Values that it takes, and that a branch to its label carries. */
  readonly params: number;
  readonly arity: number;
  isTargeted: boolean;
  /** Whether something in it may look at the exported counter, or leave in a way of its own. */
  isOpen: boolean;
  /** Whether a loop in it has more ways out than are kept. */
  isWide: boolean;
  /** How long the list of branches was before it. */
  readonly branchesBefore: number;
}

/** Each way out of a loop gets code of its own where it copies the counter: so many at most. */
const exitsMax = 8;

/** With more ways out, neither a loop nor those around it are looked at: it would be done for each. */
const keptMax = 64;

/** The labels of a body while it is read, and the branches to them. */
export class Frames {
  readonly #frames: Frame[] = [];
  /** The labels, counted from the function's own, that were branched to. */
  readonly #branches: number[] = [];

  get depth(): number {
    return this.#frames.length;
  }

  get top(): Frame {
    return this.#frames[this.#frames.length - 1] as Frame;
  }

  open(event: number, operation: number, region: number, params: number, results: number): void {
    this.#frames.push({
      event,
      operation,
      region,
      head: region,
      params,
      arity: operation === op.loop ? params : results,
      isTargeted: false,
      isOpen: false,
      isWide: false,
      branchesBefore: this.#branches.length,
    });
  }

  /** Records a branch and returns how many values it carries. */
  branch(depth: number): number {
    const label = this.#frames.length - 1 - depth;
    const frame = this.#frames[label];
    if (frame === undefined) return 0;
    frame.isTargeted = true;
    const isKnown = this.#branches.length > this.top.branchesBefore;
    if (!isKnown || this.#branches[this.#branches.length - 1] !== label) this.#branches.push(label);
    return frame.arity;
  }

  close(): Frame {
    const frame = this.#frames.pop() as Frame;
    const around = this.#frames[this.#frames.length - 1];
    if (around && frame.isOpen) around.isOpen = true;
    if (around && frame.isWide) around.isWide = true;
    return frame;
  }

  /**
   * The labels outside of a loop just closed that something in it branches to.
   *
   * @returns   nothing when they are too many to be used
   */
  exitsOf(loop: Frame): readonly number[] | undefined {
    const outside = new Set<number>();
    for (const label of this.#branches.splice(loop.branchesBefore)) {
      if (label < this.#frames.length) outside.add(label);
    }
    if (loop.isWide || outside.size > keptMax) {
      this.top.isWide = true;
      return undefined;
    }
    // Kept for the loops around this one, once each, so that the list stays short.
    this.#branches.push(...outside);
    return outside.size > exitsMax ? undefined : [...outside];
  }
}
