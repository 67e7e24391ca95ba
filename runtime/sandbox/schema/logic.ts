import type { Compiler, Keywords } from "./compiler.ts";
import { isEqual } from "./equal.ts";
import { describe } from "#manifests/quote.ts";
import { type Check, type Fault, faultOf, spend } from "./run.ts";

/** How many values of an `enum` an error lists. */
const listedMax = 8;

/** Returns the checks of the keywords that hold for values of every type. */
export function logicChecks(schema: Keywords, compiler: Compiler): Check[] {
  const listed = (keyword: "allOf" | "anyOf" | "oneOf"): Check[] => {
    const schemas = schema[keyword];
    return Array.isArray(schemas) ? schemas.map((inner) => compiler.checkOf(inner)) : [];
  };
  const { $ref, anyOf, oneOf, not } = schema;
  return [
    ...("const" in schema ? [constantCheck([schema.const])] : []),
    ...(Array.isArray(schema.enum) ? [constantCheck(schema.enum)] : []),
    ...(typeof $ref === "string" ? [compiler.targetOf($ref)] : []),
    ...listed("allOf"),
    ...(anyOf === undefined ? [] : [anyCheck(listed("anyOf"))]),
    ...(oneOf === undefined ? [] : [oneCheck(listed("oneOf"))]),
    ...(not === undefined ? [] : [notCheck(compiler.checkOf(not))]),
    ...conditionChecks(schema, compiler),
  ];
}

function constantCheck(values: readonly unknown[]): Check {
  const isNested = (value: unknown): boolean => typeof value === "object" && value !== null;
  const plain = new Set(values.filter((value) => !isNested(value)));
  const nested = values.filter(isNested);
  const words = values.slice(0, listedMax).map(describe).join(", ");
  const more = values.length > listedMax ? ", …" : "";
  const wanted = values.length === 1 ? words : `one of ${words}${more}`;
  return (value, budget) => {
    if (plain.has(value)) return undefined;
    if (isNested(value) && nested.some((constant) => isEqual(constant, value, budget)))
      return undefined;
    return faultOf(wanted, value);
  };
}

function anyCheck(checks: readonly Check[]): Check {
  return (value, budget) => {
    const faults: Fault[] = [];
    for (const check of checks) {
      const fault = check(value, budget);
      if (fault === undefined) return undefined;
      faults.push(fault);
    }
    return nearest(faults) ?? faultOf(`as one of ${checks.length} schemas says`, value);
  };
}

/** The fault of the one branch that fitted further than the others, if there is one. */
function nearest(faults: readonly Fault[]): Fault | undefined {
  const depths = faults.map((fault) => fault.steps.length);
  const deepest = Math.max(...depths);
  const isAlone = depths.filter((depth) => depth === deepest).length === 1;
  return isAlone ? faults[depths.indexOf(deepest)] : undefined;
}

function oneCheck(checks: readonly Check[]): Check {
  return (value, budget) => {
    const faults: Fault[] = [];
    let fitting = 0;
    for (const check of checks) {
      const fault = check(value, budget);
      if (fault !== undefined) faults.push(fault);
      else if (++fitting === 2)
        return faultOf(`as one of ${checks.length} schemas says, and no other of them`, value);
    }
    if (fitting === 1) return undefined;
    return nearest(faults) ?? faultOf(`as one of ${checks.length} schemas says`, value);
  };
}

function notCheck(check: Check): Check {
  return (value, budget) =>
    check(value, budget) === undefined ? faultOf("other than `not` says", value) : undefined;
}

function conditionChecks(schema: Keywords, compiler: Compiler): Check[] {
  if (schema.if === undefined) return [];
  const condition = compiler.checkOf(schema.if);
  const [then, otherwise] = [schema.then ?? true, schema.else ?? true].map((inner) =>
    compiler.checkOf(inner),
  );
  return [
    (value, budget) => {
      spend(budget, 1);
      const next = condition(value, budget) === undefined ? then : otherwise;
      return next?.(value, budget);
    },
  ];
}
