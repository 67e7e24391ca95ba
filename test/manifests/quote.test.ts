import assert from "node:assert/strict";
import { test } from "node:test";
import { describe, quote } from "#manifests/quote.ts";

test("quote() shows what cannot be seen, so that no text forges another", () => {
  const cases: Record<string, string> = {
    'plain é 漢字 "q" \\': '"plain é 漢字 \\"q\\" \\\\"',
    "a\nb\r\t": '"a\\u{a}b\\u{d}\\u{9}"',
    "\u001b[31mred": '"\\u{1b}[31mred"',
    "\u009b31m": '"\\u{9b}31m"',
    "evil\u202etxt": '"evil\\u{202e}txt"',
    "a\u200bb\ufeffc\u00add": '"a\\u{200b}b\\u{feff}c\\u{ad}d"',
    "\u{e0041}\ufe0f\u3164\u2800\u00a0": '"\\u{e0041}\\u{fe0f}\\u{3164}\\u{2800}\\u{a0}"',
    "half \ud800": '"half \\u{d800}"',
    "\u2028\u2029": '"\\u{2028}\\u{2029}"',
  };
  for (const [text, shown] of Object.entries(cases)) assert.equal(quote(text), shown);
});

test("quote() bounds what it shows, however long or however composed", () => {
  assert.equal(quote("😀".repeat(5), 3), `"${"😀".repeat(3)}"…`);
  assert.equal(quote("abc", 3), '"abc"');
  assert.ok(quote("a".repeat(1e7)).length < 100);
  const piled = quote(`a${"\u0301".repeat(70)}`);
  assert.equal([...piled.matchAll(/\u0301/g)].length, 2);
});

test("describe() says of a value what fits on a line", () => {
  const told = [undefined, null, 1.5, "a", [1, 2], { a: 1 }, true].map(describe);
  assert.deepEqual(told, ["nothing", "null", "1.5", '"a"', "an array of 2", "an object", "true"]);
});
