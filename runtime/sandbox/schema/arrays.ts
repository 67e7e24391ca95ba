import { comparedDepthMax } from "./bounds.ts";
import { chain, type Compiler, type Keywords, numberUnder, type TypedCheck } from "./compiler.ts";
import { identityOf } from "./equal.ts";
import { faultAt, faultOf, spend } from "./run.ts";

type ArrayCheck = TypedCheck<readonly unknown[]>;

/** Returns the check of the keywords for arrays. */
export function arrayCheck(schema: Keywords, compiler: Compiler): ArrayCheck | undefined {
  return chain<readonly unknown[]>([
    countCheck(schema),
    prefixCheck(schema, compiler),
    itemsCheck(schema, compiler),
    containsCheck(schema, compiler),
    uniqueCheck(schema),
  ]);
}

function countCheck(schema: Keywords): ArrayCheck | undefined {
  const least = numberUnder(schema, "minItems") ?? 0;
  const most = numberUnder(schema, "maxItems") ?? Number.POSITIVE_INFINITY;
  if (least === 0 && most === Number.POSITIVE_INFINITY) return undefined;
  return (value) => {
    if (value.length < least) return faultOf(`an array of at least ${least}`, value);
    return value.length > most ? faultOf(`an array of at most ${most}`, value) : undefined;
  };
}

function prefixCheck(schema: Keywords, compiler: Compiler): ArrayCheck | undefined {
  const checks = prefixOf(schema).map((inner) => compiler.checkOf(inner));
  if (checks.length === 0) return undefined;
  return (value, budget) => {
    for (const [index, check] of checks.entries()) {
      if (index >= value.length) return undefined;
      const fault = check(value[index], budget);
      if (fault !== undefined) return faultAt(index, fault);
    }
    return undefined;
  };
}

function itemsCheck(schema: Keywords, compiler: Compiler): ArrayCheck | undefined {
  const items = schema.items;
  if (items === undefined || items === true) return undefined;
  const start = prefixOf(schema).length;
  const check = compiler.checkOf(items);
  return (value, budget) => {
    for (let index = start; index < value.length; index++) {
      const fault = check(value[index], budget);
      if (fault !== undefined) return faultAt(index, fault);
    }
    return undefined;
  };
}

function containsCheck(schema: Keywords, compiler: Compiler): ArrayCheck | undefined {
  if (schema.contains === undefined) return undefined;
  const check = compiler.checkOf(schema.contains);
  const least = numberUnder(schema, "minContains") ?? 1;
  const most = numberUnder(schema, "maxContains") ?? Number.POSITIVE_INFINITY;
  return (value, budget) => {
    spend(budget, value.length);
    let fitting = 0;
    for (const item of value) if (check(item, budget) === undefined) fitting++;
    if (fitting < least)
      return faultOf(`an array with at least ${least} as \`contains\` says`, value);
    if (fitting > most) return faultOf(`an array with at most ${most} as \`contains\` says`, value);
    return undefined;
  };
}

/** Compares by a text for each item instead of each item with each other: linear. */
function uniqueCheck(schema: Keywords): ArrayCheck | undefined {
  if (schema.uniqueItems !== true) return undefined;
  return (value, budget) => {
    const seen = new Set<string>();
    for (let index = 0; index < value.length; index++) {
      const identity = identityOf(value[index], budget);
      if (identity === undefined)
        return faultAt(index, faultOf(`at most ${comparedDepthMax} deep`, value[index]));
      if (seen.has(identity))
        return faultAt(index, faultOf("different from the items before it", value[index]));
      seen.add(identity);
    }
    return undefined;
  };
}

function prefixOf(schema: Keywords): readonly unknown[] {
  const prefix = schema.prefixItems;
  return Array.isArray(prefix) ? prefix : [];
}
