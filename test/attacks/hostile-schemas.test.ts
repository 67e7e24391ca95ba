/**
 * Who attacks: the author of a plugin, with the JSON Schemas of its tools and its configuration, and a
 * caller who picks the value that suits them worst.
 *
 * What must not happen: that a schema makes the host or a runner compute for long, recurse, fetch
 * anything or run code; that one which is admitted holds up others when it is used.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { echo, neighbor } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost, runnerPids } from "#test/support/host.ts";
import { wat } from "#test/support/wat.ts";

const host = await openTestHost({ settings: { "runners.share": "true" } });
after(() => host[Symbol.asyncDispose]());
await installGuest(host, { id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await invoke(host, "neighbor", "answer")).value, "ok");
await answers();
const before = runnerPids();
const module = await wat(echo);

const install = (id: string, input: unknown, config?: unknown) =>
  installGuest(host, {
    id,
    module,
    manifest: {
      provides: { tools: [{ name: "echo", description: "Gives back", input }] },
      limits: { timeout: "3s" },
      ...(config !== undefined && { config }),
    },
  });

const nested = (depth: number): unknown =>
  depth === 0 ? { type: "null" } : { anyOf: [nested(depth - 1), nested(depth - 1)] };
const inside = (depth: number): unknown =>
  depth === 0 ? { type: "null" } : { properties: { a: inside(depth - 1) } };

const refused: Readonly<Record<string, unknown>> = {
  "a reference to another document": { $ref: "https://example.com/schema.json" },
  "a reference to a file": { $ref: "file:///etc/passwd" },
  "a reference to itself": { $ref: "#" },
  "references in a circle": {
    $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } },
    $ref: "#/$defs/a",
  },
  "a dynamic reference": { $dynamicRef: "#here", $dynamicAnchor: "here" },
  "references that double sixteen times": {
    $defs: Object.fromEntries(
      Array.from({ length: 16 }, (_, n) => [
        `d${n}`,
        { allOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
      ]),
    ),
    $ref: "#/$defs/d0",
  },
  "schemas seventeen deep": inside(17),
  "a thousand keywords": { allOf: Array(1_000).fill({ type: "object" }) },
  "a pattern that looks back": { pattern: "(a*)\\1" },
  "a pattern that looks ahead": { pattern: "(?=a)b" },
  "a pattern repeated beyond reason": { pattern: "((((a{1,100}){1,100}){1,100}){1,100})" },
  "a pattern without end": { pattern: "a".repeat(2_000) },
  "a format of its own": { format: "javascript" },
  "an unknown keyword with code": { $function: "process.exit(1)" },
  "sixty-five kibibytes": { description: "d".repeat(70_000) },
};

for (const [index, [what, schema]] of Object.entries(refused).entries())
  test(`a schema with ${what} is refused at install, of a tool as of the configuration`, async () => {
    const isTool = index % 2 === 0;
    const installing = isTool ? install("refused", schema) : install("refused", {}, schema);
    assert.match(await codeOf(installing), /^(?:SCHEMA_REFUSED|MANIFEST_INVALID)$/);
  });

test("what was refused left nothing behind, and others answer", async () => {
  assert.equal(await codeOf(invoke(host, "refused", "echo")), "PLUGIN_NOT_FOUND");
  await answers();
});

test("a pattern that is exponential elsewhere takes its megabytes in its stride", async () => {
  await install("pattern", { type: "string", pattern: "^(?:(?:a+)+)+$" });
  const matching = "a".repeat(1_000_000);
  assert.equal((await invoke(host, "pattern", "echo", matching)).value, matching);
  const failing = codeOf(invoke(host, "pattern", "echo", `${matching}b`));
  await answers();
  assert.match(await failing, /^(?:INPUT_INVALID|SCHEMA_TOO_COSTLY)$/);
  await answers();
});

test("a schema that doubles at every level ends at its steps, and nothing else ends", async () => {
  await install("doubling", { type: "array", items: nested(7) });
  const calls = Array.from({ length: 10 }, () =>
    codeOf(invoke(host, "doubling", "echo", Array(20_000).fill(1))),
  );
  for (let round = 0; round < 5; round++) await answers();
  for (const code of await Promise.all(calls))
    assert.match(code, /^(?:INPUT_INVALID|SCHEMA_TOO_COSTLY)$/);
  await answers();
  assert.deepEqual(runnerPids(), before);
});

test("comparing everything with everything ends at its steps", async () => {
  const outcome = await codeOf(
    install("unique", { type: "array", uniqueItems: true, maxItems: 1_000 }),
  );
  assert.match(outcome, /^(?:ok|SCHEMA_REFUSED)$/);
  if (outcome === "SCHEMA_REFUSED") return;
  const items = Array.from({ length: 1_000 }, (_, n) => ({ a: [[[n]]], b: "x".repeat(100) }));
  assert.match(await codeOf(invoke(host, "unique", "echo", items)), /^(?:ok|SCHEMA_TOO_COSTLY)$/);
  await answers();
});

test("a configuration is checked apart from the host, whatever schema and value are", async () => {
  const schema = { type: "object", properties: { list: { type: "array", items: nested(7) } } };
  await install("config", {}, schema);
  const set = (value: unknown) => codeOf(host.host.plugins.setConfig("local/config", value, owner));
  assert.equal(await set({ list: Array(50_000).fill(1) }), "CONFIG_INVALID");
  assert.equal(await set({ list: [null] }), "ok");
  assert.match(await set(JSON.parse(`{"list":${"[".repeat(50)}${"]".repeat(50)}}`)), /^CONFIG_/);
  assert.deepEqual(host.host.plugins.config("local/config"), { list: [null] });
  await answers();
});
