import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { bounds } from "./bounds.ts";
import { faultIn, isRecord, keywords, refusalOf } from "./keywords.ts";
import { createPattern, type Pattern } from "./pattern.ts";

/** A schema of JSON Schema: an object of keywords, or true or false for anything or nothing. */
export type Schema = boolean | Readonly<Record<string, unknown>>;

/** A schema that may be compiled, with what was found out on the way. */
export interface Admitted {
  readonly schema: Schema;
  /** Compiled patterns by their source. */
  readonly patterns: ReadonlyMap<string, Pattern>;
  /** The schema that each local reference names. */
  readonly targets: ReadonlyMap<string, Schema>;
}

/**
 * Throws when an author's schema is outside the part of JSON Schema 2020-12 that can be bounded.
 *
 * @param schema  parsed JSON; untrusted
 * @param place   where it stands, for the error: `provides.tools[0].input`
 * @throws SCHEMA_REFUSED
 * @see https://json-schema.org/draft/2020-12/json-schema-core
 */
export function admitSchema(schema: unknown, place = "schema"): void {
  admitted(schema, place);
}

/**
 * Returns a schema with its patterns and references, when it is inside the part that is admitted.
 *
 * @param schema  parsed JSON; untrusted
 * @param place   where it stands, for the error
 * @throws SCHEMA_REFUSED
 */
export function admitted(schema: unknown, place = "schema"): Admitted {
  const refuse = refusing(place);
  checkSize(schema, refuse);
  const found: Found = {
    refuse,
    keywordCount: 0,
    patternCost: 0,
    patterns: new Map(),
    places: new Map(),
    inside: new Map(),
    refs: new Map(),
  };
  const root = enter(schema, [], 0, found);
  const targets = new Map<string, Schema>();
  for (const [ref, path] of found.refs) targets.set(ref, targetOf(ref, path, found));
  checkReach(found, targets);
  return { schema: root, patterns: found.patterns, targets };
}

type Path = readonly (string | number)[];
type Refuse = (path: Path, reason: string) => HostError;

/** What a walk over a schema collects. */
interface Found {
  readonly refuse: Refuse;
  keywordCount: number;
  patternCost: number;
  readonly patterns: Map<string, Pattern>;
  /** Schemas by their JSON pointer. */
  readonly places: Map<string, Schema>;
  /** Schemas directly inside each schema. */
  readonly inside: Map<Schema, Schema[]>;
  /** References, each with the place where it was met first. */
  readonly refs: Map<string, Path>;
}

function enter(value: unknown, path: Path, depth: number, found: Found): Schema {
  if (typeof value !== "boolean" && !isRecord(value))
    throw found.refuse(path, "must be a schema: an object, true or false");
  if (depth > bounds.schemaDepthMax)
    throw found.refuse(path, `is nested deeper than ${bounds.schemaDepthMax} schemas`);
  found.places.set(pointerOf(path), value);
  const names = typeof value === "boolean" ? [] : Object.keys(value);
  // A schema without keywords counts too: it is a thing to check.
  found.keywordCount += Math.max(1, names.length);
  if (found.keywordCount > bounds.keywordsMax)
    throw found.refuse(path, `brings the keywords above ${bounds.keywordsMax}`);
  if (typeof value === "boolean") return value;
  found.inside.set(value, []);
  for (const name of names) {
    const inner = schemasUnder(name, value[name], [...path, name], found);
    const schemas = inner.map(([at, schema]) => enter(schema, at, depth + 1, found));
    // Definitions are entered by reference only.
    if (name !== "$defs" && name !== "definitions") found.inside.get(value)?.push(...schemas);
  }
  return value;
}

/** Returns the schemas under a keyword with their places; its value must have the right form. */
function schemasUnder(
  name: string,
  value: unknown,
  path: Path,
  found: Found,
): (readonly [Path, unknown])[] {
  const refusal = refusalOf(name);
  if (refusal !== undefined) throw found.refuse(path, refusal);
  switch (keywords.get(name)) {
    case "schema":
      return [[path, value]];
    case "schemas":
      if (!Array.isArray(value) || value.length === 0)
        throw found.refuse(path, "must be a list of at least one schema");
      return value.map((schema, index) => [[...path, index], schema] as const);
    case "named schemas":
    case "patterned schemas": {
      if (!isRecord(value)) throw found.refuse(path, "must be an object of schemas");
      const isPatterned = name === "patternProperties";
      return Object.entries(value).map(([key, schema]) => {
        if (isPatterned) addPattern(key, [...path, key], found);
        return [[...path, key], schema] as const;
      });
    }
    case "value": {
      const fault = faultIn(name, value);
      if (fault !== undefined) throw found.refuse(path, fault);
      if (name === "pattern") addPattern(String(value), path, found);
      if (name === "$ref" && !found.refs.has(String(value))) found.refs.set(String(value), path);
      return [];
    }
    default:
      return [];
  }
}

function addPattern(source: string, path: Path, found: Found): void {
  if (found.patterns.has(source)) return;
  const pattern = createPattern(source);
  if (typeof pattern === "string") throw found.refuse(path, pattern);
  found.patternCost += pattern.cost;
  if (found.patternCost > bounds.patternCostMax)
    throw found.refuse(
      path,
      `makes the patterns larger than ${bounds.patternCostMax} instructions`,
    );
  found.patterns.set(source, pattern);
}

function targetOf(ref: string, path: Path, found: Found): Schema {
  const pointer = pointerIn(ref);
  const target = pointer === undefined ? undefined : found.places.get(pointer);
  if (target !== undefined) return target;
  throw found.refuse(path, `must name a schema of this document, found ${quote(ref)}`);
}

/** Throws when schemas reach themselves or are entered too many deep, references followed. */
function checkReach(found: Found, targets: ReadonlyMap<string, Schema>): void {
  const reaches = new Map<Schema, number>();
  const open = new Set<Schema>();
  /** `via` is the reference that was followed last: only by one can a schema reach itself. */
  const reachOf = (schema: Schema, via: Path): number => {
    if (typeof schema === "boolean") return 1;
    const known = reaches.get(schema);
    if (known !== undefined) return known;
    if (open.has(schema))
      throw found.refuse(via, "leads back to itself: recursion is not admitted");
    open.add(schema);
    const below = (found.inside.get(schema) ?? []).map((inner) => reachOf(inner, via));
    const { $ref } = schema;
    const ref = String($ref);
    const target = targets.get(ref);
    if (target !== undefined) below.push(reachOf(target, found.refs.get(ref) ?? via));
    open.delete(schema);
    const reach = 1 + Math.max(0, ...below);
    if (reach > bounds.reachMax)
      throw found.refuse(via, `leads through more than ${bounds.reachMax} schemas`);
    reaches.set(schema, reach);
    return reach;
  };
  for (const schema of found.places.values()) reachOf(schema, []);
}

/** Throws when a schema is too large or too deep for the walk that follows. */
function checkSize(schema: unknown, refuse: Refuse): void {
  checkDepth(schema, bounds.jsonDepthMax, refuse);
  const bytes = Buffer.byteLength(JSON.stringify(schema) ?? "");
  if (bytes > bounds.schemaBytesMax)
    throw refuse([], `has ${bytes} bytes, at most ${bounds.schemaBytesMax} are allowed`);
}

function checkDepth(value: unknown, depthLeft: number, refuse: Refuse): void {
  if (typeof value !== "object" || value === null) return;
  if (depthLeft === 0) throw refuse([], `is nested deeper than ${bounds.jsonDepthMax}`);
  if (Object.hasOwn(value, "__proto__")) throw refuse([], "has the key __proto__");
  for (const inner of Object.values(value)) checkDepth(inner, depthLeft - 1, refuse);
}

function refusing(place: string): Refuse {
  return (path, reason) => {
    const at = path.map((step) => {
      if (typeof step === "number") return `[${step}]`;
      return /^[A-Za-z_$][\w$-]{0,63}$/.test(step) ? `.${step}` : `[${quote(step, 64)}]`;
    });
    return new HostError("SCHEMA_REFUSED", { path: place + at.join(""), reason });
  };
}

function pointerOf(path: Path): string {
  const steps = path.map((step) => `${step}`.replaceAll("~", "~0").replaceAll("/", "~1"));
  return steps.map((step) => `/${step}`).join("");
}

/** Returns the JSON pointer in a local reference, or undefined when it is badly escaped. */
function pointerIn(ref: string): string | undefined {
  try {
    return decodeURIComponent(ref.slice(1));
  } catch {
    return undefined; // Not a reference: that is the answer.
  }
}
