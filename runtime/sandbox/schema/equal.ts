import { comparedDepthMax } from "./bounds.ts";
import { type Budget, spend } from "./run.ts";

/**
 * Returns whether two JSON values are equal: numbers by value, objects without order.
 *
 * @param constant  of the schema; its depth is bounded, and the comparison goes no deeper
 * @param value     untrusted
 * @see https://json-schema.org/draft/2020-12/json-schema-core#section-4.2.2
 */
export function isEqual(constant: unknown, value: unknown, budget: Budget): boolean {
  spend(budget, 1);
  if (constant === value) return true;
  if (typeof constant !== "object" || typeof value !== "object") return false;
  if (constant === null || value === null) return false;
  if (Array.isArray(constant) || Array.isArray(value)) {
    if (!Array.isArray(constant) || !Array.isArray(value)) return false;
    if (constant.length !== value.length) return false;
    return constant.every((item, index) => isEqual(item, value[index], budget));
  }
  const keys = Object.keys(constant);
  if (Object.keys(value).length !== keys.length) return false;
  const [wanted, given] = [constant, value] as Record<string, unknown>[];
  return keys.every((key) => {
    return Object.hasOwn(value, key) && isEqual(wanted?.[key], given?.[key], budget);
  });
}

/**
 * Returns a text that two JSON values share exactly when they are equal, or undefined when a value
 * is nested too deep to be compared.
 *
 * @param value  untrusted
 */
export function identityOf(value: unknown, budget: Budget, depth = 0): string | undefined {
  if (typeof value === "string") {
    spend(budget, 2 + (value.length >> 4));
    return JSON.stringify(value);
  }
  spend(budget, 2);
  // Zero has two forms in a double and one in JSON.
  if (typeof value === "number") return String(value === 0 ? 0 : value);
  if (typeof value !== "object" || value === null) return String(value);
  if (depth >= comparedDepthMax) return undefined;
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const item of value) {
      const part = identityOf(item, budget, depth + 1);
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return `[${parts.join(",")}]`;
  }
  const record = value as Record<string, unknown>;
  const keys = Object.keys(record);
  // Sorting the keys and joining the parts takes most of the time.
  spend(budget, 8 + 6 * keys.length);
  for (const key of keys.sort()) {
    const part = identityOf(record[key], budget, depth + 1);
    if (part === undefined) return undefined;
    parts.push(`${identityOf(key, budget)}:${part}`);
  }
  return `{${parts.join(",")}}`;
}
