/** The attacker is a plugin that is told new settings: whatever it does then, the old ones hold until it agrees. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditRecord } from "#manifests/audit.ts";
import { owner } from "#runtime/keys.ts";
import { guest, userImport } from "#test/support/guests.ts";
import { codeOf, invoke, openTestHost } from "#test/support/host.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { host } = home;

const request = '{"key":"told","value":"x"}';
const ask = `(call $log_info (call $kv_set (call $block (i32.const 1024) (i32.const ${request.length}))))`;

async function install(id: string, hook: string, own: object = {}): Promise<void> {
  const unitsAt = 1024 + request.length;
  const module = guest({
    imports: userImport("kv_set"),
    data: `${request}units`,
    body: `
      (func (export "units")
        (call $giveBack (call $config_get (call $block (i32.const ${unitsAt}) (i32.const 5)))))
      (func (export "on_config") (result i32) ${hook})`,
  });
  const manifest = {
    provides: { tools: [{ name: "units", encoding: "text" }] },
    uses: { kv: { quota: "1MiB", reason: "remember" } },
    lifecycle: { config: "on_config" },
    config: { type: "object", properties: { units: { type: "string", default: "metric" } } },
    ...own,
  };
  await installFrom(home, await writeFolder(home, id, manifest, module));
}

const units = async (id: string) => (await invoke(home, id, "units", "")).value;
const set = (id: string, value: string) =>
  host.plugins.setConfig(`local/${id}`, { units: value }, owner);

for (const [what, hook] of [
  ["refuses", "(i32.const 1)"],
  ["traps", "unreachable"],
  ["never ends", "(loop $again (br $again)) (i32.const 0)"],
  ["says an error", "(call $error_set (call $block (i32.const 1016) (i32.const 2))) (i32.const 0)"],
] as const)
  test(`a hook that ${what} leaves the old settings in force, and calls see no other meanwhile`, async () => {
    const id = `told-${what.replaceAll(" ", "-")}`;
    await install(id, hook);
    const seen = new Set<unknown>();
    const state = { over: false };
    const calling = (async () => {
      while (!state.over) {
        seen.add(await units(id));
        await sleep(10);
      }
    })();
    assert.equal(await codeOf(set(id, "imperial")), "CONFIG_REFUSED");
    state.over = true;
    await calling;
    assert.deepEqual([...seen], ["metric"]);
    assert.deepEqual(host.plugins.config(`local/${id}`), {});
    assert.equal(await units(id), "metric");
  });

test("a hook asks the host under the grants of its plugin, as a call of whoever configured it", async () => {
  await install("asks", `${ask} (i32.const 0)`);
  await set("asks", "imperial");
  const [effect] = (await host.auditQuery({
    ...{ kind: "effect", plugin: "local/asks", limit: 10 },
  })) as AuditRecord[];
  assert.partialDeepStrictEqual(effect, { act: "kv_set", decision: "allowed", owner: "owner" });
  assert.equal(await units("asks"), "imperial");
});

test("a plugin that somebody stopped is run neither to be told settings nor to be loaded", async () => {
  const load = { load: "on_config", config: "on_config" };
  await install("still", `${ask} (i32.const 0)`, { lifecycle: load });
  await host.plugins.stop("local/still", owner);
  const before = await callsOf("local/still");
  await set("still", "imperial");
  await install("still", `${ask} (i32.const 0)`, { lifecycle: load, version: "2.0.0" });
  assert.equal(await callsOf("local/still"), before);
  await host.plugins.start("local/still", owner);
  assert.equal(await units("still"), "imperial");
});

async function callsOf(plugin: string): Promise<number> {
  return (await host.auditQuery({ kind: "call", plugin, limit: 100 })).length;
}

test("settings for a plugin with a single instance reach the calls after those that wait", async () => {
  await install("alone", "(i32.const 0)", { instances: "single" });
  const before = Array.from({ length: 10 }, () => units("alone"));
  const setting = set("alone", "imperial");
  await setting;
  for (const value of await Promise.all(before)) assert.equal(value, "metric");
  assert.equal(await units("alone"), "imperial");
});

test("settings that are changed many times at once end with one of them, in memory and on disk", async () => {
  await install("many", "(i32.const 0)");
  await Promise.all(["a", "b", "c", "d"].map((value) => set("many", value)));
  assert.equal(await units("many"), "d");
  assert.deepEqual(host.plugins.config("local/many"), { units: "d" });
});
