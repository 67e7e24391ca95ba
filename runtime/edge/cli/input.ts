import { HostError } from "#manifests/errors.ts";
import { readBounded } from "./files.ts";

/** What a call is given. */
export type Input =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

/** How a word of the command line becomes an input. */
export interface InputOptions {
  /** Encoding of the tool, when it is known. */
  readonly encoding: "json" | "text" | "bytes" | undefined;
  /** The person said that it is JSON. */
  readonly isJson: boolean;
  /** Reads the standard input. */
  readonly readAll: (bytesMax: number) => Promise<Uint8Array>;
}

/** The largest input that any host accepts. */
export const inputBytesMax = 64 * 2 ** 20;

/**
 * Returns the input that a word means: text, JSON, `@file`, or `-` for the standard input.
 *
 * `@@` at the start means a text that begins with `@`. A tool that wants text gets the text as it
 * is; one that wants JSON gets the value when the text is JSON, else the text as a JSON string.
 *
 * @param word  nothing means an empty object, or empty text for a tool that wants no JSON
 * @throws USAGE_INVALID, FILE_UNUSABLE
 */
export async function inputOf(word: string | undefined, options: InputOptions): Promise<Input> {
  const { encoding, isJson, readAll } = options;
  const bytes = await bytesOf(word, readAll);
  if (encoding === "bytes" && !isJson) return { kind: "bytes", bytes: bytes ?? new Uint8Array() };
  if (bytes === undefined) return { kind: "json", value: encoding === "text" ? "" : {} };
  const text = textOf(bytes);
  if (encoding === "text" && !isJson) return { kind: "json", value: text };
  const parsed = parsedOf(text);
  if (parsed !== undefined) return { kind: "json", value: parsed.value };
  if (!isJson) return { kind: "json", value: text };
  throw new HostError("USAGE_INVALID", { argument: "the input", problem: "it is not JSON" });
}

async function bytesOf(
  word: string | undefined,
  readAll: InputOptions["readAll"],
): Promise<Uint8Array | undefined> {
  if (word === undefined) return undefined;
  if (word === "-") return readAll(inputBytesMax);
  if (word.startsWith("@@")) return Buffer.from(word.slice(1));
  return word.startsWith("@") ? readBounded(word.slice(1), inputBytesMax) : Buffer.from(word);
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const problem = "it is not UTF-8, and the tool does not take bytes";
    throw new HostError("USAGE_INVALID", { argument: "the input", problem }, { cause });
  }
}

function parsedOf(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    // Text that is no JSON is an answer here: it is sent as text.
    return undefined;
  }
}
