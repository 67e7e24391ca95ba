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
  /** How long the list of branches was before it. */
  readonly branchesBefore: number;
}

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
    return frame;
  }

  /** The labels outside of a loop just closed that something in it branches to. */
  exitsOf(loop: Frame): readonly number[] {
    const outside = new Set<number>();
    for (const label of this.#branches.splice(loop.branchesBefore)) {
      if (label < this.#frames.length) outside.add(label);
    }
    // Kept for the loops around this one, once each, so that the list stays short.
    this.#branches.push(...outside);
    return [...outside];
  }
}
