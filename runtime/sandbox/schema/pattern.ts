import { RE2JS } from "re2js";
import { bounds } from "./bounds.ts";
import { type Budget, spend } from "./run.ts";
import { toLinearSyntax } from "./pattern-syntax.ts";

/** A regular expression that takes time linear in the text. */
export interface Pattern {
  readonly source: string;
  /** What it takes to compile, in instructions of its program; about 10 µs each. */
  readonly cost: number;
  /** Returns whether it matches somewhere in the text, as ECMA-262 says for the flag `u`. */
  isIn(text: string, budget: Budget): boolean;
}

/** What a property such as `\p{L}` costs beside its one instruction. */
const propertyCost = 25;

/**
 * Returns a pattern, or words for why it is refused.
 *
 * The pattern must be valid for ECMA-262, so that it means the same to every tool an author uses,
 * and for RE2, which has no backreferences and no lookaround.
 *
 * @param source  untrusted
 * @see https://json-schema.org/draft/2020-12/json-schema-core#section-6.4
 */
export function createPattern(source: string): Pattern | string {
  if (source.length > bounds.patternCharsMax)
    return `is ${source.length} characters long, at most ${bounds.patternCharsMax} are allowed`;
  const linear = toLinearSyntax(source);
  if (linear === undefined) return "is no regular expression of ECMA-262 with the flag u";
  const compiled = compile(linear);
  if (typeof compiled === "string") return compiled;
  const programSize = compiled.programSize();
  // Simulating the program takes up to 14 ns for each instruction and character, a step is 25 ns;
  // most patterns become an automaton that takes 10 ns a character whatever their size.
  const stepsPerChar = Math.max(1, programSize >> 2);
  return {
    source,
    // A property of Unicode has hundreds of ranges.
    cost: programSize + propertyCost * (source.match(/\\[pP]\{/g)?.length ?? 0),
    isIn(text, budget) {
      spend(budget, 16 + text.length * stepsPerChar);
      return compiled.test(text);
    },
  };
}

function compile(linear: string): RE2JS | string {
  try {
    return RE2JS.compile(linear);
  } catch (error) {
    if (/repeat/.test(String(error))) return "repeats more than 1000 times";
    return "cannot run in linear time: it uses lookaround, a backreference or an unknown property";
  }
}
