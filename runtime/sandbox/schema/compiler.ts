import type { Pattern } from "./pattern.ts";
import type { Budget, Check, Fault } from "./run.ts";

type Keyword =
  | ("$ref" | "type" | "const" | "enum" | "allOf" | "anyOf" | "oneOf" | "not")
  | ("if" | "then" | "else" | "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum")
  | ("multipleOf" | "minLength" | "maxLength" | "pattern" | "format" | "minItems" | "maxItems")
  | ("uniqueItems" | "prefixItems" | "items" | "contains" | "minContains" | "maxContains")
  | ("minProperties" | "maxProperties" | "required" | "properties" | "patternProperties")
  | ("additionalProperties" | "propertyNames" | "dependentRequired" | "dependentSchemas");

/** A schema that is an object: the keywords that say something of values, admitted. */
export type Keywords = { readonly [Name in Keyword]?: unknown };

/** What the compilation of one schema needs of the document around it. */
export interface Compiler {
  /** Returns the check of a schema inside the document, compiled once. */
  checkOf(schema: unknown): Check;
  /** Returns the check of the schema that a local reference names. */
  targetOf(ref: string): Check;
  /** Returns a pattern of the document, compiled once. */
  patternOf(source: string): Pattern;
}

/** A check of values of one type. */
export type TypedCheck<Value> = (value: Value, budget: Budget) => Fault | undefined;

/** Returns one check that does several in their order, or undefined when there is none. */
export function chain<Value>(
  checks: readonly (TypedCheck<Value> | undefined)[],
): TypedCheck<Value> | undefined {
  const [first, second, ...rest] = checks.filter((check) => check !== undefined);
  if (first === undefined || second === undefined) return first;
  if (rest.length === 0) return (value, budget) => first(value, budget) ?? second(value, budget);
  const all = [first, second, ...rest];
  return (value, budget) => {
    for (const check of all) {
      const fault = check(value, budget);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

/** Returns the number under a keyword, if it is there. */
export function numberUnder(schema: Keywords, keyword: Keyword): number | undefined {
  const value = schema[keyword];
  return typeof value === "number" ? value : undefined;
}
