import { quote } from "#manifests/quote.ts";
import { chain, type Compiler, type Keywords, numberUnder, type TypedCheck } from "./compiler.ts";
import { formats } from "./formats.ts";
import { isMultiple } from "./numbers.ts";
import { type Budget, faultOf, spend } from "./run.ts";

/** Returns the check of the keywords for numbers. */
export function numberCheck(schema: Keywords): TypedCheck<number> | undefined {
  const bound = (
    keyword: "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum",
    words: string,
    holds: (value: number, limit: number) => boolean,
  ): TypedCheck<number> | undefined => {
    const limit = numberUnder(schema, keyword);
    if (limit === undefined) return undefined;
    return (value) => (holds(value, limit) ? undefined : faultOf(`${words} ${limit}`, value));
  };
  const divisor = numberUnder(schema, "multipleOf");
  return chain<number>([
    bound("minimum", "at least", (value, limit) => value >= limit),
    bound("maximum", "at most", (value, limit) => value <= limit),
    bound("exclusiveMinimum", "above", (value, limit) => value > limit),
    bound("exclusiveMaximum", "below", (value, limit) => value < limit),
    divisor === undefined
      ? undefined
      : (value, budget) =>
          isMultiple(value, divisor, budget)
            ? undefined
            : faultOf(`a multiple of ${divisor}`, value),
  ]);
}

/** Returns the check of the keywords for texts; the cheap ones come first. */
export function stringCheck(schema: Keywords, compiler: Compiler): TypedCheck<string> | undefined {
  return chain<string>([lengthCheck(schema), formatCheck(schema), patternCheck(schema, compiler)]);
}

function lengthCheck(schema: Keywords): TypedCheck<string> | undefined {
  const least = numberUnder(schema, "minLength") ?? 0;
  const most = numberUnder(schema, "maxLength") ?? Number.POSITIVE_INFINITY;
  if (least === 0 && most === Number.POSITIVE_INFINITY) return undefined;
  return (value, budget) => {
    // A character has one or two units, so that most lengths are decided without counting.
    if (value.length <= most && value.length >= 2 * least) return undefined;
    const length = value.length > 2 * most ? value.length : charsIn(value, budget);
    if (length > most) return faultOf(`at most ${most} characters long`, value);
    return length < least ? faultOf(`at least ${least} characters long`, value) : undefined;
  };
}

/** Counts code points, which is what JSON Schema calls the length of a text. */
function charsIn(text: string, budget: Budget): number {
  spend(budget, text.length >> 4);
  let chars = 0;
  for (let index = 0; index < text.length; index++) {
    // The second half of a pair belongs to the character before it.
    if ((text.charCodeAt(index) & 0xfc00) !== 0xdc00 || !isHigh(text.charCodeAt(index - 1)))
      chars++;
  }
  return chars;
}

function isHigh(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function formatCheck(schema: Keywords): TypedCheck<string> | undefined {
  const name = schema.format;
  const test = typeof name === "string" ? formats.get(name) : undefined;
  if (test === undefined) return undefined;
  return (value, budget) => {
    spend(budget, 8 + (value.length >> 3));
    return test(value) ? undefined : faultOf(`text of the format ${name}`, value);
  };
}

function patternCheck(schema: Keywords, compiler: Compiler): TypedCheck<string> | undefined {
  const source = schema.pattern;
  if (typeof source !== "string") return undefined;
  const pattern = compiler.patternOf(source);
  return (value, budget) =>
    pattern.isIn(value, budget) ? undefined : faultOf(`text that matches ${quote(source)}`, value);
}
