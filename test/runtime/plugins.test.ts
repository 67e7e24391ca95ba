import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { AuditRecord } from "#manifests/audit.ts";
import { type Caller, owner } from "#runtime/keys.ts";
import { guest } from "#test/support/guests.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { codeOf, invoke, openHostIn, openTestHost, type TestHost } from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { filesOf, installFrom, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { plugins } = home.host;
const ada: Caller = { ...owner, kind: "key", id: "k1", owner: "ada" };

const kv = { kv: { quota: "1MiB", reason: "remember" } };
const keeping = { provides: jsonTools("kv_set", "kv_get", "say"), uses: kv };
const read = async (to: TestHost, id: string) =>
  JSON.stringify((await invoke(to, id, "kv_get", { key: "a" })).value);

async function install(to: TestHost, id: string, manifest: object = keeping): Promise<string> {
  const module = relay(["kv_set", "kv_get"], id);
  return (await installFrom(to, await writeFolder(to, id, { ...manifest }, module))).id;
}

async function lastRecord(kind: string): Promise<AuditRecord | undefined> {
  return (await home.host.auditQuery({ kind, limit: 1 }))[0] as AuditRecord | undefined;
}

test("every act on a plugin that is not there says so", async () => {
  const id = "local/ghost";
  for (const look of ["info", "config"] as const)
    assert.throws(() => plugins[look](id), { code: "PLUGIN_NOT_FOUND" });
  assert.throws(() => plugins.follow(id, () => {}), { code: "PLUGIN_NOT_FOUND" });
  for (const act of ["enable", "disable", "stop", "start"] as const)
    assert.equal(await codeOf(plugins[act](id, owner)), "PLUGIN_NOT_FOUND");
  assert.equal(await codeOf(plugins.remove(id, owner, { purge: false })), "PLUGIN_NOT_FOUND");
  assert.equal(await codeOf(plugins.setConfig(id, {}, owner)), "PLUGIN_NOT_FOUND");
  assert.equal(await codeOf(plugins.logs(id, 10)), "PLUGIN_NOT_FOUND");
});

test("list() is in the order of ids, and manifest() is what the author wrote", async () => {
  await install(home, "zebra");
  await install(home, "apple");
  const ids = plugins.list().map(({ id }) => id);
  assert.deepEqual(ids, [...ids].sort());
  const written = { manifest: 1, id: "zebra", version: "1.0.0", ...keeping };
  assert.deepEqual(await plugins.manifest("local/zebra"), written);
});

for (const [act, state] of [
  ["stop", "stopped"],
  ["disable", "disabled"],
  ["start", "active"],
  ["enable", "active"],
] as const)
  test(`${act}() makes a plugin ${state}, under the name of who did it`, async () => {
    const id = await install(home, "states");
    const view = await plugins[act](id, ada);
    assert.deepEqual(
      [view.state, view.reason],
      [state, state === "active" ? null : `${act} by ada`],
    );
    assert.deepEqual(plugins.info(id), view);
    assert.partialDeepStrictEqual(await lastRecord("plugin"), {
      act,
      decision: "allowed",
      owner: "ada",
      keyId: "k1",
      plugin: id,
      version: "1.0.0",
    });
  });

test("what an operator decided survives a restart, and a stopped plugin answers nobody", async () => {
  await using folder = await temporaryFolder();
  const views = await (async () => {
    await using first = await openHostIn(folder.path);
    for (const id of ["one", "two", "three"]) await install(first, id);
    await invoke(first, "one", "kv_set", { key: "a", value: "kept" });
    await first.host.plugins.stop("local/two", ada);
    await first.host.plugins.disable("local/three", ada);
    return first.host.plugins.list();
  })();
  await using second = await openHostIn(folder.path);
  assert.deepEqual(second.host.plugins.list(), views);
  assert.match(await read(second, "one"), /kept/);
  for (const id of ["two", "three"])
    assert.equal(await codeOf(invoke(second, id, "kv_get", { key: "a" })), "PLUGIN_INACTIVE");
  await second.host.plugins.start("local/two", ada);
  assert.match(await read(second, "two"), /null/);
});

test("remove() takes plugin and grants, and keeps values and settings for the same plugin", async () => {
  const manifest = {
    ...keeping,
    config: { type: "object", properties: { a: { type: "string" } } },
  };
  const id = await install(home, "leaves", manifest);
  await invoke(home, "leaves", "kv_set", { key: "a", value: "kept" });
  await plugins.setConfig(id, { a: "b" }, owner);
  await plugins.remove(id, ada, { purge: false });
  assert.throws(() => plugins.info(id), { code: "PLUGIN_NOT_FOUND" });
  assert.partialDeepStrictEqual(await lastRecord("plugin"), {
    act: "remove",
    owner: "ada",
    plugin: id,
  });
  assert.ok(!(await filesOf(home)).some((path) => path.includes("leaves")));
  await install(home, "leaves", manifest);
  assert.match(await read(home, "leaves"), /kept/);
  assert.deepEqual(plugins.config(id), { a: "b" });
  await invoke(home, "leaves", "say", "hello");
  await plugins.remove(id, owner, { purge: true });
  assert.partialDeepStrictEqual(await lastRecord("plugin"), { act: "purge" });
  await install(home, "leaves", manifest);
  assert.match(await read(home, "leaves"), /null/);
  assert.deepEqual(plugins.config(id), {});
  assert.deepEqual(await plugins.logs(id, 10), []);
});

/** A guest that reads its setting \`units\`, and refuses one that is longer than 8 bytes. */
const configured = guest({
  data: "units",
  body: `
    (func (export "units")
      (call $giveBack (call $config_get (call $block (i32.const 1024) (i32.const 5)))))
    (func (export "check") (result i32)
      (i64.gt_u
        (call $length (call $config_get (call $block (i32.const 1024) (i32.const 5))))
        (i64.const 8)))`,
});
const settings = {
  provides: { tools: [{ name: "units", encoding: "text" }] },
  config: {
    type: "object",
    properties: { units: { type: "string", default: "metric" } },
    additionalProperties: false,
  },
  lifecycle: { config: "check" },
};

test("setConfig() holds for the next call, and what is refused changes nothing", async () => {
  const { id } = await installFrom(home, await writeFolder(home, "reads", settings, configured));
  const units = async () => (await invoke(home, "reads", "units", "")).value;
  assert.equal(await units(), "metric");
  assert.deepEqual(await plugins.setConfig(id, { units: "imperial" }, ada), { units: "imperial" });
  assert.equal(await units(), "imperial");
  assert.partialDeepStrictEqual(await lastRecord("config"), {
    act: "set",
    owner: "ada",
    plugin: id,
  });
  for (const [value, code] of [
    [{ units: 7 }, "CONFIG_INVALID"],
    [{ other: "a" }, "CONFIG_INVALID"],
    [[], "CONFIG_INVALID"],
    ["text", "CONFIG_INVALID"],
    [null, "CONFIG_INVALID"],
    [{ units: "much too long" }, "CONFIG_REFUSED"],
  ] as const) {
    assert.equal(await codeOf(plugins.setConfig(id, value, owner)), code, JSON.stringify(value));
    assert.deepEqual(plugins.config(id), { units: "imperial" });
    assert.equal(await units(), "imperial");
  }
});

test("setConfig() of a plugin without settings takes nothing but an empty object", async () => {
  const id = await install(home, "bare");
  assert.equal(await codeOf(plugins.setConfig(id, { a: 1 }, owner)), "CONFIG_INVALID");
  assert.deepEqual(await plugins.setConfig(id, {}, owner), {});
});

test("logs() gives what a guest said, with its call, and follow() says it at once", async () => {
  const id = await install(home, "says");
  const heard: string[] = [];
  const follow = plugins.follow(id, (line) => void heard.push(line.text));
  const { callId } = await invoke(home, "says", "say", "first");
  follow[Symbol.dispose]();
  await invoke(home, "says", "say", "second");
  assert.deepEqual(heard, ['"first"']);
  const lines = await plugins.logs(id, 10);
  assert.deepEqual(
    lines.map(({ level, text }) => `${level} ${text}`),
    ['info "first"', 'info "second"'],
  );
  assert.equal(lines[0]?.callId, callId);
  assert.equal((await plugins.logs(id, 1))[0]?.text, '"second"');
});
