import assert from "node:assert/strict";
import { test } from "node:test";
import { isSecretProperty } from "#runtime/secret-schema.ts";

const secret = { type: "string", writeOnly: true };
const plain = { type: "string" };

/** A schema, names of secrets in it, and names of what is none. */
const cases: readonly (readonly [schema: object, yes: string[], no: string[]])[] = [
  [{ properties: { a: secret, b: plain } }, ["a"], ["b", "c"]],
  [
    { properties: { a: { properties: { deep: secret } }, b: { items: secret } } },
    ["a", "b"],
    ["c"],
  ],
  [{ properties: { a: { $ref: "#/$defs/s" } }, $defs: { s: secret, "x/y": secret } }, ["a"], ["s"]],
  [{ properties: { a: { $ref: "#/$defs/x~1y" } }, $defs: { "x/y": secret } }, ["a"], ["b"]],
  [{ $ref: "#/$defs/all", $defs: { all: { properties: { a: secret } } } }, ["a"], ["b"]],
  [{ allOf: [{ properties: { a: secret } }], properties: { a: plain, b: plain } }, ["a"], ["b"]],
  [{ anyOf: [{ oneOf: [{ properties: { a: secret } }] }] }, ["a"], ["b"]],
  [
    {
      else: { properties: { b: secret } },
      ...JSON.parse('{"if": {}, "then": {"properties": {"a": {"writeOnly": true}}}}'),
    },
    ["a", "b"],
    ["c"],
  ],
  [{ dependentSchemas: { b: { properties: { a: secret } } } }, ["a"], ["b"]],
  [{ properties: { a: plain }, additionalProperties: secret }, ["b", "anything"], ["a"]],
  [{ properties: { a: plain }, patternProperties: { "^x": secret } }, ["xy", "a"], []],
  [{ properties: { a: { ...plain, writeOnly: false } } }, [], ["a"]],
  [
    { properties: JSON.parse('{"__proto__": {"writeOnly": true}}') },
    ["__proto__"],
    ["constructor"],
  ],
  [{ properties: true, allOf: 7, $ref: "elsewhere" }, [], ["a"]],
  [{ properties: { a: { $ref: "#/properties/a" } } }, ["a"], ["b"]],
];

for (const [schema, yes, no] of cases)
  test(`isSecretProperty() reads ${JSON.stringify(schema).slice(0, 80)}`, () => {
    for (const name of yes) assert.equal(isSecretProperty({ ...schema }, name), true, name);
    for (const name of no) assert.equal(isSecretProperty({ ...schema }, name), false, name);
  });

test("isSecretProperty() finds none without a schema", () => {
  assert.equal(isSecretProperty(null, "a"), false);
});
