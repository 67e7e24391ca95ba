import { formats } from "./formats.ts";

/** What stands under a keyword. */
export type Form =
  /** One schema, a list of them, or schemas by name. */
  | "schema"
  | "schemas"
  | "named schemas"
  /** Schemas by pattern. */
  | "patterned schemas"
  /** Anything: the keyword says something to people and tools only. */
  | "note"
  /** Something with a form of its own, tested by `faultIn`. */
  | "value";

/** The keywords that are admitted, and what stands under each. */
export const keywords: ReadonlyMap<string, Form> = new Map<string, Form>([
  ...each("schema", "additionalProperties propertyNames items contains not if then else"),
  ...each("schemas", "prefixItems allOf anyOf oneOf"),
  ...each("named schemas", "properties dependentSchemas $defs definitions"),
  ...each("patterned schemas", "patternProperties"),
  ...each("note", "title description default examples deprecated readOnly $comment"),
  ...each("note", "contentEncoding contentMediaType"),
  ...each("value", "$schema $ref type enum const pattern format writeOnly uniqueItems"),
  ...each("value", "multipleOf minimum maximum exclusiveMinimum exclusiveMaximum"),
  ...each("value", "minLength maxLength minItems maxItems minContains maxContains"),
  ...each("value", "minProperties maxProperties required dependentRequired"),
]);

/** What to write instead of keywords that people bring from elsewhere. */
const instead: ReadonlyMap<string, string> = new Map([
  ["unevaluatedProperties", "use additionalProperties"],
  ["unevaluatedItems", "use items"],
  ["additionalItems", "use items"],
  ["dependencies", "use dependentRequired or dependentSchemas"],
  ["nullable", 'use a list of types with "null"'],
  ["$id", "a schema here has no address"],
  ["$anchor", "use a $ref to #/$defs/…"],
  ["$dynamicRef", "use a $ref to #/$defs/…"],
  ["$dynamicAnchor", "use a $ref to #/$defs/…"],
  ["$recursiveRef", "recursion is not admitted"],
]);

/** Names of types, in the order of their bits in `compile.ts`. */
export const typeNames: readonly string[] = [
  "null",
  "boolean",
  "integer",
  "number",
  "string",
  "array",
  "object",
];

/** Returns what is wrong with a keyword of no known name, with what to write instead. */
export function refusalOf(keyword: string): string | undefined {
  if (keywords.has(keyword) || keyword.startsWith("x-")) return undefined;
  const other = instead.get(keyword);
  return `is no keyword that is admitted${other === undefined ? "" : `; ${other}`}`;
}

/**
 * Returns what is wrong with the value of a keyword of the form `value`.
 *
 * @param value  untrusted
 */
export function faultIn(keyword: string, value: unknown): string | undefined {
  const must = (holds: boolean, wanted: string) => (holds ? undefined : `must be ${wanted}`);
  switch (keyword) {
    case "$schema":
      return must(isDialect(value), "https://json-schema.org/draft/2020-12/schema");
    case "$ref":
      return must(typeof value === "string" && /^#(?:\/|$)/.test(value), "local: #/… or #");
    case "type":
      return must(isTypes(value), `one or several of ${typeNames.join(", ")}`);
    case "enum":
      return must(Array.isArray(value) && value.length > 0, "a list of at least one value");
    case "const":
      return undefined;
    case "pattern":
      return must(typeof value === "string", "a text");
    case "format":
      return must(formats.has(String(value)), `one of ${[...formats.keys()].join(", ")}`);
    case "writeOnly":
    case "uniqueItems":
      return must(typeof value === "boolean", "true or false");
    case "multipleOf":
      return must(typeof value === "number" && value > 0, "a number above 0");
    case "required":
      return must(isNames(value), "a list of different names");
    case "dependentRequired":
      return must(isRecord(value) && Object.values(value).every(isNames), "lists of names by name");
    default:
      return /^(?:min|max)(?!imum)/.test(keyword)
        ? must(Number.isSafeInteger(value) && Number(value) >= 0, "a whole number from 0")
        : must(typeof value === "number", "a number");
  }
}

/** Returns whether a JSON value is an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function each(form: Form, names: string): (readonly [string, Form])[] {
  return names.split(" ").map((name) => [name, form] as const);
}

function isDialect(value: unknown): boolean {
  return /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/.test(String(value));
}

function isTypes(value: unknown): boolean {
  const types: unknown[] = Array.isArray(value) ? value : [value];
  const known = types.every((type) => typeof type === "string" && typeNames.includes(type));
  return known && types.length > 0 && new Set(types).size === types.length;
}

function isNames(value: unknown): boolean {
  if (!Array.isArray(value) || !value.every((name) => typeof name === "string")) return false;
  return new Set(value).size === value.length;
}
