import { quote } from "#manifests/quote.ts";
import { chain, type Compiler, type Keywords, numberUnder, type TypedCheck } from "./compiler.ts";
import { type Budget, type Check, type Fault, faultAt, faultOf, outOfSteps, spend } from "./run.ts";

/** An object of JSON; its keys are untrusted, so that only own ones are ever looked up. */
type JsonObject = Readonly<Record<string, unknown>>;
type ObjectCheck = TypedCheck<JsonObject>;

/** Returns the check of the keywords for objects. */
export function objectCheck(schema: Keywords, compiler: Compiler): ObjectCheck | undefined {
  return chain<JsonObject>([
    requiredCheck(schema),
    countCheck(schema),
    namesCheck(schema, compiler),
    membersCheck(schema, compiler),
    dependentRequiredCheck(schema),
    dependentSchemasCheck(schema, compiler),
  ]);
}

function requiredCheck(schema: Keywords): ObjectCheck | undefined {
  const names = namesIn(schema.required);
  if (names.length === 0) return undefined;
  return (value, budget) => {
    spend(budget, names.length);
    for (const name of names)
      if (!Object.hasOwn(value, name)) return faultAt(name, faultOf("present", undefined));
    return undefined;
  };
}

function countCheck(schema: Keywords): ObjectCheck | undefined {
  const least = numberUnder(schema, "minProperties") ?? 0;
  const most = numberUnder(schema, "maxProperties") ?? Number.POSITIVE_INFINITY;
  if (least === 0 && most === Number.POSITIVE_INFINITY) return undefined;
  return (value, budget) => {
    const count = keysOf(value, budget).length;
    if (count < least) return faultOf(`an object with at least ${least} keys`, value);
    return count > most ? faultOf(`an object with at most ${most} keys`, value) : undefined;
  };
}

function namesCheck(schema: Keywords, compiler: Compiler): ObjectCheck | undefined {
  if (schema.propertyNames === undefined) return undefined;
  const check = compiler.checkOf(schema.propertyNames);
  return (value, budget) => {
    for (const name of keysOf(value, budget)) {
      const fault = check(name, budget);
      if (fault !== undefined)
        return faultAt(name, faultOf(`under a key that is ${fault.expected}`, name));
    }
    return undefined;
  };
}

/** `properties`, `patternProperties` and what `additionalProperties` says of the rest. */
function membersCheck(schema: Keywords, compiler: Compiler): ObjectCheck | undefined {
  const named = new Map(
    entriesIn(schema.properties).map(([name, inner]) => [name, compiler.checkOf(inner)]),
  );
  const { patternProperties, additionalProperties: rest } = schema;
  const isRestFree = rest === undefined || rest === true;
  if (patternProperties === undefined && isRestFree) return namedCheck(named);
  const others = isRestFree ? undefined : compiler.checkOf(rest);
  const patterned = entriesIn(patternProperties).map(
    ([source, inner]) => [compiler.patternOf(source), compiler.checkOf(inner)] as const,
  );
  if (patterned.length === 0) return chain([namedCheck(named), othersCheck(named, others)]);
  return chain<JsonObject>([
    namedCheck(named),
    (value, budget) => {
      for (const key of keysOf(value, budget)) {
        const fitting = patterned.filter(([pattern]) => pattern.isIn(key, budget));
        const isOther = fitting.length === 0 && !named.has(key);
        const checks = isOther ? [others] : fitting.map(([, check]) => check);
        const fault = chain<unknown>(checks)?.(value[key], budget);
        if (fault !== undefined) return faultAt(key, fault);
      }
      return undefined;
    },
  ]);
}

function namedCheck(named: ReadonlyMap<string, Check>): ObjectCheck | undefined {
  if (named.size === 0) return undefined;
  const names = [...named.keys()];
  const checks = [...named.values()];
  return (value, budget) => {
    budget.steps -= names.length;
    if (budget.steps < 0) throw outOfSteps;
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      if (!Object.hasOwn(value, name)) continue;
      const fault = (checks[index] as Check)(value[name], budget);
      if (fault !== undefined) return faultAt(name, fault);
    }
    return undefined;
  };
}

function othersCheck(
  named: ReadonlyMap<string, Check>,
  others: Check | undefined,
): ObjectCheck | undefined {
  if (others === undefined) return undefined;
  return (value, budget) => {
    for (const key of keysOf(value, budget)) {
      if (named.has(key)) continue;
      const fault = others(value[key], budget);
      if (fault !== undefined) return faultAt(key, fault);
    }
    return undefined;
  };
}

function dependentRequiredCheck(schema: Keywords): ObjectCheck | undefined {
  const lists = entriesIn(schema.dependentRequired);
  if (lists.length === 0) return undefined;
  return (value, budget) => {
    spend(budget, lists.length);
    for (const [key, names] of lists)
      if (Object.hasOwn(value, key)) {
        const fault = missing(value, namesIn(names), budget);
        if (fault !== undefined)
          return faultAt(fault, faultOf(`present, as ${quote(key)} is`, undefined));
      }
    return undefined;
  };
}

function missing(value: JsonObject, names: readonly string[], budget: Budget): string | undefined {
  spend(budget, names.length);
  return names.find((name) => !Object.hasOwn(value, name));
}

function dependentSchemasCheck(schema: Keywords, compiler: Compiler): ObjectCheck | undefined {
  const checks = entriesIn(schema.dependentSchemas).map(
    ([key, inner]) => [key, compiler.checkOf(inner)] as const,
  );
  if (checks.length === 0) return undefined;
  return (value, budget) => {
    spend(budget, checks.length);
    for (const [key, check] of checks) {
      const fault: Fault | undefined = Object.hasOwn(value, key) ? check(value, budget) : undefined;
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

/** Own keys; listing and looking up those of a wide object takes longest of all. */
function keysOf(value: JsonObject, budget: Budget): string[] {
  const keys = Object.keys(value);
  spend(budget, 4 * keys.length);
  return keys;
}

function namesIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value : [];
}

function entriesIn(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
