import { HostError } from "./errors.ts";
import { jsonCost, jsonCostMax } from "./json-cost.ts";
import { quote } from "./quote.ts";

/** What a JSON text may be at most. */
export interface JsonBounds {
  /** What is read, for the error: `manifest.json`. */
  readonly what?: string;
  /** UTF-8 bytes; `jsonBytesMax` by default. */
  readonly bytesMax?: number;
  /** Nested arrays and objects: a scalar has depth 0, `[]` depth 1; `jsonDepthMax` by default. */
  readonly depthMax?: number;
}

/** Bytes of a JSON text when nothing else is said: what a host function accepts. */
export const jsonBytesMax = 2 ** 20;
/** Depth of a JSON text when nothing else is said: beyond honest data, and shallow for a stack. */
export const jsonDepthMax = 64;

/**
 * Returns the value of a JSON text that has one meaning only.
 *
 * Refused are bad UTF-8, a byte order mark, lone surrogates (two keys that differ only in those
 * become one in UTF-8), a key twice in an object, the key `__proto__`, numbers beyond a double, what
 * is beyond the bounds, and more values than can be built in a moment. Objects are plain ones: look
 * up their keys with `Object.hasOwn`.
 *
 * @param input  text or UTF-8 bytes; untrusted
 * @throws JSON_INVALID
 * @see    https://www.rfc-editor.org/rfc/rfc8259#section-4
 */
export function parseStrictJson(input: string | Uint8Array, bounds: JsonBounds = {}): unknown {
  const { what = "the text", bytesMax = jsonBytesMax, depthMax = jsonDepthMax } = bounds;
  const parsed = read(input, bytesMax, depthMax);
  if ("fault" in parsed) throw new HostError("JSON_INVALID", { what, reason: parsed.fault });
  return parsed.value;
}

type Outcome = { readonly value: unknown } | { readonly fault: string };

function read(input: string | Uint8Array, bytesMax: number, depthMax: number): Outcome {
  const bytes = typeof input === "string" ? Buffer.byteLength(input) : input.byteLength;
  if (bytes > bytesMax) return { fault: `it has ${bytes} bytes, at most ${bytesMax} are allowed` };
  const text = typeof input === "string" ? input : decode(input);
  if (text === undefined || !text.isWellFormed()) return { fault: "it is not valid UTF-8" };
  if (jsonCost(text) > jsonCostMax) return { fault: "it has too many values" };
  const parsed = parse(text);
  if ("fault" in parsed) return parsed;
  const shape = shapeOf(text);
  if (shape.depth > depthMax)
    return { fault: `it is ${shape.depth} deep, at most ${depthMax} is allowed` };
  const keys = { count: 0, fault: undefined };
  walk(parsed.value, keys, /\\u[dD]/.test(text));
  if (keys.fault !== undefined) return { fault: keys.fault };
  // Of a key that stands twice JSON.parse keeps one, so the text has more members than the value.
  if (keys.count !== shape.members) return { fault: repeatedKey(text) };
  return parsed;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    // `ignoreBOM` keeps the mark in the text, where JSON.parse refuses it.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // The only failure of a fatal decoder is bad UTF-8.
    return undefined;
  }
}

function parse(text: string): Outcome {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    // The engine's message quotes the text; only its position is safe to repeat.
    const place = /\(line \d+ column \d+\)/.exec(String(error))?.[0];
    return { fault: `it is not well-formed${place === undefined ? "" : ` ${place}`}` };
  }
}

const quotation = 0x22;
const backslash = 0x5c;

/** Counts how deep valid JSON nests, and how many members all its objects have together. */
function shapeOf(text: string): { depth: number; members: number } {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case quotation:
        index = stringEnd(text, index);
        break;
      case 0x3a: // :
        members++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth++;
        if (depth > deepest) deepest = depth;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
    }
  }
  return { depth: deepest, members };
}

/** Returns the index of the quotation mark that ends the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === backslash) before--;
    if ((end - before) % 2 === 1) return end;
  }
}

/** Counts the keys of all objects in a value whose depth is bounded, and notes the first fault. */
function walk(
  value: unknown,
  keys: { count: number; fault: string | undefined },
  hasSurrogates: boolean,
): void {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) keys.fault ??= "a number in it is too large";
  } else if (typeof value === "string") {
    if (hasSurrogates && !value.isWellFormed()) keys.fault ??= "a string in it is half a character";
  } else if (Array.isArray(value)) {
    for (const item of value) walk(item, keys, hasSurrogates);
  } else if (value !== null) {
    const record = value as Record<string, unknown>;
    for (const key of Object.keys(record)) {
      keys.count++;
      if (key === "__proto__") keys.fault ??= 'the key "__proto__" is refused';
      if (hasSurrogates) walk(key, keys, hasSurrogates);
      walk(record[key], keys, hasSurrogates);
    }
  }
}

/** Says which key stands twice; `text` is valid JSON in which one does. */
function repeatedKey(text: string): string {
  const open: Set<string>[] = [];
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === "{" || character === "[") open.push(new Set());
    else if (character === "}" || character === "]") open.pop();
    else if (character === '"') {
      const end = stringEnd(text, index);
      if (
        text
          .slice(end + 1, end + 64)
          .trimStart()
          .startsWith(":")
      ) {
        const key: string = JSON.parse(text.slice(index, end + 1));
        if (open.at(-1)?.has(key)) return `the key ${quote(key)} stands twice in one object`;
        open.at(-1)?.add(key);
      }
      index = end;
    }
  }
  return "a key stands twice in one object";
}
