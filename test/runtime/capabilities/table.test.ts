import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifest } from "#manifests/manifest.ts";
import type { Uses } from "#manifests/uses.ts";
import { createKv, type KvStore } from "#runtime/capabilities/kv.ts";
import { createTable } from "#runtime/capabilities/table.ts";
import { createTools } from "#runtime/capabilities/tools.ts";
import { ask, askerWith, portsWith } from "#test/support/asker.ts";
import { openTestNetwork } from "#test/support/network.ts";
import { refusalOf } from "#test/support/refusal.ts";

function open() {
  const acts: string[] = [];
  const capabilities = [
    createKv({} as KvStore),
    createTools(async () => Buffer.from("1")),
    openTestNetwork().capability,
  ];
  const table = createTable(
    capabilities,
    portsWith(({ capability, act, target, allowed }) => {
      acts.push(`${capability} ${act} ${target} ${allowed}`);
    }),
  );
  return { table, acts };
}

function usesOf(uses: object): Uses {
  const text = {
    manifest: 1,
    id: "it",
    version: "1.0.0",
    provides: { tools: [{ name: "a" }] },
    uses,
  };
  return parseManifest(Buffer.from(JSON.stringify(text))).uses;
}

const sending = ["network_fetch", "network_open", "network_read", "network_close"];

test("imports are what the functions of all capabilities are called", () => {
  assert.deepEqual(open().table.imports, {
    "extism:host/user": ["kv_get", "kv_set", "kv_delete", "kv_list", "tools_call", ...sending],
    "extism:host/env": ["http_request"],
  });
});

test("functionOf() finds a function by its whole name, and no other", () => {
  const { table } = open();
  assert.ok(table.functionOf("extism:host/user.kv_get"));
  for (const name of ["kv_get", "extism:host/env.kv_get", "extism:host/user.kv_", "__proto__", ""])
    assert.equal(table.functionOf(name), undefined);
});

test("reads() of a name that nobody knows is false", () => {
  assert.equal(open().table.reads("extism:host/user.kv_burn"), false);
});

test("asks() says each ask in our words, with the author's reason beside them", () => {
  const { table } = open();
  const uses = usesOf({
    kv: { quota: "1MiB", reason: "remember" },
    tools: [{ alias: "count", plugin: "vowels", tools: ["count_vowels"], reason: "count" }],
  });
  assert.deepEqual(table.asks(uses), [
    {
      capability: "kv",
      entry: "kv",
      verb: "keep",
      words: "values of its own, up to 1 MiB",
      warnings: [],
      reason: "remember",
    },
    {
      capability: "tools",
      entry: "tools.count",
      verb: "call",
      words: "count_vowels of the plugin vowels",
      warnings: [],
      reason: "count",
    },
  ]);
  assert.deepEqual(table.asks(usesOf({})), []);
});

for (const [capability, ask] of [
  [
    "secrets",
    {
      secrets: [
        {
          name: "KEY",
          inject: { header: "x-key", template: "{}" },
          hosts: ["a.example"],
          reason: "ask",
        },
      ],
    },
  ],
  ["network over wss", { network: [{ host: "a.example", scheme: "wss", reason: "ask" }] }],
  ["network over ws", { network: [{ host: "a.example", scheme: "ws", reason: "ask" }] }],
] as const)
  test(`asks() refuses ${capability}, which this host cannot hold anybody to`, () => {
    const { code, message } = refusalOf(() => open().table.asks(usesOf(ask)));
    assert.equal(code, "CAPABILITY_UNKNOWN");
    assert.match(message, new RegExp(capability));
  });

test("a request that nothing covers is denied, and its record holds no query", async () => {
  const { table, acts } = open();
  const guarded = table.functionOf("extism:host/env.http_request");
  assert.ok(guarded);
  const url = "https://api.example/a?token=abc#b";
  assert.equal((await ask(guarded, askerWith(), { url })).code, "CAPABILITY_DENIED");
  assert.deepEqual(acts, ["network http_request GET https://api.example:443/a false"]);
});
