/** Keeps the depth of every label of a body while blocks are inserted around them. */
export class Labels {
  /** How many labels stand in the new code when each label of the old code is the innermost. */
  readonly #heights: number[] = [];
  #height = 0;

  /** Opens a label of the old code, inside of `wrappers` labels that only the new code has. */
  open(wrappers: number): void {
    this.#height += wrappers + 1;
    this.#heights.push(this.#height);
  }

  /** Closes the innermost label, and the labels inserted around it. */
  close(): void {
    this.#heights.pop();
    this.#height = this.#heights[this.#heights.length - 1] ?? 0;
  }

  /** The labels of the old code that are open. */
  get count(): number {
    return this.#heights.length;
  }

  /** The depth in the new code of a label at a depth in the old code. */
  depth(old: number): number {
    const target = this.#heights[this.#heights.length - 1 - old] ?? 0;
    return this.#height - target;
  }
}
