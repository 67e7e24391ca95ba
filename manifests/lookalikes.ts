import type { PluginId } from "./names.ts";

/** Groups of letters that read alike in common typefaces, and what each is taken for. */
const alike: readonly (readonly [seen: RegExp, read: string])[] = [
  [/rn/g, "m"],
  [/vv/g, "w"],
  [/cl/g, "d"],
  [/0/g, "o"],
  [/[1i]/g, "l"],
  [/5/g, "s"],
  [/[-/]/g, ""],
];

/** Ids shorter than this differ by one letter too easily to be called alike for it. */
const editedCharsMin = 5;

/**
 * Returns those of `others` that `id` could be mistaken for; an id is not alike to itself.
 *
 * Alike are ids that read the same (`0` as `o`, `1` as `l`, `rn` as `m`, with or without hyphens)
 * and ids that are one slip of a finger apart (a letter more, less, another, or two exchanged).
 */
export function looksLike<Id extends string = PluginId>(id: Id, others: Iterable<Id>): Id[] {
  const shape = shapeOf(id);
  return [...others].filter((other) => {
    if (other === id) return false;
    const otherShape = shapeOf(other);
    if (otherShape === shape) return true;
    return Math.min(id.length, other.length) >= editedCharsMin && isOneSlipApart(id, other);
  });
}

function shapeOf(id: string): string {
  return alike.reduce((text, [seen, read]) => text.replaceAll(seen, read), id);
}

function isOneSlipApart(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const restOfA = a.slice(start);
  const restOfB = b.slice(start);
  const exchanged = `${restOfA[1] ?? ""}${restOfA[0] ?? ""}${restOfA.slice(2)}`;
  return (
    restOfA.slice(1) === restOfB ||
    restOfA === restOfB.slice(1) ||
    restOfA.slice(1) === restOfB.slice(1) ||
    exchanged === restOfB
  );
}
