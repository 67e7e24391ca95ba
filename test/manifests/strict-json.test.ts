import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonBytesMax, parseStrictJson } from "#manifests/strict-json.ts";
import { refusalOf } from "#test/support/refusal.ts";

function refused(input: string | Uint8Array, bounds = {}): string {
  const { code, message } = refusalOf(() => parseStrictJson(input, bounds));
  assert.equal(code, "JSON_INVALID");
  return message.replace("Cannot read the text as JSON: ", "");
}

test("parseStrictJson() refuses texts that two readers could understand differently", () => {
  const cases: Record<string, RegExp> = {
    '{"a":1,"a":1}': /the key "a" stands twice/,
    '[{"x":{"b":1,"c":2,"\\u0062":3}}]': /the key "b" stands twice/,
    '{"a":1 , \n "a"  \t:2}': /the key "a" stands twice/,
    '{"__proto__":1}': /"__proto__" is refused/,
    '{"a":{"__pr\\u006fto__":1}}': /"__proto__" is refused/,
    '"\\ud800"': /half a character/,
    '{"\\udfff":1}': /half a character/,
    '"\ud800"': /not valid UTF-8/,
    "1e999": /too large/,
    "[1,]": /not well-formed/,
    '{"a":1}x': /not well-formed \(line 1 column 8\)/,
    "\ufeff{}": /not well-formed/,
    NaN: /not well-formed/,
    "": /not well-formed/,
    '{"a":1} {"b":2}': /not well-formed/,
  };
  for (const [text, words] of Object.entries(cases)) assert.match(refused(text), words, text);
});

test("parseStrictJson() refuses bytes that are no UTF-8, overlong forms and marks included", () => {
  for (const bytes of [
    [0xff],
    [0x22, 0xc0, 0xaf, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0x22, 0xf5, 0x22],
  ])
    assert.match(refused(Uint8Array.from(bytes)), /not valid UTF-8/);
  assert.match(refused(Uint8Array.from([0xef, 0xbb, 0xbf, 0x31])), /not well-formed/);
});

test("parseStrictJson() refuses what is too long or too deep, and soon", () => {
  const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  assert.deepEqual(parseStrictJson(deep(3), { depthMax: 3 }), [[[]]]);
  assert.match(refused(deep(4), { depthMax: 3 }), /4 deep, at most 3/);
  assert.match(refused(deep(65)), /65 deep, at most 64/);
  assert.match(refused(deep(jsonBytesMax / 2)), /deep, at most 64|too many values/);
  assert.match(refused('{"a":'.repeat(1e5)), /not well-formed|too many values/);
  assert.match(refused(`"${"é".repeat(jsonBytesMax / 2)}"`), /1048578 bytes, at most 1048576/);
  assert.match(refused("12345", { bytesMax: 4 }), /5 bytes, at most 4/);
  assert.equal(parseStrictJson("7", { depthMax: 0 }), 7);
});

test("parseStrictJson() takes strings that look like structure", () => {
  const tricky = { "a:b": '{"a":1,"a":2}', "\\": '\\"', '"': "[[[[", "": ":::", constructor: 1 };
  assert.deepEqual(parseStrictJson(JSON.stringify(tricky)), tricky);
  assert.deepEqual(parseStrictJson(JSON.stringify(tricky), { depthMax: 1 }), tricky);
});

test("parseStrictJson() reads every JSON value as JSON.parse does", () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 6, stringUnit: "binary" }),
      fc.integer({ min: 0, max: 2 }),
      (text, indent) => {
        const value: unknown = JSON.parse(text);
        const written = JSON.stringify(value, null, indent);
        if (text.includes("__proto__") || /\\u[dD][89a-f]/.test(written)) return;
        assert.deepEqual(parseStrictJson(written), value);
        assert.deepEqual(parseStrictJson(Buffer.from(written)), value);
      },
    ),
    { numRuns: 500 },
  );
});

test("parseStrictJson() never takes what JSON.parse refuses, nor gives another value", () => {
  const fragment = fc.constantFrom(
    ...[
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      '"a"',
      '"b"',
      '"\\""',
      '"\\\\"',
      "1",
      "-0",
      "1e2",
      "true",
      "null",
    ],
    ...['"a":', '"a":1,', '"__proto__":', " ", "\n", '"', "\\", "\\u0061", "\u2028"],
  );
  const seen = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 9 }), (parts) => {
      const text = parts.join("");
      const outcome = attempt(() => parseStrictJson(text));
      const loose = attempt(() => JSON.parse(text));
      if (outcome !== undefined) assert.deepEqual(outcome, loose);
      else if (loose !== undefined) assert.match(refused(text), /twice|__proto__/);
      seen[outcome === undefined ? "refused" : "taken"]++;
    }),
    { numRuns: 5_000 },
  );
  assert.ok(seen.taken > 50 && seen.refused > 50, JSON.stringify(seen));
});

test("parseStrictJson() finds a key that stands twice wherever it is put", () => {
  const key = fc.string({ unit: "grapheme", maxLength: 5 }).filter((name) => name !== "__proto__");
  fc.assert(
    fc.property(fc.uniqueArray(key, { minLength: 1, maxLength: 6 }), fc.nat(5), (keys, index) => {
      const again = keys[index % keys.length] ?? "";
      const members = [...keys, again].map((name) => `${JSON.stringify(name)}:[{}]`).join(",");
      assert.match(refused(`[0,{"in":{${members}}}]`), /stands twice/);
    }),
  );
});

function attempt(run: () => unknown): { value: unknown } | undefined {
  try {
    return { value: run() };
  } catch {
    return undefined; // Refused: that is the answer.
  }
}
