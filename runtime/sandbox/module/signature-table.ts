import type { Signature } from "./signatures.ts";

/** The types of the metered module: those of the input, then those that the pass needs. */
export class SignatureTable {
  readonly #signatures: Signature[];
  readonly #indexes = new Map<string, number>();
  readonly #given: number;

  constructor(given: readonly Signature[]) {
    this.#signatures = [...given];
    this.#given = given.length;
    for (const [index, each] of given.entries()) {
      const key = keyOf(each);
      if (!this.#indexes.has(key)) this.#indexes.set(key, index);
    }
  }

  /** The index of a type, which is added when it is not there yet. */
  indexOf(signature: Signature): number {
    const key = keyOf(signature);
    const found = this.#indexes.get(key);
    if (found !== undefined) return found;
    const index = this.#signatures.push(signature) - 1;
    this.#indexes.set(key, index);
    return index;
  }

  /** The type at an index of the input or of `indexOf`. */
  at(index: number): Signature {
    return this.#signatures[index] as Signature;
  }

  /** The types that were added, in the order of their indexes. */
  added(): readonly Signature[] {
    return this.#signatures.slice(this.#given);
  }
}

function keyOf({ params, results }: Signature): string {
  return `${params.join(" ")}>${results.join(" ")}`;
}
