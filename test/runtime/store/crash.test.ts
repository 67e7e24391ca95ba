/**
 * The attacker ends the process: `kill -9` at any moment loses nothing that was acknowledged.
 */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { digestOf } from "#registry/digest.ts";
import { openAudit } from "#runtime/audit.ts";
import { openHome } from "#runtime/home.ts";
import { createFiles } from "#runtime/store/files.ts";
import { openStore, type Store } from "#runtime/store/store.ts";
import type { Child } from "#test/support/child.ts";
import { startChild } from "#test/support/child.ts";
import { fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { activation, version } from "#test/support/installed.ts";

const program = fileURLToPath(new URL("crash-child.ts", import.meta.url));
const clock = fakeClock();

/** Kills a writer after it said some lines, and returns all that it said until then. */
async function killAfter(child: Child, lines: number): Promise<string[]> {
  const said: string[] = [];
  for (let count = 0; count < lines; count++) said.push((await child.line()) ?? "nothing");
  await child.kill();
  return [...said, ...(await child.rest())];
}

async function openAgain(path: string): Promise<{ store: Store; undo: AsyncDisposableStack }> {
  await using undo = new AsyncDisposableStack();
  const home = undo.use(await openHome(path));
  const { database, backups } = home;
  const store = undo.use(await openStore({ path: database, backups, clock, hostVersion: "0.1.0" }));
  return { store, undo: undo.move() };
}

for (const lines of [1, 7, 40])
  test(`committed() loses nothing when the process is killed after ${lines} commits`, async () => {
    await using folder = await temporaryFolder();
    const said = await killAfter(startChild(program, [folder.path, "append"]), lines);
    const turn = Number(said.at(-1)?.match(/^committed (\d+)$/)?.[1]);
    assert.ok(turn >= lines - 1, said.join());
    const { store, undo } = await openAgain(folder.path);
    await using _ = undo;
    const audit = await openAudit({ folder: join(folder.path, "audit"), hot: store.hot, clock });
    assert.deepEqual((await audit.verify()).broken, null);
    const records = await audit.query({ kind: "call", limit: 1_000_000 });
    assert.ok(records.length >= 20 * (turn + 1), `${records.length} records after turn ${turn}`);
    await audit[Symbol.asyncDispose]();
    const space = { ...activation(version("vowels")).grants, owner: "" };
    assert.ok(Number(store.kv.get(space, "turn")?.value.toString()) >= turn);
  });

for (const lines of [2, 3, 8, 13])
  test(`activate() leaves the old version or the new one when killed after ${lines} steps`, async () => {
    await using folder = await temporaryFolder();
    const said = await killAfter(startChild(program, [folder.path, "install"]), lines);
    const turns = said.filter((line) => line.startsWith("active")).length;
    const { store, undo } = await openAgain(folder.path);
    await using _ = undo;
    const [found] = await store.plugins.loadAll();
    const active = found?.versions.find((one) => one.digest === found.plugin.activeDigest);
    assert.ok(active !== undefined && active.installedAt >= turns - 1, said.join());
    assert.equal(found?.grants?.digest, active.digest);
    const places = {
      plugins: join(folder.path, "plugins"),
      modules: join(folder.path, "modules"),
      staging: join(folder.path, "staging"),
    };
    const files = createFiles(places, clock);
    const expected = await digestOf(Buffer.from(active.digest));
    const manifest = await files.readFile(active, "manifest.json", expected);
    assert.equal(manifest.toString(), active.digest);
    const module = await files.readModule(active.meteredDigest);
    assert.equal(module.toString(), `module of ${active.digest}`);
    assert.deepEqual(await readdir(places.staging), []);
  });

for (const act of ["stage", "commit"])
  test(`stage() killed after its ${act} installs nothing`, async () => {
    await using folder = await temporaryFolder();
    assert.deepEqual(await killAfter(startChild(program, [folder.path, act]), 1), ["staged"]);
    const { store, undo } = await openAgain(folder.path);
    await using _ = undo;
    assert.deepEqual((await store.loadAll()).plugins, []);
    assert.deepEqual(await readdir(join(folder.path, "staging")), []);
  });
