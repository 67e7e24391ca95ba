import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditRecord } from "#manifests/audit.ts";
import { owner } from "#runtime/keys.ts";
import { codeOf, invoke, openHostIn, openTestHost, type TestHost } from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { host } = home;
const { versions } = host;

const kv = { kv: { quota: "1MiB", reason: "remember" } };
const tools = { tools: [...jsonTools("kv_set").tools, { name: "mark", encoding: "text" }] };

function write(to: TestHost, id: string, version: string, own: object = {}): Promise<string> {
  const manifest = { id, version, provides: tools, uses: kv, ...own };
  return writeFolder(to, `${id}-${version}`, manifest, relay(["kv_set"], `version ${version}`));
}

async function installed(to: TestHost, id: string, ...names: readonly string[]): Promise<void> {
  for (const name of names) await installFrom(to, await write(to, id, name));
}

const mark = async (to: TestHost, id: string) => (await invoke(to, id, "mark", "")).value;
const set = (id: string) => invoke(home, id, "kv_set", { key: "a", value: "1" });
const standings = async (id: string) =>
  (await versions.list(id)).map(({ version, standing }) => `${version} ${standing}`);

test("rollback() lets the version answer that did before, and a second one undoes it", async () => {
  await installed(home, "back", "1.0.0", "2.0.0");
  assert.deepEqual(await standings("local/back"), ["2.0.0 active", "1.0.0 previous"]);
  const back = await versions.rollback("local/back", owner);
  assert.partialDeepStrictEqual(back, { version: "1.0.0", from: "2.0.0", lost: [] });
  assert.equal(await mark(home, "back"), "version 1.0.0");
  assert.equal(host.plugins.info("local/back").version, "1.0.0");
  assert.deepEqual(await standings("local/back"), ["1.0.0 active", "2.0.0 previous"]);
  await versions.rollback("local/back", owner);
  assert.equal(await mark(home, "back"), "version 2.0.0");
});

test("rollback() goes to any version that is kept, by its number or its digest", async () => {
  await installed(home, "any", "1.0.0", "2.0.0", "3.0.0");
  await versions.rollback("local/any", owner, "1.0.0");
  assert.equal(await mark(home, "any"), "version 1.0.0");
  const [, second] = await versions.list("local/any");
  assert.equal(second?.standing, "previous");
  await versions.rollback("local/any", owner, second?.digest);
  assert.equal(await mark(home, "any"), `version ${second?.version}`);
});

test("rollback() is audited as what it is, and so is one that is refused", async () => {
  await installed(home, "told", "1.0.0", "2.0.0");
  await versions.rollback("local/told", owner);
  assert.equal(
    await codeOf(versions.rollback("local/told", owner, "1.0.0")),
    "ROLLBACK_IMPOSSIBLE",
  );
  const records = (await host.auditQuery({
    ...{ kind: "install", plugin: "local/told", limit: 10 },
  })) as AuditRecord[];
  assert.deepEqual(
    records.map(({ act, decision, version, code }) => [act, decision, version, code]),
    [
      ["activate", "allowed", "1.0.0", null],
      ["activate", "allowed", "2.0.0", null],
      ["rollback", "allowed", "1.0.0", null],
      ["rollback", "failed", null, "ROLLBACK_IMPOSSIBLE"],
    ],
  );
});

test("rollback() refuses what is not there, what answers now, and what never had another version", async () => {
  await installed(home, "only", "1.0.0");
  for (const [to, code] of [
    [undefined, "ROLLBACK_IMPOSSIBLE"],
    ["1.0.0", "ROLLBACK_IMPOSSIBLE"],
    ["9.9.9", "VERSION_NOT_FOUND"],
    ["^1.0.0", "VERSION_NOT_FOUND"],
  ] as const)
    assert.equal(await codeOf(versions.rollback("local/only", owner, to)), code);
  assert.equal(await codeOf(versions.rollback("local/none", owner)), "PLUGIN_NOT_FOUND");
  assert.equal(await mark(home, "only"), "version 1.0.0");
});

test("a version that is gone back to may do what it might, and its calls are told so at once", async () => {
  await installed(home, "may", "1.0.0", "2.0.0");
  await versions.rollback("local/may", owner);
  assert.deepEqual((await set("may")).value, { ok: { set: true } });
});

test("a version that is gone back to gains nothing that a later one was granted", async () => {
  await installFrom(home, await write(home, "less", "1.0.0", { uses: {} }));
  await installFrom(home, await write(home, "less", "2.0.0"));
  assert.deepEqual((await set("less")).value, { ok: { set: true } });
  await versions.rollback("local/less", owner);
  assert.match(JSON.stringify((await set("less")).value), /CAPABILITY_DENIED/);
});

test("a version that is gone back to lost what the later one was not granted any more", async () => {
  await installFrom(home, await write(home, "lost", "1.0.0"));
  await installFrom(home, await write(home, "lost", "2.0.0", { uses: {} }));
  const { lost } = await versions.rollback("local/lost", owner);
  assert.deepEqual(lost, ["kv"]);
  assert.match(JSON.stringify((await set("lost")).value), /CAPABILITY_DENIED/);
});

test("rollback() leaves settings and what an operator decided as they are", async () => {
  await installed(home, "rests", "1.0.0", "2.0.0");
  await host.plugins.stop("local/rests", owner);
  await versions.rollback("local/rests", owner);
  const { state, version } = host.plugins.info("local/rests");
  assert.deepEqual([state, version], ["stopped", "1.0.0"]);
});

test("calls that run while their plugin goes back finish on the version that they began on", async () => {
  const nap = { tools: [{ name: "nap", encoding: "text" }] };
  for (const version of ["1.0.0", "2.0.0"])
    await installFrom(home, await write(home, "naps", version, { provides: nap }));
  const napping = Array.from({ length: 5 }, () => invoke(home, "naps", "nap", ""));
  await sleep(50);
  await versions.rollback("local/naps", owner);
  for (const { value } of await Promise.all(napping)) assert.equal(value, "version 2.0.0");
});

test("what was gone back to answers after a restart, with the grants of then", async () => {
  await using first = await openTestHost();
  await installed(first, "stays", "1.0.0", "2.0.0");
  await first.host.versions.rollback("local/stays", owner);
  await first.host[Symbol.asyncDispose]();
  await using second = await openHostIn(first.folder);
  assert.equal(await mark(second, "stays"), "version 1.0.0");
  const { value } = await invoke(second, "stays", "kv_set", { key: "a", value: "1" });
  assert.deepEqual(value, { ok: { set: true } });
  await second.host.versions.rollback("local/stays", owner);
  assert.equal(await mark(second, "stays"), "version 2.0.0");
});

test("the highest version that answered is remembered over removal and restart", async () => {
  await using first = await openTestHost();
  await installed(first, "low", "1.0.0", "2.0.0");
  await first.host.plugins.remove("local/low", owner, { purge: true });
  await first.host[Symbol.asyncDispose]();
  await using second = await openHostIn(first.folder);
  const path = await write(second, "low", "1.5.0");
  assert.equal(await codeOf(installFrom(second, path)), "DOWNGRADE_REFUSED");
  const view = await installFrom(second, path, { allowDowngrade: true });
  assert.equal(view.version, "1.5.0");
  const [record] = (
    (await second.host.auditQuery({ kind: "install", limit: 10 })) as AuditRecord[]
  ).slice(-1);
  assert.equal(record?.act, "downgrade");
});

test("three versions are kept to go back to, and their files with them", async () => {
  await installed(home, "many", "1.0.0", "2.0.0", "3.0.0", "4.0.0", "5.0.0");
  assert.deepEqual(await standings("local/many"), [
    "5.0.0 active",
    "4.0.0 previous",
    "3.0.0 kept",
    "2.0.0 kept",
  ]);
  assert.equal(await codeOf(versions.rollback("local/many", owner, "1.0.0")), "VERSION_NOT_FOUND");
  await versions.rollback("local/many", owner, "2.0.0");
  assert.equal(await mark(home, "many"), "version 2.0.0");
});
