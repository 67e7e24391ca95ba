import Type, { type TProperties, type TSchemaOptions } from "typebox";
import { HostError } from "./errors.ts";
import { quote } from "./quote.ts";
import { bytesPattern, durationPattern } from "./units.ts";

/** A JSON Schema that an author wrote: hostile until the sandbox has admitted it. */
export type AuthorSchema = Readonly<Record<string, unknown>>;

/** Makes the error of a document for a place in it and a problem: `must be …, found …`. */
export type Refuse = (path: string, problem: string) => HostError;

/** Returns the schema of an object that has these keys and no other. */
export function closed<Properties extends TProperties>(
  properties: Properties,
  options: TSchemaOptions = {},
) {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

/** Returns the schema of a text of people, up to a number of characters. */
export function prose(charsMax: number, description: string) {
  return Type.String({ maxLength: charsMax, description });
}

/** Returns the schema of a text with a grammar; `errorMessage` continues "must …". */
export function matching(pattern: string, errorMessage: string, description = "") {
  return Type.String({ pattern, errorMessage, ...(description === "" ? {} : { description }) });
}

/** Returns the schema of a size such as `64MiB`. */
export function size(description: string) {
  return matching(bytesPattern, "be a size such as 64MiB, 512KiB or 100B", description);
}

/** Returns the schema of a duration such as `5s`. */
export function duration(description: string) {
  return matching(durationPattern, "be a duration such as 5s, 250ms or 10m", description);
}

/** The schema of a schema that an author wrote; the sandbox says later what it may hold. */
export const authorSchema = Type.Unsafe<AuthorSchema>({
  type: "object",
  errorMessage: "be a JSON Schema, written as an object",
});

/** Returns what a text means, and says where it stands in the document when it means nothing. */
export function parsedAt<Value>(
  path: string,
  text: string,
  parse: (text: string) => Value,
  refuse: Refuse,
): Value {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof HostError)) throw cause;
    const { facts } = cause as HostError<"NAME_INVALID">;
    throw refuse(path, `must be ${facts.expected}, found ${quote(text)}`);
  }
}
