import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { owner } from "#runtime/keys.ts";
import { codeOf, invoke, openTestHost, type TestHost } from "#test/support/host.ts";
import { guest } from "#test/support/guests.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { filesOf, installFrom, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { host } = home;

const text = (...names: string[]) => ({ tools: names.map((name) => ({ name, encoding: "text" })) });

/** Writes version `1.<minor>.0` of a plugin, whose module says as much. */
function versionOf(
  to: TestHost,
  id: string,
  minor: number,
  own: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const manifest = { id, version: `1.${minor}.0`, provides: text("mark", "nap"), ...own };
  return writeFolder(to, `${id}-${minor}`, manifest, relay([], `version ${minor}`));
}

const mark = async (to: TestHost, id: string) => (await invoke(to, id, "mark", "")).value;

test("an update answers from then on, and the version before it by its number", async () => {
  await installFrom(home, await versionOf(home, "grows", 1));
  assert.equal(await mark(home, "grows"), "version 1");
  const view = await installFrom(home, await versionOf(home, "grows", 2));
  assert.deepEqual([view.version, view.versions], ["1.2.0", ["1.1.0", "1.2.0"]]);
  assert.equal(await mark(home, "grows"), "version 2");
  const input = { json: '""' };
  const old = await host.call({ caller: owner, plugin: "local/grows@1.1.0", tool: "mark", input });
  assert.equal(Buffer.from(old.output.bytes).toString(), '"version 1"');
  assert.equal(old.version, "1.1.0");
});

test("a lower version is refused unless it is said to be wanted, and then an update like any other", async () => {
  const first = await versionOf(home, "returns", 1);
  await installFrom(home, first);
  await installFrom(home, await versionOf(home, "returns", 2));
  assert.equal(await codeOf(installFrom(home, first)), "DOWNGRADE_REFUSED");
  assert.equal(await mark(home, "returns"), "version 2");
  const view = await installFrom(home, first, {
    allowDowngrade: true,
  });
  assert.deepEqual([view.version, [...view.versions].sort()], ["1.1.0", ["1.1.0", "1.2.0"]]);
  assert.equal(await mark(home, "returns"), "version 1");
});

for (const lifecycle of [{ health: "no" }, { load: "no" }, { load: "trap" }])
  test(`an update whose hooks end with ${JSON.stringify(lifecycle)} leaves the old version answering`, async () => {
    await installFrom(home, await versionOf(home, "stays", 1));
    const before = await filesOf(home);
    const view = host.plugins.info("local/stays");
    const update = versionOf(home, "stays", 2, { lifecycle });
    assert.equal(await codeOf(installFrom(home, await update)), "HOOK_FAILED");
    assert.equal(await mark(home, "stays"), "version 1");
    assert.deepEqual(host.plugins.info("local/stays"), view);
    assert.deepEqual(await filesOf(home), before);
    const call = {
      caller: owner,
      plugin: "local/stays@1.2.0",
      tool: "mark",
      input: { json: '""' },
    };
    assert.equal(await codeOf(host.call(call)), "VERSION_NOT_FOUND");
  });

test("calls that run while their plugin is updated finish on the version they began on", async () => {
  await installFrom(home, await versionOf(home, "swaps", 1));
  const napping = Array.from({ length: 5 }, () => invoke(home, "swaps", "nap", ""));
  await sleep(50);
  await installFrom(home, await versionOf(home, "swaps", 2));
  assert.equal(await mark(home, "swaps"), "version 2");
  for (const { value, version } of await Promise.all(napping))
    assert.deepEqual([value, version], ["version 1", "1.1.0"]);
});

test("calls that wait while their plugin is updated are answered by the version they came for", async () => {
  await using narrow = await openTestHost({ settings: { "pools.running": "1" } });
  await installFrom(narrow, await versionOf(narrow, "queues", 1, { limits: { timeout: "5s" } }));
  const waiting = Array.from({ length: 4 }, () => invoke(narrow, "queues", "nap", ""));
  await installFrom(narrow, await versionOf(narrow, "queues", 2));
  for (const { value } of await Promise.all(waiting)) assert.equal(value, "version 1");
});

test("an update does not undo what an operator decided", async () => {
  await installFrom(home, await versionOf(home, "rests", 1));
  await host.plugins.stop("local/rests", owner);
  const view = await installFrom(home, await versionOf(home, "rests", 2));
  assert.deepEqual([view.state, view.version], ["stopped", "1.2.0"]);
  assert.equal(await codeOf(invoke(home, "rests", "mark", "")), "PLUGIN_INACTIVE");
});

test("grants are for the digest that was shown: an older version has none any more", async () => {
  const kv = { kv: { quota: "1MiB", reason: "remember" } };
  const module = (say: string) => relay(["kv_set"], say);
  const manifest = (version: string) => ({ version, provides: jsonTools("kv_set"), uses: kv });
  const first = await writeFolder(home, "bound", manifest("1.0.0"), module("1"));
  await installFrom(home, first);
  const set = { key: "a", value: "1" };
  assert.deepEqual((await invoke(home, "bound", "kv_set", set)).value, { ok: { set: true } });
  const second = await writeFolder(home, "bound", manifest("2.0.0"), module("2"));
  const { digest } = await installFrom(home, second);
  assert.equal((host.grants.view("local/bound") as { digest: string }).digest, digest);
  assert.deepEqual((await invoke(home, "bound", "kv_set", set)).value, { ok: { set: true } });
  const input = { json: JSON.stringify(set) };
  const old = { caller: owner, plugin: "local/bound@1.0.0", tool: "kv_set", input };
  const denied = Buffer.from((await host.call(old)).output.bytes).toString();
  assert.match(denied, /CAPABILITY_DENIED/);
});

test("a removed plugin may do no more than compute, also in calls that still run", async () => {
  const manifest = {
    provides: { tools: [{ name: "late", encoding: "json" }] },
    uses: { kv: { quota: "1MiB", reason: "remember" } },
  };
  // Sleeps, then tries to write.
  const module = relay(["kv_set"]).replace(
    '(func (export "mark")',
    `(func (export "late")
       (i64.store (i32.const 8216) (i64.const 300000000))
       (drop (call $poll_oneoff
         (i32.const 8192) (i32.const 8256) (i32.const 1) (i32.const 8320)))
       (call $giveBack (call $kv_set (call $copied))))
     (func (export "mark")`,
  );
  await installFrom(home, await writeFolder(home, "leaves", manifest, module));
  const late = invoke(home, "leaves", "late", { key: "a", value: "late" });
  await sleep(50);
  await host.plugins.remove("local/leaves", owner, { purge: false });
  assert.match(JSON.stringify((await late).value), /CAPABILITY_DENIED/);
  assert.ok(!(await filesOf(home)).some((path) => path.includes("leaves")));
});

/** A guest whose hooks say their names in its log. */
function telling(say: string): string {
  const hooks = ["health", "load", "unload", "config"].map((hook) => `${say} ${hook}`.padEnd(16));
  return guest({
    data: hooks.join(""),
    body: hooks
      .map(
        (hook, index) => `(func (export "on_${hook.trim().split(" ")[1]}") (result i32)
          (call $log_info (call $block (i32.const ${1024 + 16 * index}) (i32.const 16)))
          (i32.const 0))`,
      )
      .concat('(func (export "mark") (call $ok))')
      .join("\n"),
  });
}

test("hooks run once a version, in their order, and their lines belong to no call", async () => {
  const lifecycle = {
    health: "on_health",
    load: "on_load",
    unload: "on_unload",
    config: "on_config",
  };
  const config = { type: "object", properties: { units: { enum: ["metric", "imperial"] } } };
  const manifest = (version: string) => ({ version, lifecycle, config, provides: text("mark") });
  const lines = async () =>
    (await host.plugins.logs("local/tells", 100)).map(
      (line) => `${line.callId} ${line.text.trim()}`,
    );
  await installFrom(home, await writeFolder(home, "tells", manifest("1.0.0"), telling("v1")));
  await installFrom(home, await writeFolder(home, "tells", manifest("2.0.0"), telling("v2")));
  await host.plugins.setConfig("local/tells", { units: "metric" }, owner);
  await host.plugins.disable("local/tells", owner);
  await host.plugins.enable("local/tells", owner);
  const expected = ["v1 health", "v1 load", "v2 health", "v2 load", "v1 unload", "v2 config"];
  assert.deepEqual(
    await lines(),
    expected.map((line) => `null ${line}`),
  );
  using heard = hear("local/tells");
  await host.plugins.remove("local/tells", owner, { purge: false });
  assert.deepEqual(heard.lines, ["v2 unload"]);
});

function hear(id: string): Disposable & { lines: string[] } {
  const lines: string[] = [];
  const follow = host.plugins.follow(id, ({ text: line }) => void lines.push(line.trim()));
  return Object.assign(follow, { lines });
}

test("installs of one plugin at the same time end with one of them, whole", async () => {
  const minors = [1, 2, 3, 4];
  const folders = await Promise.all(minors.map((minor) => versionOf(home, "races", minor)));
  const install = (path: string) => installFrom(home, path, { allowDowngrade: true });
  const views = await Promise.all(folders.map(install));
  const view = host.plugins.info("local/races");
  assert.deepEqual([...view.versions].sort(), ["1.1.0", "1.2.0", "1.3.0", "1.4.0"]);
  assert.ok(views.some(({ digest }) => digest === view.digest));
  assert.equal(await mark(home, "races"), `version ${view.version.split(".")[1]}`);
  for (const minor of minors) {
    const plugin = `local/races@1.${minor}.0`;
    const { output } = await host.call({
      caller: owner,
      plugin,
      tool: "mark",
      input: { json: '""' },
    });
    assert.equal(Buffer.from(output.bytes).toString(), `"version ${minor}"`);
  }
  const packages = (await filesOf(home)).filter((path) => /races.*manifest\.json$/.test(path));
  assert.equal(packages.length, minors.length);
});

test("installs, stops and removes of one plugin at the same time leave no half of it", async () => {
  const folders = await Promise.all([1, 2].map((minor) => versionOf(home, "chaos", minor)));
  await installFrom(home, folders[0] ?? "");
  const acts = [
    () => installFrom(home, folders[1] ?? ""),
    () => host.plugins.stop("local/chaos", owner),
    () => host.plugins.remove("local/chaos", owner, { purge: true }),
    () => installFrom(home, folders[0] ?? "", { allowDowngrade: true }),
    () => host.plugins.enable("local/chaos", owner),
  ];
  await Promise.all(acts.map((act) => codeOf(act() as Promise<unknown>)));
  const isThere = host.plugins.list().some(({ id }) => id === "local/chaos");
  const onDisk = (await filesOf(home)).filter((path) => path.includes("chaos"));
  assert.equal(onDisk.length > 0, isThere);
  if (isThere)
    assert.match(await codeOf(invoke(home, "chaos", "mark", "")), /^(ok|PLUGIN_INACTIVE)$/);
});

test("an install that cannot be written changes nothing", async () => {
  await using broken = await openTestHost();
  await installFrom(broken, await versionOf(broken, "firm", 1));
  const before = await filesOf(broken);
  const database = new Database(join(broken.folder, "home", "convergio.db"));
  database.exec("DROP TABLE highest");
  database.close();
  const update = await versionOf(broken, "firm", 2);
  await assert.rejects(installFrom(broken, update), /no such table/);
  assert.deepEqual(broken.host.plugins.info("local/firm").versions, ["1.1.0"]);
  assert.deepEqual(await filesOf(broken), before);
});
