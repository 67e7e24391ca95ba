/** The attacker picks the moment: two installs at once, a stop in the middle, consent for another digest. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { owner } from "#runtime/keys.ts";
import { guest } from "#test/support/guests.ts";
import { codeOf, invoke, openTestHost } from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { wat } from "#test/support/wat.ts";
import { filesOf, installFrom, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { host } = home;

const text = (...names: string[]) => ({ tools: names.map((name) => ({ name, encoding: "text" })) });
const write = (id: string, version: string, own: object = {}) =>
  writeFolder(
    home,
    `${id}-${version}`,
    { id, version, provides: text("mark", "nap"), ...own },
    relay([], `version ${version}`),
  );
const mark = async (id: string) => (await invoke(home, id, "mark", "")).value;

test("consent for one package activates no other that came into its place meanwhile", async () => {
  const path = await write("turned", "1.0.0");
  const evil = await wat(relay([], "evil"));
  const view = await host.install({
    caller: owner,
    source: { kind: "path", path },
    consent: async () => {
      // What was shown is what was packed before; the folder is another one by now.
      await rm(join(path, "plugin.wasm"));
      await writeFile(join(path, "plugin.wasm"), evil);
      return { by: owner };
    },
  });
  assert.equal(await mark("turned"), "version 1.0.0");
  assert.equal(host.plugins.info("local/turned").digest, view.digest);
});

test("of a higher and a lower version installed at once the lower one never has the last word", async () => {
  for (let round = 0; round < 5; round++) {
    const id = `pair-${round}`;
    await installFrom(home, await write(id, "1.0.0"));
    const ends = await Promise.all(
      ["3.0.0", "2.0.0"].map(async (version) =>
        codeOf(installFrom(home, await write(id, version))),
      ),
    );
    assert.equal(ends[0], "ok");
    assert.match(ends[1] ?? "", /^(ok|DOWNGRADE_REFUSED)$/);
    assert.equal(await mark(id), "version 3.0.0");
  }
});

test("one package installed many times at once is installed once, and keeps its files", async () => {
  const path = await write("crowd", "1.0.0");
  const views = await Promise.all(Array.from({ length: 6 }, () => installFrom(home, path)));
  assert.equal(new Set(views.map(({ digest }) => digest)).size, 1);
  const packages = (await filesOf(home)).filter((file) => /crowd.*manifest\.json$/.test(file));
  assert.equal(packages.length, 1);
  assert.equal(await mark("crowd"), "version 1.0.0");
  assert.equal((await host.versions.list("local/crowd")).length, 1);
});

test("a stop in the middle of an update holds, whichever of them ends first", async () => {
  for (const delayMs of [0, 20, 60, 120, 240]) {
    const id = `stops-${delayMs}`;
    await installFrom(home, await write(id, "1.0.0"));
    const updating = installFrom(home, await write(id, "2.0.0"));
    await sleep(delayMs);
    await host.plugins.stop(`local/${id}`, owner);
    await updating;
    assert.equal(host.plugins.info(`local/${id}`).state, "stopped");
    assert.equal(await codeOf(invoke(home, id, "mark", "")), "PLUGIN_INACTIVE");
  }
});

test("a removal in the middle of an update leaves all of the plugin or nothing", async () => {
  for (const delayMs of [0, 40, 150]) {
    const id = `goes-${delayMs}`;
    await installFrom(home, await write(id, "1.0.0"));
    const updating = codeOf(installFrom(home, await write(id, "2.0.0")));
    await sleep(delayMs);
    await host.plugins.remove(`local/${id}`, owner, { purge: true });
    await updating;
    const isThere = host.plugins.list().some((each) => each.id === `local/${id}`);
    const onDisk = (await filesOf(home)).some((file) => file.includes(`${id}/`));
    assert.equal(onDisk, isThere);
    assert.equal(await codeOf(invoke(home, id, "mark", "")), isThere ? "ok" : "PLUGIN_NOT_FOUND");
  }
});

/** Each call of it adds one to what a nap ago was there: two instances side by side would be seen. */
const counting = (version: string) =>
  guest({
    imports: relayImport,
    body: `
      (global $inside (mut i32) (i32.const 0))
      (global $seen (mut i32) (i32.const 0))
      (func (export "count") (result i32)
        (if (global.get $inside) (then (return (i32.const 1))))
        (global.set $inside (i32.const 1))
        (i64.store (i32.const 8216) (i64.const 30000000))
        (drop (call $poll_oneoff (i32.const 8192) (i32.const 8256) (i32.const 1) (i32.const 8320)))
        (global.set $inside (i32.const 0))
        (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
        (i32.store8 (i32.const 1100) (i32.add (i32.const 48) (i32.rem_u (global.get $seen) (i32.const 10))))
        (call $say (i32.const 1100) (i32.const 1))
        (i32.const 0))`,
    data: version,
  });
const relayImport =
  '(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))';

test("the single instance of a new version begins when the last call of the old one is over", async () => {
  const manifest = (version: string) => ({
    ...{ id: "alone", version, instances: "single", provides: jsonTools("count") },
  });
  const folder = (version: string) =>
    writeFolder(home, `alone-${version}`, manifest(version), counting(version));
  await installFrom(home, await folder("1.0.0"));
  const done: string[] = [];
  const call = async () => {
    const { version, value } = await invoke(home, "alone", "count", null);
    done.push(`${version} ${value}`);
  };
  const old = Array.from({ length: 4 }, call);
  const update = installFrom(home, await folder("2.0.0"));
  while (host.plugins.info("local/alone").version === "1.0.0") {
    old.push(call());
    await sleep(25);
  }
  const fresh = Array.from({ length: 3 }, call);
  await Promise.all([...old, ...fresh, update]);
  const versions = done.map((line) => line.split(" ")[0]);
  // Never one of the old after one of the new.
  assert.deepEqual(versions, [...versions].sort());
  assert.deepEqual(done.slice(-3), ["2.0.0 1", "2.0.0 2", "2.0.0 3"]);
});

test("a failed swap wakes the callers of the single instance that they wait for", async () => {
  const manifest = (version: string, lifecycle: object) => ({
    ...{ id: "firm", version, instances: "single", provides: text("nap"), lifecycle },
  });
  const first = await writeFolder(home, "firm-1", manifest("1.0.0", {}), relay([], "one"));
  const second = await writeFolder(
    home,
    "firm-2",
    manifest("2.0.0", { load: "no" }),
    relay([], "two"),
  );
  await installFrom(home, first);
  const napping = Array.from({ length: 4 }, () => invoke(home, "firm", "nap", ""));
  assert.equal(await codeOf(installFrom(home, second)), "HOOK_FAILED");
  for (const { value } of await Promise.all(napping)) assert.equal(value, "one");
});
