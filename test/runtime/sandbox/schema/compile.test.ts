import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSchema } from "#runtime/sandbox/schema/compile.ts";

/** Returns what is said of a value: `path expected / found`, or undefined when it fits. */
function said(schema: unknown, value: unknown): string | undefined {
  const failure = compileSchema(schema).validate(value, { steps: 1e6 });
  return failure && `${failure.path} ${failure.expected} / ${failure.found}`;
}

/** One value that fits each keyword, one that does not, and what is said of it. */
const cases: readonly (readonly [schema: unknown, fits: unknown, fails: unknown, said: string])[] =
  [
    [{ type: "integer" }, 1.0, 1.5, "$ an integer / 1.5"],
    [{ type: ["string", "null"] }, null, false, "$ a string or null / false"],
    [
      { enum: ["a", 1, { b: [2] }] },
      { b: [2] },
      { b: [3] },
      '$ one of "a", 1, an object / an object',
    ],
    [{ const: 0 }, -0, "0", '$ 0 / "0"'],
    [{ minimum: 1 }, 1, 0, "$ at least 1 / 0"],
    [{ exclusiveMaximum: 2 }, 1, 2, "$ below 2 / 2"],
    [{ multipleOf: 0.1 }, 0.3, 0.35, "$ a multiple of 0.1 / 0.35"],
    [{ maxLength: 1 }, "😀", "😀a", '$ at most 1 characters long / "😀a"'],
    [{ minLength: 2 }, "😀a", "😀", '$ at least 2 characters long / "😀"'],
    [{ pattern: "^a" }, "ab", "b", '$ text that matches "^a" / "b"'],
    [{ format: "date" }, "2024-02-29", "2023-02-29", '$ text of the format date / "2023-02-29"'],
    [{ items: { items: { minimum: 0 } } }, [[0]], [[0], [1, -1]], "$[1][1] at least 0 / -1"],
    [{ prefixItems: [true, { const: 1 }], items: false }, [0, 1], [0, 1, 2], "$[2] left out / 2"],
    [
      { contains: { const: 1 } },
      [2, 1],
      [2],
      "$ an array with at least 1 as `contains` says / an array of 1",
    ],
    [
      { uniqueItems: true },
      [1, "1", { a: 1, b: 2 }],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      "$[1] different from the items before it / an object",
    ],
    [{ maxItems: 1 }, [1], [1, 2], "$ an array of at most 1 / an array of 2"],
    [{ required: ["a"] }, { a: 1 }, {}, "$.a present / nothing"],
    [{ properties: { a: { type: "null" } } }, { b: 1 }, { a: 1 }, "$.a null / 1"],
    [{ additionalProperties: false }, {}, { "\u202e": 1 }, '$["\\u{202e}"] left out / 1'],
    [{ patternProperties: { "^a": { type: "null" } } }, { b: 1 }, { ab: 1 }, "$.ab null / 1"],
    [
      { propertyNames: { maxLength: 1 } },
      { a: 1 },
      { ab: 1 },
      '$.ab under a key that is at most 1 characters long / "ab"',
    ],
    [{ minProperties: 1 }, { a: 1 }, {}, "$ an object with at least 1 keys / an object"],
    [{ dependentRequired: { a: ["b"] } }, { b: 1 }, { a: 1 }, '$.b present, as "a" is / nothing'],
    [{ dependentSchemas: { a: { required: ["b"] } } }, {}, { a: 1 }, "$.b present / nothing"],
    [{ not: { type: "null" } }, 1, null, "$ other than `not` says / null"],
    [{ if: { minimum: 5 }, else: { const: 1 } }, 1, 2, "$ 1 / 2"],
    [{ anyOf: [{ type: "null" }, { const: 1 }] }, 1, 2, "$ as one of 2 schemas says / 2"],
    [
      { oneOf: [{ minimum: 0 }, { minimum: 5 }] },
      3,
      7,
      "$ as one of 2 schemas says, and no other of them / 7",
    ],
    [{ $ref: "#/$defs/a~1b%20c", $defs: { "a/b c": { const: 1 } } }, 1, 2, "$ 1 / 2"],
    [{ $ref: "#/properties/a", properties: { a: { const: 1 } } }, 1, 2, "$ 1 / 2"],
  ];

test("validate() tells what fits from what does not, and says where and how", () => {
  for (const [schema, fits, fails, words] of cases) {
    assert.equal(said(schema, fits), undefined, JSON.stringify(schema));
    assert.equal(said(schema, fails), words, JSON.stringify(schema));
  }
});

test("validate() names the branch of anyOf that fits further than the others", () => {
  const circle = { properties: { kind: { const: "circle" }, radius: { type: "number" } } };
  const square = { properties: { kind: { const: "square" }, side: { type: "number" } } };
  const either = { anyOf: [{ type: "null" }, { ...circle, required: ["radius"] }] };
  assert.equal(said(either, { kind: "circle", radius: "5" }), '$.radius a number / "5"');
  assert.equal(
    said({ anyOf: [circle, square] }, { kind: "x" }),
    "$ as one of 2 schemas says / an object",
  );
});

test("validate() bounds and quotes what it repeats of a value", () => {
  const text = said({ type: "null" }, `\u001b[31m"${"a".repeat(1e6)}`) ?? "";
  assert.ok(text.length < 120, text);
  assert.ok(text.startsWith('$ null / "\\u{1b}[31m\\"aaa'), text);
  const path = said({ additionalProperties: false }, { ["k".repeat(1e6)]: 1 }) ?? "";
  assert.ok(path.length < 120, path);
});

test("validate() takes true and false for schemas of anything and nothing", () => {
  assert.equal(said(true, [1]), undefined);
  assert.equal(said(false, 1), "$ left out / 1");
});

test("validate() ignores what is said to people only", () => {
  const notes = { title: "t", description: "d", default: 5, examples: [{}], deprecated: true };
  assert.equal(
    said({ ...notes, "x-order": 1, $comment: "c", contentEncoding: "base64" }, 1),
    undefined,
  );
});
