import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { compileSchema } from "#runtime/sandbox/schema/compile.ts";

/** Few keys, texts and numbers, so that schemas and values meet often; ajv itself trips over `toString`. */
const key = fc.constantFrom("a", "b", "ab", "é");
const text = fc.constantFrom("", "a", "b", "ab", "abc", "1", "é", "😀", "😀a", "a\nb");
const number = fc.constantFrom(-2, -1, 0, -0, 0.5, 1, 1.5, 2, 3, 4, 1e9);
const count = fc.integer({ min: 0, max: 3 });
const leaf = fc.oneof(text, number, fc.boolean(), fc.constant(null));

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

const type = fc.constantFrom("null", "boolean", "integer", "number", "string", "array", "object");
const pattern = fc.constantFrom("a", "^a", "b$", "^.$", "^[^a]*$", "\\s", "^\\S+$", "\\u{1F600}");
const names = fc.uniqueArray(key, { maxLength: 3 });
const optional = { requiredKeys: [] };

const { schema } = fc.letrec<{ schema: unknown; keywords: object; list: unknown[] }>((tie) => ({
  list: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }),
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { arbitrary: fc.boolean(), weight: 1 },
    { arbitrary: fc.constantFrom({ $ref: "#/$defs/one" }, { $ref: "#/$defs/two" }), weight: 1 },
    { arbitrary: tie("keywords"), weight: 12 },
  ),
  keywords: fc
    .tuple(
      fc.record(
        { type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })) },
        optional,
      ),
      fc.oneof(
        fc.record({ const: value }, optional),
        fc.record({ enum: fc.array(value, { minLength: 1, maxLength: 3 }) }, optional),
        fc.record(
          {
            minimum: number,
            maximum: number,
            exclusiveMinimum: number,
            exclusiveMaximum: number,
            multipleOf: fc.constantFrom(0.5, 1, 2, 3),
          },
          optional,
        ),
        fc.record({ minLength: count, maxLength: count, pattern }, optional),
        fc.record(
          {
            minItems: count,
            maxItems: count,
            uniqueItems: fc.boolean(),
            prefixItems: tie("list"),
            items: tie("schema"),
          },
          optional,
        ),
        fc.record(
          { contains: tie("schema"), minContains: count, maxContains: count },
          {
            requiredKeys: ["contains"],
          },
        ),
        fc.record(
          {
            minProperties: count,
            maxProperties: count,
            required: names,
            properties: fc.dictionary(key, tie("schema"), { maxKeys: 3, noNullPrototype: true }),
            patternProperties: fc.dictionary(pattern, tie("schema"), {
              maxKeys: 2,
              noNullPrototype: true,
            }),
            additionalProperties: tie("schema"),
            propertyNames: tie("schema"),
            dependentRequired: fc.dictionary(key, names, { maxKeys: 2, noNullPrototype: true }),
            dependentSchemas: fc.dictionary(key, tie("schema"), {
              maxKeys: 2,
              noNullPrototype: true,
            }),
          },
          optional,
        ),
        fc.record(
          {
            allOf: tie("list"),
            anyOf: tie("list"),
            oneOf: tie("list"),
            not: tie("schema"),
            if: tie("schema"),
            // biome-ignore lint/suspicious/noThenProperty: it is the keyword
            then: tie("schema"),
            else: tie("schema"),
          },
          optional,
        ),
      ),
    )
    .map((parts) => Object.assign({}, ...parts)),
}));

const root = fc.tuple(schema, value, value).map(([own, one, two]) => ({
  ...(typeof own === "boolean" ? { allOf: [own] } : (own as object)),
  $defs: { one: { const: one }, two: { not: { const: two } } },
}));

/** What ajv says, or undefined where the code that it generated is broken, as for `not: true`. */
function verdictOf(theirs: (instance: unknown) => boolean, instance: unknown): boolean | undefined {
  try {
    return theirs(instance);
  } catch (error) {
    assert.ok(error instanceof ReferenceError, String(error));
    return undefined;
  }
}

test("validate() says what ajv says of any schema of the subset and any value", () => {
  const ajv = new Ajv2020({ strict: false, ownProperties: true });
  const seen = { fits: 0, fails: 0, broken: 0 };
  fc.assert(
    fc.property(root, fc.array(value, { minLength: 4, maxLength: 4 }), (document, values) => {
      const theirs = ajv.compile(document);
      // It keeps all that it ever compiled.
      ajv.removeSchema(document);
      const ours = compileSchema(document);
      for (const instance of values) {
        const failure = ours.validate(instance, { steps: 1e6 });
        const verdict = verdictOf(theirs as (instance: unknown) => boolean, instance);
        if (verdict !== undefined)
          assert.equal(failure === undefined, verdict, failure?.expected ?? "fits");
        seen[verdict === undefined ? "broken" : verdict ? "fits" : "fails"]++;
      }
    }),
    { numRuns: 1_500 },
  );
  // A generator that only makes schemas which accept or refuse everything would prove nothing.
  assert.ok(seen.fits > 500 && seen.fails > 500 && seen.broken < 100, JSON.stringify(seen));
});
