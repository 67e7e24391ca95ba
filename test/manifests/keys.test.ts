import assert from "node:assert/strict";
import { test } from "node:test";
import { checkScopes, covers, coversAll, parseScope } from "#manifests/keys.ts";
import { refusalOf } from "#test/support/refusal.ts";

test("parseScope() takes the grammar and nothing else", () => {
  assert.deepEqual(parseScope("invoke"), { kind: "invoke", plugin: null, tool: null });
  assert.deepEqual(parseScope("invoke:acme/weather:forecast"), {
    kind: "invoke",
    plugin: "acme/weather",
    tool: "forecast",
  });
  assert.deepEqual(parseScope("read"), { kind: "read" });
  for (const text of [
    "",
    "write",
    "read:acme/weather",
    "Admin",
    "invoke:a:b:c",
    "invoke:a:b:",
    "*",
  ])
    assert.equal(refusalOf(() => parseScope(text)).code, "SCOPES_INVALID", text);
  for (const text of ["invoke:", "invoke:A", "invoke:a:", "invoke:a:b c", "invoke:*"])
    assert.equal(refusalOf(() => parseScope(text)).code, "NAME_INVALID", text);
});

test("checkScopes() never lets one key both call plugins and widen what they may do", () => {
  for (const wide of ["install", "grants", "secrets", "keys"])
    assert.match(refusalOf(() => checkScopes(["invoke:a:b", wide])).message, /never in one key/);
  assert.match(refusalOf(() => checkScopes(["admin", "read"])).message, /stands alone/);
  for (const scopes of [[], Array(33).fill("read")])
    assert.match(refusalOf(() => checkScopes(scopes)).message, /1 to 32 scopes/);
  assert.deepEqual(checkScopes(["read", "invoke", "read"]), ["read", "invoke"]);
  assert.deepEqual(checkScopes(["install", "grants"]), ["install", "grants"]);
});

test("covers() covers what is narrower, and never a longer name", () => {
  const yes = [
    ["invoke", "invoke:acme/weather:forecast"],
    ["invoke:acme/weather", "invoke:acme/weather:forecast"],
    ["invoke:acme/weather:forecast", "invoke:acme/weather:forecast"],
    ["admin", "keys"],
    ["read", "read"],
  ] as const;
  const no = [
    ["invoke:acme/we", "invoke:acme/weather:forecast"],
    ["invoke:acme/weather:fore", "invoke:acme/weather:forecast"],
    ["invoke:acme/weather", "invoke"],
    ["invoke:acme/weather:forecast", "invoke:acme/weather"],
    ["read", "admin"],
    ["logs", "read"],
    ["re", "read"],
  ] as const;
  for (const [scope, action] of yes) assert.ok(covers([scope], action), `${scope} ${action}`);
  for (const [scope, action] of no) assert.ok(!covers([scope], action), `${scope} ${action}`);
  assert.ok(!covers([], "read"));
  assert.ok(covers(["logs", "read"], "read"));
});

test("coversAll() lets no key make a key above itself", () => {
  assert.ok(coversAll(["admin"], ["invoke", "read"]));
  assert.ok(coversAll(["keys", "read"], ["read"]));
  assert.ok(!coversAll(["keys", "read"], ["read", "admin"]));
  assert.ok(!coversAll(["invoke:a"], ["invoke"]));
});
