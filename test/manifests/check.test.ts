import assert from "node:assert/strict";
import { test } from "node:test";
import Type from "typebox";
import { createCheck, pathOf } from "#manifests/check.ts";
import { closed } from "#manifests/document.ts";
import { HostError } from "#manifests/errors.ts";
import { refusalOf } from "#test/support/refusal.ts";

const shape = closed({
  name: Type.String({ maxLength: 3 }),
  kind: Type.Optional(Type.Union([closed({ a: Type.Integer() }), closed({ b: Type.String() })])),
  when: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});
const check = createCheck(
  shape,
  ({ path, problem }) => new HostError("MANIFEST_INVALID", { file: "it", path, problem }),
);
const said = (value: unknown) =>
  refusalOf(() => check(value)).message.replace("Cannot accept it: ", "");

test("createCheck() returns the value itself, neither changed nor filled in", () => {
  const value = Object.freeze({ name: "a", kind: Object.freeze({ a: 1 }), when: null });
  assert.equal(check(value), value);
});

test("createCheck() says where a value is wrong, what it must be and what was found", () => {
  assert.equal(said({}), "name must be present, found nothing");
  assert.equal(said({ name: 1 }), "name must be a string, found 1");
  assert.equal(said({ name: "abcd" }), 'name must not have more than 3 characters, found "abcd"');
  assert.equal(said([]), "the document must be an object, found an array of 0");
  assert.equal(said({ name: "a", x: 1 }), "x is not a known key; known are name, kind, when");
  assert.match(said({ name: "a", "\u202e": 1 }), /^\["\\u\{202e\}"\] is not a known key/);
});

test("createCheck() of a union names the branch that fits further, else the union", () => {
  assert.equal(said({ name: "a", kind: { a: "1" } }), 'kind.a must be an integer, found "1"');
  assert.match(said({ name: "a", kind: { a: 1, b: "" } }), /^kind must match a schema in anyOf/);
  assert.match(said({ name: "a", when: 1 }), /^when must/);
});

test("pathOf() writes a place as people do, and quotes strange keys", () => {
  assert.equal(pathOf("/tools/0/name"), "tools[0].name");
  assert.equal(pathOf("/a~1b/c~0d/$x"), '["a/b"]["c~d"].$x');
  assert.equal(pathOf(""), "the document");
});
