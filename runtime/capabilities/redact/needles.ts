import {
  bytesMaxOf,
  endAfter,
  endsWithin,
  firstBytesOf,
  isCutShort,
  partOf,
  type Spelled,
  type Spelling,
  spelled,
  spelledBase64,
  startBefore,
} from "./spelling.ts";

/** Where something was found: from the first byte up to, but not with, the last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One encoding of a value: bytes that are in it for certain, and what stands around them. */
export interface Needle {
  readonly bytes: Uint8Array;
  /** Returns all of what was found with these bytes at `at`, or null when it is something else. */
  readonly whole: (text: Uint8Array, at: number) => Span | null;
  readonly form: Form;
  /** Bytes of all of it, at most. */
  readonly bytesMax: number;
}

/** How one encoding begins; several needles may be parts of one. */
export interface Form {
  readonly firstBytes: readonly number[];
  /** Whether a text ends before all has come that may begin at `at`. */
  readonly endsWithin: (text: Uint8Array, at: number) => boolean;
}

/** Characters that no encoder escapes, unless it escapes every one. */
const safeRuns = /[A-Za-z0-9_-]+/g;
/** A run that is looked for has at least this, or every text would be full of candidates. */
const anchorMin = 3;
const anchorMax = 16;
const base64AnchorMin = 4;
const base64AnchorMax = 8;

/**
 * Returns what to look for to find a value in its usual encodings: as it is; escaped for JSON, URLs
 * and HTML, wholly or in parts; base64 and base64url wherever it may begin in a longer text, with or
 * without padding, escapes and line breaks; hexadecimal; UTF-16; and written backwards, which some
 * programs do to hide tokens from filters like this one.
 *
 * Whoever has the value can write it in ways that nobody lists. This is the last net.
 *
 * @param value  not weak
 */
export function needlesOf(value: string): readonly Needle[] {
  const bytes = Buffer.from(value);
  const hexadecimal = bytes.toString("hex");
  const utf16 = Buffer.from(value, "utf16le");
  const literals = [
    Buffer.from([...value].reverse().join("")),
    Buffer.from(hexadecimal),
    Buffer.from(hexadecimal.toUpperCase()),
    utf16,
    Buffer.from(utf16).swap16(),
  ];
  const inner = decoded(value);
  return distinct([
    ...anchored(value),
    ...literals.map(literal),
    ...[0, 1, 2].flatMap((offset) => base64Needles(bytes, offset)),
    ...(inner === undefined ? [] : anchored(inner)),
  ]);
}

/** Returns what a value is the base64 of when that is text: a server may know it by that alone. */
function decoded(value: string): string | undefined {
  if (!/^[A-Za-z0-9+/_-]{12,}={0,2}$/.test(value)) return undefined;
  const text = Buffer.from(value, "base64").toString("latin1");
  return /^[ -~]{8,}$/.test(text) && /[^A-Za-z]/.test(text) ? text : undefined;
}

/** A part of the value that every encoder leaves or escapes as a whole, and the rest around it. */
function anchored(value: string): readonly Needle[] {
  const [longest] = runsOf(value, safeRuns);
  if (longest === undefined || longest.text.length < anchorMin) return crowded(value);
  // The end of a token tells it from others better than its beginning, which names its kind.
  const anchor = longest.text.slice(-anchorMax);
  const at = [...value.slice(0, longest.at + longest.text.length)].length - anchor.length;
  const all = spelled(value);
  const parts = { before: partOf(all, 0, at), after: partOf(all, at + anchor.length) };
  const form = formOf(all, 0);
  return spellingsOf(anchor).map((text) => needle({ ...parts, form, anchor: text, tail: 0 }));
}

/** For a value with hardly a letter in it: its first two characters in each spelling of each. */
function crowded(value: string): readonly Needle[] {
  const all = spelled(value);
  const form = formOf(all, 0);
  const parts = { before: partOf(all, 0, 0), after: partOf(all, 2) };
  const [first = [], second = []] = all.characters.slice(0, 2).map(writtenOf);
  const pairs = first.flatMap((one) => second.map((other) => one + other));
  return pairs.map((anchor) => needle({ ...parts, form, anchor, tail: 0 }));
}

/** Returns all spellings of a character, with hexadecimal digits in both cases, as UTF-8. */
function writtenOf({ plain, escaped }: Spelling): readonly string[] {
  const texts = escaped.map((bytes) => Buffer.from(bytes).toString());
  const upper = texts.map((text) =>
    text.replace(/(?<=%|%25|\\[ux]|&#x)[0-9a-f]+/g, (digits) => digits.toUpperCase()),
  );
  return [...new Set([Buffer.from(plain).toString(), ...texts, ...upper])];
}

/** A text with none and with every character escaped, in each way. */
function spellingsOf(text: string): readonly string[] {
  const bytes = [...Buffer.from(text)];
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  const points = [...text].map((character) => character.codePointAt(0) ?? 0);
  const percent = bytes.map((byte) => `%${hex(byte, 2)}`).join("");
  const json = units.map((unit) => `\\u${hex(unit, 4)}`).join("");
  const html = points.map((point) => `&#x${hex(point, 1)};`).join("");
  return [
    text,
    ...[percent, percent.toUpperCase()],
    ...[json, json.toUpperCase().replaceAll("\\U", "\\u")],
    ...[html, html.toUpperCase(), html.toUpperCase().replaceAll("&#X", "&#x")],
    points.map((point) => `&#${point};`).join(""),
  ];
}

/** Parts of a text that fit a pattern, the longest first. */
function runsOf(text: string, pattern: RegExp): { readonly at: number; readonly text: string }[] {
  const runs = [...text.matchAll(pattern)].map((match) => ({ at: match.index, text: match[0] }));
  return runs.sort((a, b) => b.text.length - a.text.length);
}

interface Anchored {
  readonly form: Form;
  readonly anchor: string;
  readonly before: Spelled;
  readonly after: Spelled;
  /** Characters of base64 that hold its last bits beside others. */
  readonly tail: 0 | 1;
}

function needle({ form, anchor, before, after, tail }: Anchored): Needle {
  const bytes = Buffer.from(anchor);
  return {
    bytes,
    form,
    bytesMax: bytesMaxOf(before) + bytes.length + bytesMaxOf(after) + tail,
    whole(text, at) {
      const end = endAfter(text, at + bytes.length, after);
      const start = end === null ? null : startBefore(text, at, before);
      if (start === null || end === null) return null;
      return { start, end: tail === 1 && isBase64(text[end]) ? end + 1 : end };
    },
  };
}

function formOf(all: Spelled, tail: 0 | 1): Form {
  return {
    firstBytes: firstBytesOf(all),
    endsWithin: (text, at) =>
      endsWithin(text, at, all) || (tail === 1 && endAfter(text, at, all) === text.length),
  };
}

function literal(bytes: Uint8Array): Needle {
  return {
    bytes,
    bytesMax: bytes.length,
    whole: (_, start) => ({ start, end: start + bytes.length }),
    form: {
      firstBytes: [bytes[0] as number],
      endsWithin: (text, at) => isCutShort(text, at, bytes),
    },
  };
}

/**
 * Base64 of a value that begins `offset` bytes into a group of three. Of the characters at its ends
 * that hold bits of a neighbour, the last is taken away with it; the first holds at most four bits.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4648#section-4
 */
function base64Needles(value: Uint8Array, offset: number): readonly Needle[] {
  const padded = Buffer.concat([Buffer.alloc(offset), value]);
  const bits = padded.length * 8;
  const text = padded.toString("base64").slice(Math.ceil((offset * 8) / 6), Math.floor(bits / 6));
  const tail = bits % 6 === 0 ? 0 : 1;
  const alphabets = new Set([text, text.replaceAll("+", "-").replaceAll("/", "_")]);
  return [...alphabets].flatMap((core) => base64Anchors(core, tail));
}

/** Two parts, so that a line break spoils at most one of them. */
function base64Anchors(core: string, tail: 0 | 1): readonly Needle[] {
  const runs = runsOf(core, /[A-Za-z0-9]+/g);
  const all = spelledBase64(core);
  const form = formOf(all, tail);
  return anchorsIn(runs, core).map(({ at, text: anchor }) => {
    const parts = { before: partOf(all, 0, at), after: partOf(all, at + anchor.length) };
    return needle({ ...parts, form, anchor, tail });
  });
}

function anchorsIn(
  runs: readonly { readonly at: number; readonly text: string }[],
  core: string,
): readonly { readonly at: number; readonly text: string }[] {
  const [longest, second] = runs;
  // Signs alone are no base64 of anything that is long enough to be looked for, but may be forced.
  if (longest === undefined || longest.text.length < base64AnchorMin)
    return [{ at: 0, text: core }];
  const { at, text } = longest;
  const length = Math.min(base64AnchorMax, Math.floor(text.length / 2));
  if (length >= base64AnchorMin) {
    const last = text.length - length;
    return [
      { at, text: text.slice(0, length) },
      { at: at + last, text: text.slice(last) },
    ];
  }
  const other = second !== undefined && second.text.length >= anchorMin ? [second] : [];
  return [longest, ...other];
}

function isBase64(byte: number | undefined): boolean {
  return byte !== undefined && /[A-Za-z0-9+/_-]/.test(String.fromCharCode(byte));
}

/** Some encodings come to the same: digits are alike in both cases. */
function distinct(needles: readonly Needle[]): readonly Needle[] {
  const seen = new Map<Form, Set<string>>();
  return needles.filter(({ bytes, form }) => {
    const key = Buffer.from(bytes).toString("latin1");
    const known = seen.get(form) ?? new Set();
    seen.set(form, known);
    return !known.has(key) && known.add(key);
  });
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}
