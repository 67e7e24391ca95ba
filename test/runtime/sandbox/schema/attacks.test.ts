/**
 * The attacker wrote the manifest, or sends the input of a call, or both. They want the runner to hang,
 * to run out of stack or memory, or a value to pass that the schema refuses. No step may take longer
 * than the budget says: a second is far beyond it and far below what the attacks take elsewhere.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HostError } from "#manifests/errors.ts";
import { admitSchema } from "#runtime/sandbox/schema/admit.ts";
import { compileSchema } from "#runtime/sandbox/schema/compile.ts";
import { keywords } from "#runtime/sandbox/schema/keywords.ts";

/** What the runner gives a call: about 50 ms. */
const steps = 2_000_000;
const hangMs = 1_000;

/** Runs an attack and returns how it ended, unless it hung. */
function outcome(schema: unknown, value: unknown): string {
  const start = performance.now();
  const failure = compileSchema(schema).validate(value, { steps });
  const ms = performance.now() - start;
  assert.ok(ms < hangMs, `took ${ms} ms`);
  return failure?.kind ?? "fits";
}

function refusal(schema: unknown): string {
  const start = performance.now();
  try {
    admitSchema(schema);
  } catch (error) {
    assert.ok(performance.now() - start < hangMs);
    assert.ok(error instanceof HostError && error.code === "SCHEMA_REFUSED", String(error));
    return error.message;
  }
  return "admitted";
}

/** Returns `inner` put `depth` times into `wrap`. */
function nested(depth: number, inner: unknown, wrap: (inner: unknown) => unknown): unknown {
  let outer = inner;
  for (let level = 0; level < depth; level++) outer = wrap(outer);
  return outer;
}

test("validate() runs a pattern that backtracks for ever elsewhere in linear time", () => {
  assert.equal(outcome({ pattern: "^(a|a)*$" }, `${"a".repeat(100_000)}!`), "mismatch");
  assert.equal(outcome({ pattern: "^(([a-z])+.)+[A-Z]([a-z])+$" }, "a".repeat(10_000)), "mismatch");
});

test("validate() gives up on a large pattern over a large text", () => {
  const pattern = "(a|b)*a(a|b){500}[cd]";
  assert.equal(outcome({ pattern }, "ab".repeat(4_000_000)), "costly");
  assert.equal(
    outcome({ patternProperties: { [pattern]: false } }, { ["a".repeat(1e6)]: 1 }),
    "costly",
  );
});

test("admitSchema() refuses patterns whose programs are large, alone or together", () => {
  assert.match(refusal({ pattern: "(a{1000}){1000}" }), /repeats/);
  assert.match(refusal({ pattern: "((a{30}){30})" }), /admitted|instructions/);
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`x{1,${n + 900}}`, true]));
  assert.match(refusal({ patternProperties: many }), /instructions/);
  assert.match(refusal({ pattern: "a".repeat(1_025) }), /1025 characters long, at most 1024/);
});

test("admitSchema() refuses lookaround and backreferences, which no linear engine has", () => {
  for (const pattern of ["(?=a)b", "(?!a)b", "(?<=a)b", "(?<!a)b", "(a)\\1", "(?<n>a)\\k<n>"])
    assert.match(refusal({ pattern }), /linear time/, pattern);
});

test("validate() gives up on anyOf branches that multiply at every level", () => {
  const wide = nested(15, { required: ["z"] }, (inner) => ({
    anyOf: [
      { properties: { a: inner }, required: ["y"] },
      { properties: { a: inner }, required: ["z"] },
    ],
  }));
  // Written out this is too large; by reference it is small and as deep as is admitted.
  assert.match(refusal(wide), /at most 65536|above 500/);
  const levels = Object.fromEntries(
    Array.from({ length: 30 }, (_, level) => {
      const inner = level === 29 ? { type: "null" } : { $ref: `#/$defs/l${level + 1}` };
      return [`l${level}`, { anyOf: [inner, inner, inner, inner] }];
    }),
  );
  assert.equal(outcome({ $ref: "#/$defs/l0", $defs: levels }, 1), "costly");
});

test("admitSchema() refuses schemas that lead back to themselves", () => {
  const loops = [
    { $ref: "#" },
    { properties: { a: { $ref: "#" } } },
    { $defs: { a: { $ref: "#/$defs/b" }, b: { items: { $ref: "#/$defs/a" } } }, $ref: "#/$defs/a" },
    { $defs: { unused: { anyOf: [{ $ref: "#/$defs/unused" }] } } },
  ];
  for (const loop of loops) assert.match(refusal(loop), /leads back to itself/);
});

test("admitSchema() refuses chains of references that would fill the stack", () => {
  const links = Array.from({ length: 200 }, (_, n) => [`d${n}`, { $ref: `#/$defs/d${n + 1}` }]);
  const $defs = { ...Object.fromEntries(links), d200: true };
  assert.match(refusal({ $ref: "#/$defs/d0", $defs }), /leads through more than 64 schemas/);
});

test("admitSchema() refuses what is too deep, too large or has too many keywords", () => {
  assert.match(refusal(nested(17, {}, (items) => ({ items }))), /nested deeper than 16 schemas/);
  assert.equal(refusal(nested(16, {}, (items) => ({ items }))), "admitted");
  assert.match(refusal(nested(100_000, {}, (items) => ({ items }))), /nested deeper than 64/);
  assert.match(
    refusal({ const: nested(100_000, [], (inner) => [inner]) }),
    /nested deeper than 64/,
  );
  assert.match(refusal({ description: "é".repeat(40_000) }), /80018 bytes, at most 65536/);
  const properties = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`p${n}`, true]));
  assert.match(refusal({ properties }), /above 500/);
});

test("validate() compares 100,000 objects for uniqueItems without comparing each with each", () => {
  const objects = Array.from({ length: 100_000 }, (_, n) => ({ n }));
  assert.notEqual(outcome({ uniqueItems: true }, objects), "mismatch");
  const plain = compileSchema({ uniqueItems: true });
  assert.equal(plain.validate(objects, { steps: 1e8 }), undefined);
  assert.equal(plain.validate([...objects, { n: 7 }], { steps: 1e8 })?.path, "$[100000]");
});

test("validate() takes a huge enum and a deep const in its stride", () => {
  const words = Array.from({ length: 6_000 }, (_, n) => `word${n}`);
  assert.equal(outcome({ enum: words }, "word5999"), "fits");
  assert.equal(outcome({ enum: words }, "other"), "mismatch");
  const lists = Array.from({ length: 4_000 }, (_, n) => [[[n]]]);
  assert.equal(outcome({ items: { enum: lists } }, lists.toReversed()), "costly");
  const deep = nested(60, [], (inner) => [inner]);
  assert.equal(
    outcome(
      { const: deep },
      nested(60, [], (inner) => [inner]),
    ),
    "fits",
  );
  assert.equal(
    outcome(
      { const: deep },
      nested(10_000, [], (inner) => [inner]),
    ),
    "mismatch",
  );
});

test("validate() meets values 10,000 deep without overflowing the stack", () => {
  const arrays = nested(10_000, [], (inner) => [inner]);
  const objects = nested(10_000, {}, (a) => ({ a }));
  for (const value of [arrays, objects, [objects, arrays]]) {
    assert.equal(outcome({ items: { items: { type: ["array", "object"] } } }, value), "fits");
    assert.equal(outcome({ enum: [[[[1]]], { a: { a: 1 } }] }, value), "mismatch");
    assert.equal(outcome({ not: { const: value === objects ? {} : [] } }, value), "fits");
  }
  const failure = compileSchema({ uniqueItems: true }).validate([objects, 1], { steps });
  assert.deepEqual([failure?.path, failure?.expected], ["$[0]", "at most 128 deep"]);
});

test("validate() looks up own keys only", () => {
  const own = JSON.parse('{"__proto__": {"admin": true}}');
  assert.equal(outcome({ required: ["constructor"] }, {}), "mismatch");
  assert.equal(outcome({ required: ["toString", "__proto__"] }, {}), "mismatch");
  assert.equal(outcome({ properties: { constructor: false, valueOf: false } }, {}), "fits");
  assert.equal(
    outcome({ properties: { hasOwnProperty: { type: "integer" } } }, { hasOwnProperty: 1 }),
    "fits",
  );
  assert.equal(
    outcome({ properties: { admin: true }, additionalProperties: false }, own),
    "mismatch",
  );
  assert.equal(outcome({ dependentRequired: { toString: ["x"] } }, {}), "fits");
  assert.equal(outcome({ const: {} }, own), "mismatch");
  assert.match(refusal(JSON.parse('{"properties": {"__proto__": {}}}')), /__proto__/);
});

test("validate() answers multipleOf exactly and soon at the ends of the numbers", () => {
  for (const divisor of [5e-324, 1e-300, 1e-8, 123_456_789])
    assert.equal(
      outcome({ items: { multipleOf: divisor } }, Array(5_000).fill(1e308)) === "costly",
      false,
    );
  assert.equal(outcome({ items: { multipleOf: 5e-324 } }, Array(1_000_000).fill(1.5)), "costly");
});

test("validate() charges long lists of names, and each key of a value", () => {
  const names = Array.from({ length: 5_000 }, (_, n) => `n${n}`);
  const empty = Array(10_000).fill({});
  assert.equal(outcome({ items: { not: { required: names } } }, empty), "costly");
  const wide = Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`k${n}`, n]));
  const many = {
    propertyNames: true,
    allOf: Array(200).fill({ additionalProperties: { minimum: 0 } }),
  };
  assert.equal(outcome(many, wide), "costly");
});

test("validate() never takes running out of steps for a mismatch", () => {
  const slow = { pattern: "^(a|b)*$" };
  const text = "ab".repeat(100);
  for (const schema of [
    { not: slow },
    { anyOf: [slow, true] },
    { oneOf: [slow, false] },
    { if: slow },
  ])
    assert.equal(compileSchema(schema).validate(text, { steps: 20 })?.kind, "costly");
  const contains = compileSchema({ contains: slow, minContains: 0 });
  assert.equal(contains.validate([text], { steps: 20 })?.kind, "costly");
});

test("validate() leaves in the budget what it did not use", () => {
  const budget = { steps: 100 };
  compileSchema({ items: { type: "integer" } }).validate([1, 2, 3], budget);
  assert.equal(budget.steps, 96);
});

test("admitSchema() answers any JSON under any keyword with a refusal or nothing", () => {
  const keyword = fc.constantFrom(...keywords.keys(), "unknown", "x-own");
  const schema = fc.dictionary(keyword, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
  fc.assert(
    fc.property(schema, fc.jsonValue({ maxDepth: 3 }), (each, value) => {
      if (refusal(each) === "admitted") outcome(each, value);
    }),
    { numRuns: 2_000 },
  );
});
