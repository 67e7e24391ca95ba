import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { admitSchema } from "#runtime/sandbox/schema/admit.ts";
import { keywords } from "#runtime/sandbox/schema/keywords.ts";

/** Returns what is said against a schema, without the words that all refusals begin with. */
function refusal(schema: unknown, place?: string): string {
  try {
    admitSchema(schema, place);
    return "admitted";
  } catch (error) {
    assert.ok(error instanceof HostError && error.code === "SCHEMA_REFUSED", String(error));
    return error.message.replace("Cannot accept a schema: ", "");
  }
}

const dialect = "https://json-schema.org/draft/2020-12/schema";

test("admitSchema() refuses keywords that it does not know, and says what to write instead", () => {
  const refused: Record<string, unknown> = {
    $dynamicRef: "#a",
    $dynamicAnchor: "a",
    $anchor: "a",
    $id: "https://example.com/",
    $vocabulary: {},
    unevaluatedProperties: false,
    unevaluatedItems: false,
    additionalItems: false,
    dependencies: {},
    nullable: true,
    contentSchema: {},
    misspelt: 1,
    constructor: 1,
  };
  for (const [keyword, value] of Object.entries(refused))
    assert.match(
      refusal({ items: { [keyword]: value } }),
      /is no keyword that is admitted/,
      keyword,
    );
  assert.equal(
    refusal({ properties: { "a b": { unevaluatedProperties: false } } }, "provides.tools[0].input"),
    'provides.tools[0].input.properties["a b"].unevaluatedProperties is no keyword that is admitted; use additionalProperties',
  );
});

/** A wrong value for each keyword that has a form, and the word that tells the right one. */
const wrong: Record<string, readonly [unknown, RegExp]> = {
  $schema: ["http://json-schema.org/draft-07/schema#", /2020-12/],
  $ref: ["https://example.com/a", /local/],
  type: ["float", /one or several of null/],
  enum: [[], /at least one/],
  pattern: [1, /a text/],
  format: ["regex", /one of date-time/],
  writeOnly: ["true", /true or false/],
  uniqueItems: [1, /true or false/],
  multipleOf: [0, /above 0/],
  minimum: ["1", /a number/],
  maximum: ["1", /a number/],
  exclusiveMinimum: [true, /a number/],
  exclusiveMaximum: [null, /a number/],
  minLength: [-1, /whole number/],
  maxLength: [1.5, /whole number/],
  minItems: ["1", /whole number/],
  maxItems: [1e300, /whole number/],
  minContains: [-1, /whole number/],
  maxContains: [null, /whole number/],
  minProperties: [[], /whole number/],
  maxProperties: [{}, /whole number/],
  required: [["a", "a"], /different names/],
  dependentRequired: [{ a: "b" }, /lists of names/],
  additionalProperties: [1, /must be a schema/],
  propertyNames: ["a", /must be a schema/],
  items: [[true], /must be a schema/],
  contains: [null, /must be a schema/],
  not: [0, /must be a schema/],
  if: ["", /must be a schema/],
  // biome-ignore lint/suspicious/noThenProperty: it is the keyword
  then: [[], /must be a schema/],
  else: [1, /must be a schema/],
  prefixItems: [[], /at least one schema/],
  allOf: [{}, /list of at least one schema/],
  anyOf: [[1], /must be a schema/],
  oneOf: ["", /list of at least one schema/],
  properties: [[], /object of schemas/],
  dependentSchemas: [{ a: 1 }, /must be a schema/],
  $defs: [{ a: null }, /must be a schema/],
  definitions: ["a", /object of schemas/],
  patternProperties: [{ "(": true }, /no regular expression/],
};

test("admitSchema() refuses a wrong value under every keyword that means something", () => {
  for (const [keyword, form] of keywords) {
    if (form === "note" || keyword === "const") continue;
    const [value, words] = wrong[keyword] ?? [undefined, /never/];
    assert.match(refusal({ [keyword]: value }), words, keyword);
  }
});

test("admitSchema() admits what generators of schemas write", () => {
  assert.equal(
    refusal({
      $schema: dialect,
      type: "object",
      title: "Weather",
      properties: {
        city: { type: "string", minLength: 1, examples: ["Rome"], default: "Rome" },
        key: { type: "string", writeOnly: true },
        at: { anyOf: [{ $ref: "#/$defs/place" }, { type: "null" }] },
      },
      required: ["city"],
      additionalProperties: false,
      $defs: {
        place: {
          type: "array",
          prefixItems: [{ type: "number" }, { type: "number" }],
          items: false,
        },
      },
    }),
    "admitted",
  );
  for (const schema of [true, false, {}]) assert.equal(refusal(schema), "admitted");
});

test("admitSchema() refuses what is no schema, and references to what is none", () => {
  for (const schema of [null, 1, "a", [], undefined])
    assert.match(refusal(schema), /must be a schema: an object, true or false/);
  for (const $ref of [
    "#/$defs/none",
    "#/default",
    "#/properties",
    "#/properties/a%",
    "#/properties/%",
  ])
    assert.match(
      refusal({ properties: { a: { $ref } }, default: {} }),
      /must name a schema of this document/,
      $ref,
    );
});
