import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseGrants } from "#manifests/grants.ts";
import { type Effect, sharedFolder, smallestGrants } from "#runtime/learn/smallest.ts";

const had = parseGrants({
  grants: 1,
  network: [
    { scheme: "https", host: "*.a.example", port: 443, methods: ["GET", "POST"], path: "/" },
    { scheme: "https", host: "b.example", port: 8443, methods: ["GET"], path: "/v1/" },
  ],
  secrets: [
    { name: "KEY", secret: "mine", mode: "inject" },
    { name: "OTHER", secret: "other", mode: "inject" },
  ],
  files: [
    { name: "cache", folder: null, access: "write", quota: "64MiB" },
    { name: "notes", folder: null, access: "write", quota: "64MiB" },
  ],
  kv: { quota: "16MiB" },
  tools: [{ alias: "two", plugin: "local/b", signer: "unsigned", tools: ["first", "second"] }],
});

function smallest(effects: readonly Effect[]) {
  return smallestGrants(had, effects, (act) => /read|list|get/.test(act));
}

const sent = (target: string): Effect => ({ capability: "network", act: "network_fetch", target });

test("smallestGrants() grants nothing to a plugin that did nothing", () => {
  const { network, secrets, files, kv, tools } = smallest([]);
  assert.deepEqual([network, secrets, files, kv, tools], [[], [], [], null, []]);
});

test("smallestGrants() names the hosts, methods and folders of URLs that were used", () => {
  const { network } = smallest([
    sent("GET https://api.a.example/core/v1/x/one"),
    sent("GET https://api.a.example/core/v1/y/two"),
    sent("GET https://b.example:8443/v1/list"),
  ]);
  const seen = network.map(({ host, port, methods, path }) => [host, port, methods, path]);
  assert.deepEqual(seen, [
    ["api.a.example", 443, ["GET"], "/core/v1/"],
    ["b.example", 8443, ["GET"], "/v1/"],
  ]);
});

test("smallestGrants() never grants what was not granted", () => {
  assert.deepEqual(smallest([sent("GET https://evil.example/")]).network, []);
  assert.deepEqual(smallest([sent("GET http://api.a.example/")]).network, []);
  assert.deepEqual(smallest([sent("nonsense")]).network, []);
  const [only] = smallest([sent("GET https://b.example:8443/v1")]).network;
  assert.equal(only?.path, "/v1/");
});

test("smallestGrants() keeps a folder that was only read from being written", () => {
  const effects = [
    { capability: "files", act: "files_read", target: "notes:/a.md" },
    { capability: "files", act: "files_write", target: "cache:/x" },
    { capability: "files", act: "files_list", target: "cache:/" },
  ];
  const seen = smallest(effects).files.map(({ name, access, quotaBytes }) => [
    name,
    access,
    quotaBytes,
  ]);
  assert.deepEqual(seen, [
    ["cache", "write", 2 ** 26],
    ["notes", "read", 2 ** 26],
  ]);
});

test("smallestGrants() keeps the secrets, the store and the tools that were used", () => {
  const seen = smallest([
    { capability: "secrets", act: "inject", target: "KEY → api.a.example" },
    { capability: "kv", act: "kv_set", target: "own" },
    { capability: "tools", act: "tools_call", target: "two/second" },
  ]);
  assert.deepEqual(
    seen.secrets.map(({ name }) => name),
    ["KEY"],
  );
  assert.equal(seen.kv?.quotaBytes, 2 ** 24);
  assert.deepEqual(seen.tools[0]?.tools, ["second"]);
});

test("sharedFolder() holds every path, and no longer folder does", () => {
  const part = fc.constantFrom("a", "b", "core", "v1");
  const path = fc.array(part, { maxLength: 5 }).map((parts) => `/${parts.join("/")}`);
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: 5 }), (paths) => {
      const folder = sharedFolder(paths);
      assert(paths.every((each) => each.startsWith(folder)));
      const longer = paths.map((each) => each.slice(folder.length).split("/"));
      const isLonger = longer.every(([next], _, [first]) => next === first?.[0]);
      assert(!isLonger || longer.some((parts) => parts.length === 1));
    }),
  );
});
