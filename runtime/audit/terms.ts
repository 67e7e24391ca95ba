import type { AuditRecord } from "#manifests/audit.ts";

/** What records can be asked for by, besides their time. */
export type Term = "kind" | "plugin" | "owner" | "decision" | "callId";

/** Those fields of a record; what is left out or null it does not speak of. */
export type Terms = Partial<Pick<AuditRecord, Term>>;

/** Every field that stands in filters. */
export const termNames: readonly Term[] = ["kind", "plugin", "owner", "decision", "callId"];

/**
 * Bits of a filter. A stretch of 256 KiB has some 500 terms, so that one in seven hundred is found where
 * it does not stand.
 */
const filterBits = 8_192;
const hashes = 4;

/** Collects what records speak of. */
export class TermSet {
  readonly #held = new Set<string>();
  readonly #last = new Map<Term, string>();

  add(terms: Terms): void {
    for (const name of termNames) {
      const value = terms[name];
      // Neighbours mostly speak of the same.
      if (value === null || value === undefined || this.#last.get(name) === value) continue;
      this.#last.set(name, value);
      this.#held.add(textOf(name, value));
    }
  }

  /** @see https://doi.org/10.1145/362686.362692 */
  toFilter(): Uint8Array {
    const filter = new Uint8Array(filterBits / 8);
    for (const term of this.#held)
      for (const bit of bitsOf(term)) filter[bit >> 3] = (filter[bit >> 3] ?? 0) | (1 << (bit & 7));
    return filter;
  }
}

/** Returns whether a stretch may hold a record with all these terms; false is certain. */
export function mayHold(filter: Uint8Array, terms: Terms): boolean {
  return termNames.every((name) => {
    const value = terms[name];
    if (value === null || value === undefined) return true;
    return bitsOf(textOf(name, value)).every((bit) => ((filter[bit >> 3] ?? 0) >> (bit & 7)) & 1);
  });
}

function textOf(name: Term, value: string): string {
  return `${name}=${value}`;
}

function bitsOf(term: string): number[] {
  const [first, second] = [hashOf(term, 0x811c9dc5), hashOf(term, 0x9747b28c) | 1];
  return Array.from(
    { length: hashes },
    (_, index) => ((first + Math.imul(index, second)) >>> 0) % filterBits,
  );
}

/** FNV-1a. Whoever makes it collide makes queries slower and nothing else. */
function hashOf(text: string, seed: number): number {
  let state = seed;
  for (let index = 0; index < text.length; index++)
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  return state >>> 0;
}
