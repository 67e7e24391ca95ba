/** The ways in which one character is written: as it is, and as escapes that stand for it. */
export interface Spelling {
  readonly plain: Uint8Array;
  /** In lower case; the text may have them in either. */
  readonly escaped: readonly Uint8Array[];
  /** Bytes of the longest of all. */
  readonly bytesMax: number;
}

/** A text as it may be spelled. */
export interface Spelled {
  readonly characters: readonly Spelling[];
  /** Whether lines may be broken in it, as mail breaks base64. */
  readonly breaks: boolean;
}

/** Longest spelling of a line break. */
const breakBytesMax = 4;
const lineBreaks = ["\r\n", "\n", "\\r\\n", "\\n"].map((text) => Buffer.from(text));

/** @see https://www.rfc-editor.org/rfc/rfc8259#section-7 */
const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "/": "\\/",
  "'": "\\'",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};
/** @see https://html.spec.whatwg.org/multipage/named-characters.html */
const namedEntities: Readonly<Record<string, readonly string[]>> = {
  '"': ["&quot;"],
  "&": ["&amp;"],
  "'": ["&apos;"],
  "<": ["&lt;"],
  ">": ["&gt;"],
  "+": ["&plus;"],
  "/": ["&sol;"],
  "=": ["&equals;"],
};

/** Returns how each character of a text may be spelled. */
export function spelled(text: string): Spelled {
  return { characters: charactersOf(text, spellingOf), breaks: false };
}

/** The same for base64, of which only its signs are ever escaped, and lines are broken. */
export function spelledBase64(text: string): Spelled {
  const spelling = (character: string): Spelling =>
    /[A-Za-z0-9]/.test(character) ? plainOf(character) : spellingOf(character);
  return { characters: charactersOf(text, spelling), breaks: true };
}

function charactersOf(
  text: string,
  spelling: (character: string) => Spelling,
): readonly Spelling[] {
  const known = new Map<string, Spelling>();
  return [...text].map((character) => {
    const found = known.get(character) ?? spelling(character);
    known.set(character, found);
    return found;
  });
}

function plainOf(character: string): Spelling {
  const plain = Buffer.from(character);
  return { plain, escaped: [], bytesMax: plain.length };
}

/** Returns some of the characters of a text. */
export function partOf({ characters, breaks }: Spelled, from: number, to?: number): Spelled {
  return { characters: characters.slice(from, to), breaks };
}

/** Returns what the first byte may be. */
export function firstBytesOf({ characters: [first] }: Spelled): readonly number[] {
  const spellings = first === undefined ? [] : [first.plain, ...first.escaped];
  return [...new Set(spellings.map(([byte]) => byte as number))];
}

/** Returns the most bytes that a part of a text may be spelled in. */
export function bytesMaxOf({ characters, breaks }: Spelled): number {
  const between = breaks ? breakBytesMax : 0;
  return characters.reduce((sum, { bytesMax }) => sum + bytesMax + between, 0);
}

/** Escapes of JSON, URLs and HTML, and those that were escaped once more on their way. */
function spellingOf(character: string): Spelling {
  const bytes = Buffer.from(character);
  const point = character.codePointAt(0) ?? 0;
  const percent = [...bytes].map((byte) => `%${hex(byte, 2)}`);
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  const short = shortEscapes[character];
  const texts = [
    percent.join(""),
    percent.join("").replaceAll("%", "%25"),
    units.map((unit) => `\\u${hex(unit, 4)}`).join(""),
    units.map((unit) => `\\\\u${hex(unit, 4)}`).join(""),
    ...(point < 256 ? [`\\x${hex(point, 2)}`] : []),
    ...[`&#${point};`, `&#0${point};`, `&#x${hex(point, 1)};`, `&#x${hex(point, 4)};`],
    ...(short === undefined ? [] : [short, JSON.stringify(short).slice(1, -1)]),
    ...(namedEntities[character] ?? []),
    ...(character === " " ? ["+"] : []),
  ];
  const escaped = [...new Set(texts)].map((text) => Buffer.from(text));
  return { plain: bytes, escaped, bytesMax: Math.max(...escaped.map(({ length }) => length)) };
}

/** Returns where a spelling of all characters, one after the other, may end; null when nowhere. */
export function endAfter(bytes: Uint8Array, from: number, text: Spelled): number | null {
  let ends = [from];
  for (const spelling of text.characters) {
    const starts = text.breaks ? pastBreaks(bytes, ends) : ends;
    ends = unique(starts.flatMap((at) => matchesFrom(bytes, at, spelling)));
    if (ends.length === 0) return null;
  }
  return Math.max(...ends);
}

/** Returns where a spelling of all characters that ends at `to` may begin; null when nowhere. */
export function startBefore(bytes: Uint8Array, to: number, text: Spelled): number | null {
  let starts = [to];
  for (const spelling of text.characters.toReversed()) {
    const ends = text.breaks ? beforeBreaks(bytes, starts) : starts;
    starts = unique(ends.flatMap((at) => matchesUpTo(bytes, at, spelling)));
    if (starts.length === 0) return null;
  }
  return Math.min(...starts);
}

/** Whether a text ends in the middle of a spelling that begins at `from`. */
export function endsWithin(bytes: Uint8Array, from: number, text: Spelled): boolean {
  let ends = [from];
  for (const spelling of text.characters) {
    const starts = text.breaks ? pastBreaks(bytes, ends) : ends;
    for (const at of starts) {
      if (at === bytes.length || isCutCharacter(bytes, at, spelling)) return true;
      if (text.breaks && lineBreaks.some((each) => isCutShort(bytes, at, each))) return true;
    }
    ends = unique(starts.flatMap((at) => matchesFrom(bytes, at, spelling)));
    if (ends.length === 0) return false;
  }
  return false;
}

function isCutCharacter(bytes: Uint8Array, at: number, spelling: Spelling): boolean {
  const { plain, escaped, bytesMax } = spelling;
  if (bytes.length - at >= bytesMax) return false;
  return isCutShort(bytes, at, plain) || escaped.some((each) => isCutShort(bytes, at, each));
}

/** Whether a text ends before all of these bytes have come, and has what comes first of them. */
export function isCutShort(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  const rest = bytes.length - at;
  if (rest < 0 || rest >= wanted.length) return false;
  for (let index = 0; index < rest; index++)
    if (lower(bytes[at + index] as number) !== lower(wanted[index] as number)) return false;
  return true;
}

function matchesFrom(bytes: Uint8Array, at: number, { plain, escaped }: Spelling): number[] {
  const found = equals(bytes, at, plain) ? [at + plain.length] : [];
  for (const each of escaped) if (equalsLower(bytes, at, each)) found.push(at + each.length);
  return found;
}

function matchesUpTo(bytes: Uint8Array, to: number, { plain, escaped }: Spelling): number[] {
  const found = equals(bytes, to - plain.length, plain) ? [to - plain.length] : [];
  for (const each of escaped) {
    if (equalsLower(bytes, to - each.length, each)) found.push(to - each.length);
  }
  return found;
}

function pastBreaks(bytes: Uint8Array, starts: readonly number[]): number[] {
  const past = starts.flatMap((at) =>
    lineBreaks.filter((each) => equals(bytes, at, each)).map((each) => at + each.length),
  );
  return past.length === 0 ? [...starts] : [...starts, ...past];
}

function beforeBreaks(bytes: Uint8Array, ends: readonly number[]): number[] {
  const before = ends.flatMap((at) =>
    lineBreaks
      .filter((each) => equals(bytes, at - each.length, each))
      .map((each) => at - each.length),
  );
  return before.length === 0 ? [...ends] : [...ends, ...before];
}

function unique(numbers: number[]): number[] {
  return numbers.length < 2 ? numbers : [...new Set(numbers)];
}

/** Whether a text holds these bytes at a place, which may lie outside of it. */
export function equals(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  if (at < 0 || at + wanted.length > bytes.length) return false;
  for (let index = 0; index < wanted.length; index++)
    if (bytes[at + index] !== wanted[index]) return false;
  return true;
}

function equalsLower(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  if (at < 0 || at + wanted.length > bytes.length) return false;
  for (let index = 0; index < wanted.length; index++)
    if (lower(bytes[at + index] as number) !== wanted[index]) return false;
  return true;
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}
