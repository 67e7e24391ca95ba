import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createPattern } from "#runtime/sandbox/schema/pattern.ts";

const atom = fc.constantFrom(
  ...["a", "b", "é", "😀", "\\.", "\\/", "\\-", "\\t", "\\0", "\\x41", "\\cA", "\\u0061", "[a-c]"],
  ...[
    ".",
    "\\s",
    "\\S",
    "\\d",
    "\\w",
    "\\b",
    "\\B",
    "^",
    "$",
    "\\p{L}",
    "\\p{Script=Greek}",
    "\\P{Lu}",
  ],
  ...[
    "[ab]",
    "[^a]",
    "[\\s-]",
    "[\\S]",
    "[^\\s]",
    "[\\b]",
    "[^]",
    "[]",
    "[.]",
    "[^.]",
    "[[a]",
    "[\\d_]",
  ],
  ...["\\u{1F600}", "\\uD83D\\uDE00", "[\\u{1F600}a]", "(a|b)", "(?:a)", "(?<n>b)", "[a\\-b]"],
);
const count = fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "*?");
const piece = fc.tuple(atom, count).map((parts) => parts.join(""));
const sequence = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(""));
const pattern = fc.array(sequence, { minLength: 1, maxLength: 2 }).map((parts) => parts.join("|"));
const character = fc.constantFrom(
  ...[
    "a",
    "b",
    "c",
    "A",
    "1",
    "_",
    "-",
    ".",
    "/",
    "[",
    "é",
    "α",
    "😀",
    " ",
    "\n",
    "\r",
    "\v",
    "\b",
  ],
  ...["\0", "\u0001", "\u00a0", "\u180e", "\u200b", "\u2028", "\u3000", "\ufeff"],
);
const text = fc.array(character, { maxLength: 6 }).map((parts) => parts.join(""));

function native(source: string): RegExp | undefined {
  try {
    return new RegExp(source, "u");
  } catch {
    return undefined; // Not an expression of ECMA-262.
  }
}

test("createPattern() matches what ECMA-262 says that a pattern matches", () => {
  const seen = { hits: 0, misses: 0 };
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 5, maxLength: 5 }), (source, texts) => {
      const wanted = native(source);
      const ours = createPattern(source);
      if (wanted === undefined) return assert.equal(typeof ours, "string");
      assert.ok(typeof ours === "object", `${source}: ${JSON.stringify(ours)}`);
      for (const each of texts) {
        assert.equal(ours.isIn(each, { steps: 1e6 }), wanted.test(each), `${source} in ${each}`);
        seen[wanted.test(each) ? "hits" : "misses"]++;
      }
    }),
    { numRuns: 3_000 },
  );
  assert.ok(seen.hits > 500 && seen.misses > 500, JSON.stringify(seen));
});

test("createPattern() refuses what only one of the two syntaxes knows", () => {
  for (const source of ["(?i)a", "\\Qa\\E", "\\pN", "[[:alpha:]]", "(?P<n>a)", "a**", "(", "\\A"])
    assert.equal(
      createPattern(source),
      "is no regular expression of ECMA-262 with the flag u",
      source,
    );
  for (const source of ["(?=a)", "(a)\\1", "\\p{scx=Greek}"])
    assert.match(String(createPattern(source)), /linear time/, source);
  assert.equal(createPattern("(?i:a)"), "is no regular expression of ECMA-262 with the flag u");
});
