/** The attacker is a runner: what it says of a failed call becomes an error of the host. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failureOf } from "#runtime/failure.ts";
import type { Active } from "#runtime/installed.ts";
import { version } from "#test/support/installed.ts";

const plugin = { version: version("acme/weather") } as Active;
const failure = (told: unknown) =>
  failureOf(plugin, 99.7, Buffer.from(typeof told === "string" ? told : JSON.stringify(told)));

test("failureOf() words what a runner tells, with the host's own plugin and limit", () => {
  const told = failure({ code: "PLUGIN_ERROR", facts: { message: "no such city" } });
  assert.equal(told.code, "PLUGIN_ERROR");
  assert.match(told.message, /acme\/weather.*no such city/);
  assert.match(failure({ code: "DEADLINE_EXCEEDED", facts: {} }).message, /100 ms/);
  const forged = { plugin: "local/other", limitMs: 1, verb: "rule", message: "m" };
  assert.deepEqual(
    failure({ code: "PLUGIN_ERROR", facts: forged }).facts,
    failure({ code: "PLUGIN_ERROR", facts: { message: "m" } }).facts,
  );
});

for (const code of [
  "KEY_UNKNOWN",
  "SCOPE_MISSING",
  "INTERNAL",
  "toString",
  "__proto__",
  "",
  7,
  null,
])
  test(`failureOf() takes the code ${JSON.stringify(code)} for a fault of the host`, () => {
    assert.equal(failure({ code, facts: {} }).code, "INTERNAL");
  });

for (const told of ["", "{", "null", "[]", "7", '"PLUGIN_ERROR"', '{"code":{"toString":1}}'])
  test(`failureOf() takes ${told || "nothing"} for a fault of the host`, () => {
    assert.equal(failure(told).code, "INTERNAL");
  });

for (const facts of [
  undefined,
  null,
  7,
  [],
  { message: { toString: 1 } },
  { message: null },
  { message: ["a"] },
])
  test(`failureOf() leaves no hole in a sentence for the facts ${JSON.stringify(facts)}`, () => {
    const { code, message } = failure({ code: "PLUGIN_ERROR", facts });
    assert.equal(code, "PLUGIN_ERROR");
    assert.doesNotMatch(message, /undefined|null|object|\{/);
  });

test("failureOf() bounds a guest's words, and what it reads of a runner", () => {
  const long = failure({ code: "PLUGIN_ERROR", facts: { message: "x".repeat(50_000) } });
  assert.ok(long.message.length < 5_000);
  const endless = { code: "PLUGIN_ERROR", facts: { message: "x".repeat(10 * 2 ** 20) } };
  assert.equal(failure(endless).code, "INTERNAL");
});
