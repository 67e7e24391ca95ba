/**
 * Who attacks: the author of a manifest, with its schemas for input, output and configuration, and
 * callers who send values made for them.
 *
 * What must not happen: that a schema or a value hangs the host or a runner, that one which cannot be
 * bounded is admitted, or that a value breaks whoever checks it.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { echo } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";

const host = await openTestHost();
after(() => host[Symbol.asyncDispose]());

function install(id: string, schemas: { input?: unknown; output?: unknown; config?: unknown }) {
  const { config, ...own } = schemas;
  const tools = [{ name: "echo", ...own }];
  const manifest = { provides: { tools }, ...(config !== undefined && { config }) };
  return installGuest(host, { id, module: echo, manifest });
}

const wide = (depth: number): unknown =>
  depth === 0
    ? { type: "number" }
    : { anyOf: [1, 2, 3].map(() => ({ properties: { a: wide(depth - 1) }, required: ["z"] })) };

const refused: readonly (readonly [what: string, schema: unknown])[] = [
  ["a reference to another document", { $ref: "https://example.com/schema.json" }],
  ["a reference to a file", { $ref: "file:///etc/passwd" }],
  ["a reference to itself", { $defs: { a: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" }],
  ["a dynamic reference", { $dynamicRef: "#a" }],
  ["a pattern that looks back", { type: "string", pattern: "(a)\\1" }],
  ["a pattern that is none", { type: "string", pattern: "(" }],
  ["more depth than any form has", Array.from({ length: 40 }).reduce((s) => ({ not: s }), {})],
  [
    "more keywords than any form has",
    { anyOf: Array.from({ length: 600 }, () => ({ type: "null" })) },
  ],
  ["a keyword that nobody knows", { type: "string", launch: true }],
];

for (const [what, schema] of refused) {
  for (const place of ["input", "output", "config"]) {
    test(`a schema for ${place} with ${what} is refused at install`, async () => {
      assert.equal(await codeOf(install("refused", { [place]: schema })), "SCHEMA_REFUSED");
    });
  }
}

test("a pattern that takes others minutes is answered at once", async () => {
  await install("pattern", { input: { type: "string", pattern: "^(a|a)*$" } });
  const value = `${"a".repeat(50_000)}!`;
  assert.equal(await codeOf(invoke(host, "pattern", "echo", value)), "INPUT_INVALID");
});

test("a schema that branches is ended by its steps, and the runner answers on", async () => {
  await install("wide", { input: wide(4) });
  let value: unknown = 1;
  for (let depth = 0; depth < 5; depth++) value = { a: value };
  assert.match(
    await codeOf(invoke(host, "wide", "echo", value)),
    /INPUT_INVALID|SCHEMA_TOO_COSTLY/,
  );
  await install("plain", {});
  assert.deepEqual((await invoke(host, "plain", "echo", [1])).value, [1]);
});

test("a hundred thousand values that must differ are compared in time, or not at all", async () => {
  await install("unique", { input: { type: "array", uniqueItems: true, maxItems: 1_000 } });
  const many = Array.from({ length: 100_000 }, (_, index) => ({ index }));
  assert.equal(await codeOf(invoke(host, "unique", "echo", many)), "INPUT_INVALID");
  const some = many.slice(0, 1_000);
  assert.equal(await codeOf(invoke(host, "unique", "echo", some)), "ok");
});

test("a value nested a hundred thousand deep breaks nobody", async () => {
  await install("deep", { input: { type: "array", items: {} } });
  const json = "[".repeat(100_000) + "]".repeat(100_000);
  const call = host.host.call({
    caller: owner,
    plugin: "local/deep",
    tool: "echo",
    input: { json },
  });
  const code = await codeOf(call);
  assert.match(code, /ok|INPUT_INVALID|SCHEMA_TOO_COSTLY/);
  assert.deepEqual((await invoke(host, "deep", "echo", [1])).value, [1]);
});

test("keys that every object has are looked up as the value's own", async () => {
  const input = { type: "object", required: ["toString", "constructor"] };
  await install("inherited", { input });
  assert.equal(await codeOf(invoke(host, "inherited", "echo", {})), "INPUT_INVALID");
  const own = { toString: 1, constructor: 2 };
  assert.deepEqual((await invoke(host, "inherited", "echo", own)).value, own);
});

test("an output that does not fit is the plugin's fault, and an input the caller's", async () => {
  await install("fits", { input: { type: "integer" }, output: { type: "string" } });
  assert.equal(await codeOf(invoke(host, "fits", "echo", 1)), "OUTPUT_INVALID");
  assert.equal(await codeOf(invoke(host, "fits", "echo", "1")), "INPUT_INVALID");
});

test("a configuration is checked apart from the host, and refused with its place", async () => {
  const config = { type: "object", properties: { units: { enum: ["metric", "imperial"] } } };
  await install("config", { config });
  const set = (value: unknown) => codeOf(host.host.plugins.setConfig("local/config", value, owner));
  assert.equal(await set({ units: "parsec" }), "CONFIG_INVALID");
  assert.equal(await set([1]), "CONFIG_INVALID");
  assert.equal(await set({ units: "metric" }), "ok");
  assert.deepEqual(host.host.plugins.config("local/config"), { units: "metric" });
});
