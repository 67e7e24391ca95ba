/** Files of a plugin over its life: who has which, what a restart keeps, and what goes with the plugin. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { temporaryFolder } from "#test/support/home.ts";
import {
  callerNamed,
  installGuest,
  invoke,
  openHostIn,
  openTestHost,
  type TestHost,
} from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";

const skip = process.platform === "win32";
const id = "keeper";
const acts = ["files_write", "files_list"];
const uses = { files: [{ name: "cache", access: "write", reason: "keep" }] };

async function install(host: TestHost): Promise<void> {
  await installGuest(host, {
    id,
    module: relay(acts),
    manifest: { provides: jsonTools(...acts), uses },
  });
}

async function listed(host: TestHost, name = ""): Promise<string[]> {
  const caller = name === "" ? owner : callerNamed(name);
  const request = { folder: "cache", path: "" };
  const { value } = await invoke(host, id, "files_list", request, { caller });
  const { ok } = value as { ok: { entries: { name: string }[] } };
  return ok.entries.map((entry) => entry.name);
}

const write = (host: TestHost, path: string, caller = owner) =>
  invoke(host, id, "files_write", { folder: "cache", path, value: path }, { caller });

test("a plugin's files are there after a restart, and after it was removed and came back", {
  skip,
}, async () => {
  await using folder = await temporaryFolder();
  {
    await using host = await openHostIn(folder.path);
    await install(host);
    await write(host, "a");
  }
  await using host = await openHostIn(folder.path);
  assert.deepEqual(await listed(host), ["a"]);
  await host.host.plugins.remove(`local/${id}`, owner, { purge: false });
  await install(host);
  assert.deepEqual(await listed(host), ["a"]);
  await host.host.plugins.remove(`local/${id}`, owner, { purge: true });
  assert.deepEqual(await readdir(join(folder.path, "home/data")), []);
  await install(host);
  assert.deepEqual(await listed(host), []);
});

test("a grant per caller keeps what callers write apart", { skip }, async () => {
  await using host = await openTestHost();
  await install(host);
  const { revision } = host.host.grants.view(`local/${id}`);
  const files = [{ name: "cache", folder: null, access: "write", quota: "1MiB", per: "caller" }];
  const edit = { document: { grants: 1, files }, revision, callers: [] };
  await host.host.grants.edit(`local/${id}`, edit, owner);
  await write(host, "ada's", callerNamed("ada"));
  await write(host, "bob's", callerNamed("bob"));
  assert.deepEqual(await listed(host, "ada"), ["ada's"]);
  assert.deepEqual(await listed(host, "bob"), ["bob's"]);
  assert.deepEqual(await listed(host), []);
});
