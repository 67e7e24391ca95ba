/** Learning what a plugin needs, as an operator does it: against a host of its own, with real effects. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseGrants } from "#manifests/grants.ts";
import { type Learned, learn } from "#runtime/learn/learn.ts";
import { codeOf, openTestHost, type TestHost } from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { writeFolder } from "#test/support/written.ts";

const functions = ["kv_set", "files_write", "files_read", "secrets_get", "network_fetch"];
const uses = {
  network: [
    { host: "nowhere.invalid", path: "/a/", methods: ["GET", "POST"], reason: "test" },
    { host: "127.0.0.1", scheme: "http", reason: "test" },
  ],
  secrets: [
    { name: "SEEN", reveal: true, reason: "test" },
    { name: "UNSEEN", inject: { header: "x-key" }, hosts: ["nowhere.invalid"], reason: "test" },
  ],
  files: [
    { name: "kept", access: "write", reason: "test" },
    { name: "spare", access: "read", reason: "test" },
  ],
  kv: { quota: "1MiB", reason: "test" },
};

async function pluginIn(to: TestHost, samples: Record<string, object> = {}): Promise<string> {
  const manifest = { provides: jsonTools(...functions), uses };
  const path = await writeFolder(to, "learner", manifest, relay(functions, "1"));
  await mkdir(join(path, "samples"), { recursive: true });
  for (const [name, sample] of Object.entries(samples))
    await writeFile(join(path, "samples", name), JSON.stringify({ sample: 1, ...sample }));
  return path;
}

const needs = ({ asks }: Learned) =>
  Object.fromEntries(asks.map(({ entry, need }) => [entry, need]));
const fetched = (url: string) => ({ tool: "network_fetch", input: { requests: [{ url }] } });

test("learn() grants what was needed and nothing else, and says what was refused", async () => {
  await using home = await openTestHost();
  const path = await pluginIn(home);
  const learned = await learn(home.host, {
    path,
    config: undefined,
    calls: [
      { tool: "kv_set", input: { key: "a", value: "b" } },
      { tool: "files_write", input: { folder: "kept", path: "/x", value: "y", mode: "replace" } },
      { tool: "secrets_get", input: { name: "SEEN" } },
      fetched("https://nowhere.invalid/a/b/c"),
      fetched("https://elsewhere.invalid/"),
      fetched("http://127.0.0.1/"),
    ],
  });
  assert.deepEqual(needs(learned), {
    "network[0]": "less",
    "network[1]": "not tried",
    "secrets.SEEN": "all",
    "secrets.UNSEEN": "unused",
    "files.kept": "all",
    "files.spare": "unused",
    kv: "all",
  });
  const { network, secrets, files } = parseGrants(learned.grants);
  assert.deepEqual(
    network.map(({ host, methods, path: prefix }) => [host, methods, prefix]),
    [["nowhere.invalid", ["GET"], "/a/b/"]],
  );
  assert.deepEqual(
    [secrets.map(({ name }) => name), files.map(({ name }) => name)],
    [["SEEN"], ["kept"]],
  );
  assert.deepEqual(learned.refused, [
    "network_fetch GET https://elsewhere.invalid:443/",
    "network_fetch GET http://127.0.0.1:80/",
  ]);
});

test("learn() calls the samples of a package when no call is named", async () => {
  await using home = await openTestHost();
  const sample = { tool: "kv_set", input: { key: "a", value: "b" } };
  const host = [{ function: "kv_set", answer: { ok: { set: true } } }];
  const path = await pluginIn(home, {
    "one.json": { ...sample, host, output: { ok: { set: true } } },
  });
  const learned = await learn(home.host, { path, config: undefined, calls: [] });
  assert.deepEqual(learned.calls, [{ tool: "kv_set", code: null }]);
  assert.equal(needs(learned)["kv"], "all");
});

test("learn() asks for a call when there is none to make", async () => {
  await using home = await openTestHost();
  const wish = { path: await pluginIn(home), config: undefined, calls: [] };
  assert.equal(await codeOf(learn(home.host, wish)), "NOTHING_TO_CALL");
});
