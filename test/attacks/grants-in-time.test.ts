/**
 * Who attacks: a plugin that goes on using what it had. What they hold: calls that run while the operator
 * takes grants away, calls side by side, the machine's clock.
 *
 * What must not happen: an effect after the grant was taken away, more uses than were given, or that a
 * grant whose time is over comes back because somebody sets a clock or restarts the host.
 */

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { owner } from "#runtime/keys.ts";
import { fakeClock } from "#test/support/clock.ts";
import {
  edgeTo,
  edit,
  effectsOf,
  installKeeper,
  keeper,
  loopTurns,
  tell,
  through,
} from "#test/support/granted.ts";
import { wat } from "#test/support/wat.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { openHostIn, openTestHost, type TestHost } from "#test/support/host.ts";

const value = { key: "a", value: "b" };
const denied = "CAPABILITY_DENIED";

/** Returns when a plugin has had so many effects. */
async function busy(test: TestHost, plugin: string, count: number): Promise<void> {
  while ((await effectsOf(test, plugin)).length < count) await sleep(5);
}

test("no call of many that run has an effect after its grant was taken away", async () => {
  await using home = await openTestHost();
  const id = await installKeeper(home, "busy");
  const calls = Array.from({ length: 8 }, () => tell(home, "busy", "loop", value));
  await busy(home, id, 100);
  await edit(home, id, { kv: undefined });
  for (const told of await Promise.all(calls)) assert.equal(told.error?.code, denied);
  const [record] = (await home.host.auditQuery({ kind: "grants", limit: 1 })) as { seq: number }[];
  assert.ok(record);
  const late = (await effectsOf(home, id)).filter(({ seq }) => seq > record.seq);
  assert.ok(late.length > 0, "they went on asking");
  assert.deepEqual(
    late.filter(({ decision }) => decision !== "denied"),
    [],
  );
});

test("a call through another plugin is denied too from that moment on", async () => {
  await using home = await openTestHost();
  const id = await installKeeper(home, "callee");
  await installKeeper(home, "caller", { tools: edgeTo(id) });
  const call = tell(home, "caller", "relay", through("loop", value));
  await busy(home, id, 50);
  await edit(home, "local/caller", { tools: [] });
  // What runs already goes on with its own grants; the edge opens nothing new.
  assert.deepEqual((await call).ok, { ok: { set: true } });
  const told = await tell(home, "caller", "relay", through("set", value));
  assert.equal(told.error?.code, denied);
});

test("calls of a version that was replaced lose what the operator takes from the plugin", async () => {
  await using home = await openTestHost();
  const id = await installKeeper(home, "old");
  const call = tell(home, "old", "loop", value);
  await busy(home, id, 50);
  await installKeeper(home, "old", undefined, { version: "1.1.0" });
  await edit(home, id, { kv: undefined });
  assert.equal((await call).error?.code, denied);
});

test("what is taken away while an update is tried does not come back with it", async () => {
  await using home = await openTestHost();
  const { host, folder } = home;
  const id = await installKeeper(home, "tried");
  await installKeeper(home, "tried-next");
  const spin = `(func (export "slow") (local $turn i32)
    (loop $l (local.set $turn (i32.add (local.get $turn) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $turn) (i32.const 4000000)))))`;
  const next = join(folder, "tried-next");
  await writeFile(join(next, "plugin.wasm"), await wat(keeper.replace(/\)$/, `${spin})`)));
  const manifest = JSON.parse(await readFile(join(next, "manifest.json"), "utf8"));
  const changed = { ...manifest, id: "tried", version: "1.1.0", lifecycle: { health: "slow" } };
  await writeFile(join(next, "manifest.json"), JSON.stringify(changed));
  const edits: Promise<unknown>[] = [];
  const update = host.install({
    ...{ caller: owner, source: { kind: "path", path: next } },
    consent: async () => ({ by: owner }),
    onStep: (step) => {
      if (step === "health") edits.push(edit(home, id, { kv: undefined }));
    },
  });
  await assert.rejects(update, { code: "CONSENT_OUTDATED" });
  assert.equal(edits.length, 1);
  await Promise.all(edits);
  assert.equal(host.plugins.info(id).version, "1.0.0");
  assert.equal((await tell(home, "tried", "set", value)).error?.code, denied);
  assert.equal(host.grants.view(id).kv, undefined);
});

test("calls side by side never have more uses than were given, and a restart gives none back", async () => {
  await using folder = await temporaryFolder();
  const uses = 25;
  {
    await using home = await openHostIn(folder.path);
    const id = await installKeeper(home, "greedy");
    await edit(home, id, { kv: { quota: "1MiB", uses } });
    const calls = Array.from({ length: 8 }, () => tell(home, "greedy", "loop", value));
    for (const told of await Promise.all(calls)) assert.equal(told.error?.code, denied);
    const effects = await effectsOf(home, id);
    assert.equal(effects.length, 8 * loopTurns);
    assert.equal(effects.filter(({ decision }) => decision === "allowed").length, uses);
  }
  await using again = await openHostIn(folder.path);
  assert.equal((await tell(again, "greedy", "set", value)).error?.code, denied);
});

test("a grant whose time is over stays void, whatever the clock says, over a restart too", async () => {
  await using folder = await temporaryFolder();
  const start = Date.UTC(2027, 0, 1);
  const hour = 3_600_000;
  {
    const clock = fakeClock(start);
    await using home = await openHostIn(folder.path, { clock });
    const id = await installKeeper(home, "late");
    const expires = new Date(start + hour).toISOString();
    await edit(home, id, { kv: { quota: "1MiB", expires } });
    assert.deepEqual((await tell(home, "late", "set", value)).ok, { set: true });
    clock.set(start + hour);
    assert.equal((await tell(home, "late", "set", value)).error?.code, denied);
    clock.set(start - 24 * hour);
    assert.equal((await tell(home, "late", "set", value)).error?.code, denied);
  }
  await using again = await openHostIn(folder.path, { clock: fakeClock(start - 24 * hour) });
  assert.equal((await tell(again, "late", "set", value)).error?.code, denied);
  const [entry] = again.host.grants.view("local/late").entries;
  assert.equal(entry?.grants[0]?.state, "expired");
});

test("a version that is called by its number has none of what was granted to another", async () => {
  await using home = await openTestHost();
  await installKeeper(home, "two");
  await installKeeper(home, "two", undefined, { version: "1.1.0" });
  assert.equal((await tell(home, "two@1.0.0", "set", value)).error?.code, denied);
  assert.deepEqual((await tell(home, "two@1.1.0", "set", value)).ok, { set: true });
});

test("a removed plugin leaves no grant to the next one of its id", async () => {
  await using home = await openTestHost();
  const id = await installKeeper(home, "gone");
  const call = tell(home, "gone", "loop", value);
  await busy(home, id, 50);
  await home.host.plugins.remove(id, owner, { purge: false });
  assert.equal((await call).error?.code, denied);
  await installKeeper(home, "gone", {});
  assert.equal((await tell(home, "gone", "set", value)).error?.code, denied);
});
