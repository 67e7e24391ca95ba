import type { Form, Needle, Span } from "./needles.ts";
import { equals } from "./spelling.ts";

/** Something to look for and what it belongs to. */
export interface Labelled<Label> {
  readonly label: Label;
  readonly needle: Needle;
}

/** Something that was found. */
export interface Found<Label> extends Span {
  readonly label: Label;
}

/** Longest part of a needle that takes part in the search; what is longer is compared after it. */
const windowMax = 32;

/**
 * Finds any of many byte strings in one pass that leaps: a table of all pairs of bytes says how far
 * the next needle can be, so that in ordinary text one pair in several is read.
 *
 * @see https://webglimpse.net/pubs/TR94-17.pdf
 */
export class Matcher<Label> {
  /** Bytes of the longest match. */
  readonly reach: number;
  readonly #needles: readonly Labelled<Label>[];
  readonly #window: number;
  /** Pair of bytes → how far the search may go on. */
  readonly #leaps: Uint8Array;
  /** First byte → encodings that may begin with it. */
  readonly #forms: readonly (readonly Form[] | undefined)[];
  readonly #ending: Map<number, readonly Labelled<Label>[]>;

  /** @param needles  of two bytes or more each */
  constructor(needles: readonly Labelled<Label>[]) {
    this.#needles = needles;
    const shortest = Math.min(windowMax, ...needles.map(({ needle }) => needle.bytes.length));
    this.#window = shortest;
    this.reach = Math.max(0, ...needles.map(({ needle }) => needle.bytesMax));
    this.#forms = byFirstByte(needles.map(({ needle }) => needle.form));
    this.#leaps = new Uint8Array(0x10000).fill(Math.max(1, shortest - 1));
    for (const { needle } of needles) this.#shorten(needle.bytes);
    this.#ending = Map.groupBy(needles, ({ needle }) => pairAt(needle.bytes, shortest - 1));
  }

  #shorten(bytes: Uint8Array): void {
    for (let at = 1; at < this.#window; at++) {
      const pair = pairAt(bytes, at);
      this.#leaps[pair] = Math.min(this.#leaps[pair] as number, this.#window - 1 - at);
    }
  }

  /** Returns everything that is found, by where it starts; matches may lie over each other. */
  find(text: Uint8Array): readonly Found<Label>[] {
    const found: Found<Label>[] = [];
    if (this.#needles.length === 0) return found;
    const leaps = this.#leaps;
    const last = text.length;
    for (let at = this.#window - 1; at < last; ) {
      const pair = ((text[at - 1] as number) << 8) | (text[at] as number);
      const leap = leaps[pair] as number;
      if (leap !== 0) {
        at += leap;
        continue;
      }
      this.#compare(text, at - this.#window + 1, pair, found);
      at++;
    }
    return found.length < 2 ? found : found.sort((a, b) => a.start - b.start);
  }

  /** Returns where the first match may begin of which the text has only a part; its end if none. */
  cut(text: Uint8Array): number {
    for (let at = Math.max(0, text.length - this.reach + 1); at < text.length; at++)
      if (this.#forms[text[at] as number]?.some((form) => form.endsWithin(text, at))) return at;
    return text.length;
  }

  #compare(text: Uint8Array, start: number, pair: number, found: Found<Label>[]): void {
    for (const { label, needle } of this.#ending.get(pair) ?? []) {
      if (!equals(text, start, needle.bytes)) continue;
      const span = needle.whole(text, start);
      if (span !== null) found.push({ label, ...span });
    }
  }
}

function byFirstByte(forms: readonly Form[]): readonly (readonly Form[] | undefined)[] {
  const table: (Form[] | undefined)[] = new Array(256);
  for (const form of new Set(forms))
    for (const byte of form.firstBytes) table[byte] = [...(table[byte] ?? []), form];
  return table;
}

function pairAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at - 1] as number) << 8) | (bytes[at] as number);
}
