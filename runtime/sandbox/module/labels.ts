/** Keeps the depth of every label of a body while blocks are inserted around them. */
export class Labels {
  /** For each open label of the old code, how many labels of the new code are open up to it. */
  readonly #heights: number[] = [];
  /** The same for the label that branches to it go to, which may be another one. */
  readonly #targets: number[] = [];
  #height = 0;

  /** How many labels are open in the new code. */
  get height(): number {
    return this.#height;
  }

  /** Opens a label of the old code, inside of `wrappers` labels that only the new code has. */
  open(wrappers: number): void {
    this.#height += wrappers + 1;
    this.#heights.push(this.#height);
    this.#targets.push(this.#height);
  }

  /** Closes the innermost label, and the labels inserted around it. */
  close(): void {
    this.#heights.pop();
    this.#targets.pop();
    this.#height = this.#heights[this.#heights.length - 1] ?? 0;
  }

  /** The depth in the new code of a label at a depth in the old code. */
  depth(old: number): number {
    return this.#height - this.target(this.#targets.length - 1 - old);
  }

  /** The height at which branches to a label arrive; it is counted from the function's own. */
  target(label: number): number {
    return this.#targets[label] ?? 0;
  }

  /** Sends branches to a label elsewhere. */
  divert(label: number, height: number): void {
    this.#targets[label] = height;
  }
}
