import type { RedactingStream, Redactor } from "../injection.ts";
import type { Found, Matcher } from "./matcher.ts";

/** What stands for a value that was taken out; as long for every value, so that it tells nothing. */
export const marker = "[redacted]";

const markerBytes = Buffer.from(marker);
const nothing = new Uint8Array(0);

/** Where a redactor gets what to look for, and whom it tells. */
export interface RedactionParts<Label> {
  /** What holds now; null while there is nothing to look for. Asked anew for every piece. */
  readonly matcher: () => Matcher<Label> | null;
  /** Hears of every value that was found, before anything is handed on. */
  readonly onHit: (label: Label) => void;
}

/** Returns what takes values out of all that goes back to a guest. */
export function createRedactor<Label>(parts: RedactionParts<Label>): Redactor {
  const redacted = (bytes: Uint8Array): Uint8Array => {
    const matcher = parts.matcher();
    if (matcher === null) return bytes;
    const found = matcher.find(bytes);
    if (found.length === 0) return bytes;
    for (const { label } of found) parts.onHit(label);
    return without(bytes, found, { to: bytes.length, covered: 0 }).kept;
  };
  return {
    get isIdle() {
      return parts.matcher() === null;
    },
    bytes: redacted,
    text(text) {
      if (parts.matcher() === null) return text;
      const bytes = Buffer.from(text);
      const clean = redacted(bytes);
      return clean === bytes ? text : Buffer.from(clean).toString();
    },
    stream: () => new Pieces(parts),
  };
}

/**
 * Redacts bytes as they come. What could be the beginning of a value is held back, so that the
 * result is the same wherever the pieces were cut.
 */
class Pieces<Label> implements RedactingStream {
  readonly #parts: RedactionParts<Label>;
  #held: Uint8Array = nothing;
  /** Of what is held, how much lies under a marker that was given out already. */
  #covered = 0;

  constructor(parts: RedactionParts<Label>) {
    this.#parts = parts;
  }

  push(piece: Uint8Array): Uint8Array {
    if (this.#held.length === 0 && this.#parts.matcher() === null) return piece;
    return this.#take(piece, (text) => this.#parts.matcher()?.cut(text) ?? text.length);
  }

  end(): Uint8Array {
    return this.#held.length === 0 ? nothing : this.#take(nothing, ({ length }) => length);
  }

  /** @param cutOf  where that begins which may not go on yet */
  #take(piece: Uint8Array, cutOf: (text: Uint8Array) => number): Uint8Array {
    const text = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    const to = cutOf(text);
    const all = this.#parts.matcher()?.find(text) ?? [];
    // The rest is looked at again when more has come.
    const found = all.filter(({ start }) => start < to);
    for (const { label, end } of found) if (end > this.#covered) this.#parts.onHit(label);
    const { kept, covered } = without(text, found, { to, covered: this.#covered });
    // A copy: the piece belongs to whoever gave it.
    this.#held = Uint8Array.from(text.subarray(to));
    this.#covered = covered;
    return kept;
  }
}

interface Range {
  /** Up to here the text goes on. */
  readonly to: number;
  /** Up to here a marker stands for it already. */
  readonly covered: number;
}

/** Returns the beginning of a text with one marker for all that was found and lies over each other. */
function without(
  text: Uint8Array,
  found: readonly Found<unknown>[],
  { to, covered }: Range,
): { readonly kept: Uint8Array; readonly covered: number } {
  const parts: Uint8Array[] = [];
  let at = covered;
  for (const { start, end } of found) {
    if (start >= at) parts.push(text.subarray(at, start), markerBytes);
    at = Math.max(at, end);
  }
  if (at < to) parts.push(text.subarray(at, to));
  const [only = nothing] = parts;
  return { kept: parts.length < 2 ? only : Buffer.concat(parts), covered: Math.max(0, at - to) };
}
