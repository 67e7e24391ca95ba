import assert from "node:assert/strict";
import { type Admitted, admitted, type Schema } from "./admit.ts";
import { arrayCheck } from "./arrays.ts";
import { chain, type Compiler, type Keywords } from "./compiler.ts";
import { logicChecks } from "./logic.ts";
import { objectCheck } from "./objects.ts";
import {
  type Budget,
  type Check,
  type Fault,
  faultOf,
  foundOf,
  outOfSteps,
  pathOf,
} from "./run.ts";
import { numberCheck, stringCheck } from "./scalars.ts";

/** Why a value was refused. */
export interface Failure {
  /** `costly` when the steps were used up: nothing is known about the value then. */
  readonly kind: "mismatch" | "costly";
  /** `$.items[2].name`; keys of the value in it are quoted. */
  readonly path: string;
  /** Continues "must be …". */
  readonly expected: string;
  /** A few words; text of the value in it is quoted and bounded. */
  readonly found: string;
}

/** A compiled schema. */
export interface Validator {
  /**
   * Returns undefined when a value fits the schema.
   *
   * @param value   parsed JSON; untrusted
   * @param budget  steps of about 25 ns that it may take; what is left stands in it afterwards
   */
  validate(value: unknown, budget: Budget): Failure | undefined;
}

/**
 * Returns the validator of an author's schema: closures over its keywords, no generated code.
 *
 * Every schema and every part of a value that is entered costs a step, so that no schema, however
 * it branches, takes more time than the budget says.
 *
 * @param schema  parsed JSON; untrusted
 * @param place   where it stands, for the error
 * @throws SCHEMA_REFUSED
 */
export function compileSchema(schema: unknown, place?: string): Validator {
  const document = admitted(schema, place);
  const check = createCompiler(document).checkOf(document.schema);
  return {
    validate(value, budget) {
      try {
        const fault = check(value, budget);
        return fault === undefined ? undefined : failureOf(fault);
      } catch (error) {
        if (error !== outOfSteps) throw error;
        return costly;
      }
    },
  };
}

const costly: Failure = {
  kind: "costly",
  path: "$",
  expected: "a value that can be checked in the steps allowed",
  found: "one that cannot",
};

function failureOf(fault: Fault): Failure {
  const { expected } = fault;
  return { kind: "mismatch", path: pathOf(fault), expected, found: foundOf(fault) };
}

/** Compiles each schema once, however many references name it. */
function createCompiler({ patterns, targets }: Admitted): Compiler {
  const checks = new Map<unknown, Check>();
  const compiler: Compiler = {
    checkOf(schema) {
      const known = checks.get(schema);
      if (known !== undefined) return known;
      const check = compile(schema as Schema, compiler);
      checks.set(schema, check);
      return check;
    },
    targetOf: (ref) => compiler.checkOf(targets.get(ref)),
    patternOf(source) {
      const pattern = patterns.get(source);
      assert(pattern !== undefined, "admission compiles every pattern");
      return pattern;
    },
  };
  return compiler;
}

const anything: Check = () => undefined;
const nothing: Check = (value) => faultOf("left out", value);

function compile(schema: Schema, compiler: Compiler): Check {
  return typeof schema === "boolean"
    ? schema
      ? anything
      : nothing
    : keywordsCheck(schema, compiler);
}

function keywordsCheck(schema: Keywords, compiler: Compiler): Check {
  const allowed = typesOf(schema.type);
  const wanted = wordsOf(schema.type);
  const ofNumbers = numberCheck(schema);
  const ofStrings = stringCheck(schema, compiler);
  const ofArrays = arrayCheck(schema, compiler);
  const ofObjects = objectCheck(schema, compiler);
  const ofAll = chain(logicChecks(schema, compiler));
  return (value, budget) => {
    if (--budget.steps < 0) throw outOfSteps;
    const type = bitOf(value);
    if ((type & allowed) === 0) return faultOf(wanted, value);
    let fault: Fault | undefined;
    if (type === bit.string) fault = ofStrings?.(value as string, budget);
    else if (type === bit.object) fault = ofObjects?.(value as Keywords, budget);
    else if (type === bit.array) fault = ofArrays?.(value as unknown[], budget);
    else if ((type & bit.number) !== 0) fault = ofNumbers?.(value as number, budget);
    return fault ?? ofAll?.(value, budget);
  };
}

/** Bits of types; a whole number has those of integer and number. */
const bit = { null: 1, boolean: 2, integer: 4, number: 8, string: 16, array: 32, object: 64 };
const anyType = 127;

function typesOf(type: unknown): number {
  if (type === undefined) return anyType;
  const names = [type].flat() as (keyof typeof bit)[];
  return names.reduce((bits, name) => bits | bit[name], 0);
}

function wordsOf(type: unknown): string {
  const article = (name: unknown): string =>
    name === "null" ? "null" : `${/^[aio]/.test(String(name)) ? "an" : "a"} ${name}`;
  return [type].flat().map(article).join(" or ");
}

function bitOf(value: unknown): number {
  switch (typeof value) {
    case "string":
      return bit.string;
    case "number":
      return Number.isInteger(value) ? bit.integer | bit.number : bit.number;
    case "boolean":
      return bit.boolean;
    default:
      if (value === null) return bit.null;
      return Array.isArray(value) ? bit.array : bit.object;
  }
}
