import assert from "node:assert/strict";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditRecord } from "#manifests/audit.ts";
import { optionSource, resolveConfig } from "#manifests/config.ts";
import { owner } from "#runtime/keys.ts";
import { codeOf, invoke, openTestHost, type TestHost } from "#test/support/host.ts";
import { relay } from "#test/support/relay.ts";
import { filesOf, installFrom, writeFolder } from "#test/support/written.ts";

const digest = (digit: string) => `sha256-${digit.repeat(64)}`;

function write(to: TestHost, id: string, version: string): Promise<string> {
  const provides = {
    tools: ["mark", "nap"].map((name) => ({ name, encoding: "text" })),
  };
  const manifest = { id, version, provides };
  return writeFolder(to, `${id}-${version}`, manifest, relay([], `version ${version}`));
}

/** Puts a file into the store that nothing refers to, as a killed install leaves it. */
async function leave(to: TestHost, path: string, ageMs: number): Promise<string> {
  const full = join(to.folder, "home", path);
  await mkdir(join(full, ".."), { recursive: true });
  await writeFile(full, "left behind");
  const then = new Date(Date.now() - ageMs);
  for (const aged of [full, join(full, "..")]) await utimes(aged, then, then);
  return `/home/${path}`;
}

const hourMs = 3_600_000;

test("collect() removes what nothing refers to once the grace is over, and nothing else", async () => {
  await using home = await openTestHost();
  await installFrom(home, await write(home, "stays", "1.0.0"));
  const before = await filesOf(home);
  await leave(home, `plugins/local/gone/${digest("a")}/plugin.wasm`, 2 * hourMs);
  await leave(home, `plugins/elder/${digest("b")}/plugin.wasm`, 2 * hourMs);
  await leave(home, "staging/0011/package/plugin.wasm", 2 * hourMs);
  const then = new Date(Date.now() - 2 * hourMs);
  await utimes(join(home.folder, "home/staging/0011"), then, then);
  await leave(home, `modules/${digest("c")}.wasm`, 2 * hourMs);
  const young = await leave(home, `plugins/local/new/${digest("d")}/plugin.wasm`, 0);
  const strange = await leave(home, "modules/notes.txt", 2 * hourMs);
  const found = await home.host.store.collect(owner, { dryRun: true });
  assert.partialDeepStrictEqual(found, { dryRun: true, orphans: 4, versions: [] });
  assert.equal((await filesOf(home)).length, before.length + 6);
  const { orphans, freedBytes } = await home.host.store.collect(owner, { dryRun: false });
  assert.deepEqual([orphans, freedBytes], [4, 4 * "left behind".length]);
  assert.equal(found.freedBytes, freedBytes);
  assert.deepEqual(await filesOf(home), [...before, young, strange].sort());
  assert.equal((await invoke(home, "stays", "mark", "")).value, "version 1.0.0");
});

test("collect() forgets versions that are too many when fewer are kept than before", async () => {
  await using home = await openTestHost();
  for (const version of ["1.0.0", "2.0.0", "3.0.0", "4.0.0"])
    await installFrom(home, await write(home, "many", version));
  const key = "store.versions";
  const fewer = optionSource(new Map([[key, "1"]]), () => "the test");
  home.host.configure(resolveConfig([fewer]).config);
  const found = await home.host.store.collect(owner, { dryRun: true });
  assert.deepEqual(
    found.versions.map(({ version }) => version),
    ["2.0.0", "1.0.0"],
  );
  assert.equal((await home.host.versions.list("local/many")).length, 4);
  const { freedBytes } = await home.host.store.collect(owner, { dryRun: false });
  assert.ok(freedBytes > 0);
  const left = await home.host.versions.list("local/many");
  assert.deepEqual(
    left.map(({ version }) => version),
    ["4.0.0", "3.0.0"],
  );
  assert.equal((await filesOf(home)).filter((path) => path.endsWith("manifest.json")).length, 2);
  const records = (await home.host.auditQuery({ kind: "install", limit: 10 })) as AuditRecord[];
  assert.deepEqual(
    records.filter(({ act }) => act === "forget").map(({ version, owner: by }) => [version, by]),
    [
      ["2.0.0", "owner"],
      ["1.0.0", "owner"],
    ],
  );
});

test("an old version whose calls still run is forgotten only after them", async () => {
  await using home = await openTestHost({ settings: { "store.versions": "1" } });
  await installFrom(home, await write(home, "busy", "1.0.0"));
  await installFrom(home, await write(home, "busy", "2.0.0"));
  const input = { json: '""' };
  const nap = { caller: owner, plugin: "local/busy@1.0.0", tool: "nap", input };
  const napping = Array.from({ length: 3 }, () => home.host.call(nap));
  await sleep(50);
  await installFrom(home, await write(home, "busy", "3.0.0"));
  for (const { output } of await Promise.all(napping))
    assert.equal(Buffer.from(output.bytes).toString(), '"version 1.0.0"');
  await home.host.store.collect(owner, { dryRun: false });
  assert.equal(await codeOf(home.host.call(nap)), "VERSION_NOT_FOUND");
  assert.equal((await invoke(home, "busy", "mark", "")).value, "version 3.0.0");
});

test("collections in the middle of installs take nothing that an install is about to need", async () => {
  await using home = await openTestHost();
  const state = { over: false };
  const collecting = (async () => {
    while (!state.over) await home.host.store.collect(owner, { dryRun: false });
  })();
  for (let minor = 0; minor < 6; minor++) {
    // The same bytes as the one before: both versions share one module.
    const version = `1.${minor}.0`;
    const provides = { tools: [{ name: "mark", encoding: "text" }] };
    const path = await writeFolder(
      home,
      `${minor}`,
      { id: "same", version, provides },
      relay([], "one"),
    );
    await installFrom(home, path);
    assert.equal((await invoke(home, "same", "mark", "")).value, "one");
  }
  state.over = true;
  await collecting;
  for (const { digest: of } of await home.host.versions.list("local/same")) {
    const plugin = `local/same@${of}`;
    const input = { json: '""' };
    const { output } = await home.host.call({ caller: owner, plugin, tool: "mark", input });
    assert.equal(Buffer.from(output.bytes).toString(), '"one"');
  }
});

test("an install beyond the quota of the store is refused with what to do, and leaves nothing", async () => {
  await using home = await openTestHost({ settings: { "store.quota": "1MiB" } });
  await installFrom(home, await write(home, "small", "1.0.0"));
  const before = await filesOf(home);
  const path = await write(home, "large", "1.0.0");
  await mkdir(join(path, "assets"), { recursive: true });
  await writeFile(join(path, "assets", "page.html"), Buffer.alloc(2 ** 20));
  await assert.rejects(installFrom(home, path), { code: "STORE_FULL", hint: /convergio gc/ });
  assert.deepEqual(await filesOf(home), before);
});
