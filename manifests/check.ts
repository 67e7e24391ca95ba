import assert from "node:assert/strict";
import { type ErrorObject, Ajv2020 } from "ajv/dist/2020.js";
import type { Static, TSchema } from "typebox";
import type { HostError } from "./errors.ts";
import { describe, quote } from "./quote.ts";

/** Where a document is wrong, and how: `provides.tools[0].name`, `must match …, found "A b"`. */
export interface Mismatch {
  readonly path: string;
  readonly problem: string;
}

/**
 * Returns a function that returns its argument when it fits the schema, and throws otherwise.
 *
 * Nothing is coerced, no default is filled in, the value is not changed. A schema may carry
 * `errorMessage`, words for what it wants; editors show them too. The schema is compiled at the
 * first use, so that a program pays only for the documents that it reads.
 *
 * @param schema  ours, never an author's: it is compiled to code
 * @param refuse  makes the error of the first mismatch; `context` is what the caller gave
 */
export function createCheck<Schema extends TSchema, Context = void>(
  schema: Schema,
  refuse: (mismatch: Mismatch, context: Context) => HostError,
): (value: unknown, context: Context) => Static<Schema> {
  const compiled = { validate: undefined as ReturnType<Ajv2020["compile"]> | undefined };
  return (value, context) => {
    compiled.validate ??= createAjv().compile(schema);
    if (compiled.validate(value)) return value as Static<Schema>;
    throw refuse(mismatchIn(compiled.validate.errors ?? []), context);
  };
}

/** Returns the place of a JSON pointer as people write it: `/tools/0/name` as `tools[0].name`. */
export function pathOf(pointer: string): string {
  const steps = pointer.split("/").slice(1);
  const names = steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  return names.reduce((path, name) => path + stepText(name, path === ""), "") || "the document";
}

function stepText(name: string, isFirst: boolean): string {
  if (/^[0-9]+$/.test(name)) return `[${name}]`;
  if (!/^[A-Za-z_$][\w$-]{0,63}$/.test(name)) return `[${quote(name)}]`;
  return isFirst ? name : `.${name}`;
}

function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    ...{ strict: true, allErrors: false, verbose: true, allowUnionTypes: true },
    // A test checks our schemas against theirs; to do it here is most of a command's time.
    validateSchema: false,
  });
  return ajv.addVocabulary(["errorMessage"]);
}

/** Returns where and how a value does not fit, from what ajv with `verbose` says of it. */
export function mismatchIn(errors: readonly ErrorObject[]): Mismatch {
  return mismatchOf(tellingOf(errors));
}

/**
 * The error that says most: of a union, the branch that fitted further than its first level, else
 * the union itself; of anything else there is one error only.
 */
function tellingOf(errors: readonly ErrorObject[]): ErrorObject {
  const last = errors.at(-1);
  assert(last !== undefined, "a value that does not fit has an error");
  const deepest = errors.reduce(
    (deep, error) => (depthOf(error) > depthOf(deep) ? error : deep),
    last,
  );
  return last.keyword === "anyOf" ? deepest : (errors[0] ?? last);
}

function depthOf({ instancePath }: ErrorObject): number {
  return instancePath.split("/").length;
}

function mismatchOf(error: ErrorObject): Mismatch {
  const { keyword, params, instancePath } = error;
  const { additionalProperty, missingProperty } = params;
  const path = pathOf(instancePath);
  if (keyword === "additionalProperties") {
    const name = String(additionalProperty);
    const { properties = {} } = error.parentSchema ?? {};
    const known = Object.keys(properties).join(", ");
    const problem = `is not a known key${known === "" ? "" : `; known are ${known}`}`;
    return { path: childPath(path, name), problem };
  }
  if (keyword === "required")
    return {
      path: childPath(path, String(missingProperty)),
      problem: "must be present, found nothing",
    };
  return { path, problem: `must ${wanted(error)}, found ${describe(error.data)}` };
}

function childPath(path: string, name: string): string {
  return path === "the document" ? stepText(name, true) : path + stepText(name, false);
}

function wanted({ keyword, params, message, parentSchema }: ErrorObject): string {
  const { errorMessage } = parentSchema ?? {};
  if (typeof errorMessage === "string") return errorMessage;
  const { type, allowedValue, allowedValues, limit } = params;
  const list = (values: readonly unknown[]): string => values.map(describe).join(", ");
  if (keyword === "type") return `be ${article(String(type))}`;
  if (keyword === "enum") return `be one of ${list(allowedValues)}`;
  if (keyword === "const") return `be ${describe(allowedValue)}`;
  if (keyword === "minimum") return `be at least ${limit}`;
  if (keyword === "maximum") return `be at most ${limit}`;
  return (message ?? "fit").replace(/^must /, "").replace("NOT ", "not ");
}

function article(type: string): string {
  return `${/^[aeio]/.test(type) ? "an" : "a"} ${type}`;
}
