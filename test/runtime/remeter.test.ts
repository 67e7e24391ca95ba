import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { digestOf } from "#registry/digest.ts";
import { passVersion } from "#runtime/sandbox/module/prepare.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { invoke, openHostIn, type TestHost } from "#test/support/host.ts";
import { relay } from "#test/support/relay.ts";
import { filesOf, installFrom, writeFolder } from "#test/support/written.ts";

interface Row {
  readonly plugin: string;
  readonly digest: string;
  readonly meteredDigest: string;
  readonly passVersion: number;
}

function rowsOf(folder: string): Row[] {
  const database = new Database(join(folder, "home", "convergio.db"), { readonly: true });
  try {
    return database.prepare<[], Row>("SELECT * FROM versions ORDER BY plugin").all();
  } finally {
    database.close();
  }
}

const provides = { tools: [{ name: "mark", encoding: "text" }] };
const mark = async (host: TestHost, id: string) => (await invoke(host, id, "mark", "")).value;

/** Installs plugins, and makes their modules those of an older pass: of other bytes, and marked so. */
async function installOld(folder: string, ids: readonly string[]): Promise<void> {
  await using host = await openHostIn(folder);
  for (const id of ids)
    await installFrom(host, await writeFolder(host, id, { provides }, relay([], id)));
  const database = new Database(join(folder, "home", "convergio.db"));
  for (const { plugin, meteredDigest } of rowsOf(folder)) {
    const place = (digest: string) =>
      join(folder, "home", "modules", `${digest.replace(":", "-")}.wasm`);
    // An empty custom section changes the bytes and nothing else.
    const bytes = Buffer.concat([await readFile(place(meteredDigest)), Buffer.of(0, 2, 1, 0x78)]);
    const digest = await digestOf(bytes);
    await writeFile(place(digest), bytes);
    database
      .prepare("UPDATE versions SET passVersion = ?, meteredDigest = ? WHERE plugin = ?")
      .run(passVersion - 1, digest, plugin);
  }
  database.close();
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return;
    await sleep(25);
  }
  assert.fail("it did not come to that in 10 s");
}

test("modules of an older pass serve at once, and are metered again in the background", async () => {
  await using folder = await temporaryFolder();
  await installOld(folder.path, ["one", "two"]);
  const before = rowsOf(folder.path);
  await using host = await openHostIn(folder.path);
  assert.equal(await mark(host, "one"), "one");
  assert.deepEqual(rowsOf(folder.path), before);
  await until(() => rowsOf(folder.path).every((row) => row.passVersion === passVersion));
  for (const [index, row] of rowsOf(folder.path).entries())
    assert.notEqual(row.meteredDigest, before[index]?.meteredDigest);
  for (const id of ["one", "two"]) assert.equal(await mark(host, id), id);
  const modules = (await filesOf(host)).filter((path) => path.includes("/modules/"));
  for (const { meteredDigest } of before)
    assert.ok(!modules.some((path) => path.includes(meteredDigest.replace(":", "-"))));
  const records = await host.host.auditQuery({ kind: "install", limit: 10 });
  const acts = records.map((record) => (record as { act: string }).act);
  assert.deepEqual(acts, ["activate", "activate", "meter", "meter"]);
});

test("a module whose source was altered is not metered again, and the old one goes on serving", async () => {
  await using folder = await temporaryFolder();
  await installOld(folder.path, ["altered", "whole"]);
  const [altered] = rowsOf(folder.path);
  assert.ok(altered);
  const { plugin, digest } = altered;
  const path = join(
    folder.path,
    "home",
    "plugins",
    plugin,
    digest.replace(":", "-"),
    "plugin.wasm",
  );
  const bytes = await readFile(path);
  await chmod(path, 0o600);
  await writeFile(path, Buffer.concat([bytes, Buffer.of(0, 2, 1, 0x79)]));
  await using host = await openHostIn(folder.path);
  await until(() => rowsOf(folder.path)[1]?.passVersion === passVersion);
  assert.deepEqual(rowsOf(folder.path)[0], altered);
  assert.equal(await mark(host, "altered"), "altered");
});

test("a host that stops lets the metering go, and its next start goes on with it", async () => {
  await using folder = await temporaryFolder();
  await installOld(folder.path, ["one"]);
  const stopping = await openHostIn(folder.path);
  await stopping[Symbol.asyncDispose]();
  assert.equal(rowsOf(folder.path)[0]?.passVersion, passVersion - 1);
  await using host = await openHostIn(folder.path);
  await until(() => rowsOf(folder.path)[0]?.passVersion === passVersion);
  assert.equal(await mark(host, "one"), "one");
});
