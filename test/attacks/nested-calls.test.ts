/**
 * Who attacks: the author of a plugin that may call another's tools. What they hold: `tools_call`.
 *
 * What must not happen: that a plugin burns more fuel or time by asking others than it has itself,
 * that calls nest without end, that what is asked on behalf of a call outlives it, or that an edge
 * which was not granted is crossed.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { guest, userImport } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";
import { owner } from "#runtime/keys.ts";

const host = await openTestHost({ settings: { "queues.wait": "300ms" } });
after(() => host[Symbol.asyncDispose]());

const asking = (data: string) => `(call $tools_call
  (call $block (i32.const 1024) (i32.const ${data.length})))`;
const again = '{"tool":"other/again","input":""}';
const twice = '{"tool":"other/twice","input":""}';
const own = '{"tool":"self","input":""}';

const tool = (name: string) => ({ name, description: "Asks another", encoding: "text" });
const edge = (alias: string, plugin: string, tools: readonly string[]) => ({
  ...{ alias, plugin: `local/${plugin}`, tools, reason: "to attack it" },
});

const relay = (data: string) =>
  guest({
    imports: userImport("tools_call"),
    data,
    body: `(func (export "relay") (call $giveBack (call $tools_call (call $input_offset))))
      (func (export "again") (call $giveBack ${asking(data)}))
      (func (export "twice") (drop ${asking(data)}) (call $giveBack ${asking(data)}))
      (func (export "swarm") (loop $l (drop (call $tools_call (call $input_offset))) (br $l)))
      (func (export "spin") (loop $l (br $l)))
      (func (export "fine") (call $ok))`,
  });

const names = ["relay", "again", "twice", "swarm", "spin", "fine"];
async function installRelay(
  id: string,
  data: string,
  tools: readonly object[],
  more: object = {},
): Promise<void> {
  const manifest = { provides: { tools: names.map(tool) }, uses: { tools }, ...more };
  await installGuest(host, { id, module: relay(data), manifest });
}
const limits = { fuel: 50_000_000, timeout: "1s" };
await installRelay("callee", again, [edge("other", "asker", ["again"])], {
  limits: { fuel: 100_000_000_000, timeout: "30s" },
});
await installRelay(
  "asker",
  again,
  [edge("other", "callee", ["again", "spin", "fine"]), edge("gone", "gone", ["fine"])],
  { limits },
);
const ask = async (name: string, more = {}) =>
  (await invoke(host, "asker", "relay", JSON.stringify({ tool: name, input: "", ...more }))).value;
const errorOf = (value: unknown) => (value as { error?: { code: string } }).error?.code;

interface CallRecord {
  readonly callId: string;
  readonly plugin: string;
  readonly fuel: number;
  readonly wallMs: number;
  readonly code: string | null;
  readonly chain: readonly string[];
}
const records = async (limit: number) =>
  (await host.host.auditQuery({ kind: "call", limit })) as CallRecord[];
/** The newest two, the call that was made on behalf of the other first: either may end first. */
const pair = async () => (await records(2)).toSorted((a, b) => b.chain.length - a.chain.length);

test("a granted tool answers", async () => {
  assert.deepEqual(await ask("other/fine"), { ok: "ok" });
});

test("what was not granted is denied: another tool, another alias, another plugin's id", async () => {
  const denied = [
    "other/twice",
    "other",
    "nobody/fine",
    "local/callee/fine",
    "other/again/again",
    "/",
    "",
  ];
  for (const name of denied) {
    const code = errorOf(await ask(name));
    assert.ok(
      ["CAPABILITY_DENIED", "HOST_REQUEST_INVALID"].includes(code ?? ""),
      `${name} ${code}`,
    );
  }
  assert.equal(errorOf(await ask("gone/fine")), "PLUGIN_NOT_FOUND");
});

test("a call that another burns empty has no fuel of its own left, and both are within its limit", async () => {
  assert.equal(await codeOf(ask("other/spin")), "FUEL_EXHAUSTED");
  const [child, parent] = await pair();
  assert.equal(child?.code, "FUEL_EXHAUSTED");
  assert.deepEqual(child?.chain, ["local/asker"]);
  assert.ok(child && child.fuel <= limits.fuel && child.fuel > limits.fuel * 0.9, `${child?.fuel}`);
  assert.ok(parent && parent.fuel <= limits.fuel && parent.fuel >= child.fuel, `${parent?.fuel}`);
});

test("a call that another holds too long ends with its own time, and takes the other with it", async () => {
  const manifest = {
    provides: { tools: names.map(tool) },
    uses: { tools: [edge("other", "callee", ["spin"])] },
    limits: { fuel: 1_000_000_000_000, timeout: "250ms" },
  };
  await installGuest(host, { id: "hasty", module: relay(again), manifest });
  const input = JSON.stringify({ tool: "other/spin", input: "" });
  // The one that was asked ends first, so that the other may just have time to say so.
  assert.match(await codeOf(invoke(host, "hasty", "relay", input)), /^(?:ok|DEADLINE_EXCEEDED)$/);
  await sleep(200);
  assert.deepEqual(host.host.calls.list(owner), []);
  const [child, parent] = await pair();
  assert.match(child?.code ?? "", /^(?:DEADLINE_EXCEEDED|CALL_CANCELLED)$/);
  assert.ok(child && parent && child.wallMs <= parent.wallMs && parent.wallMs < 5_000);
  assert.deepEqual(await ask("other/fine"), { ok: "ok" });
});

test("a call that is cancelled takes with it what was asked on its behalf", async () => {
  const manifest = {
    provides: { tools: names.map(tool) },
    uses: { tools: [edge("other", "callee", ["spin"])] },
    limits: { fuel: 1_000_000_000_000, timeout: "30s" },
  };
  await installGuest(host, { id: "patient", module: relay(again), manifest });
  const input = JSON.stringify({ tool: "other/spin", input: "" });
  const signal = AbortSignal.timeout(200);
  assert.equal(await codeOf(invoke(host, "patient", "relay", input, { signal })), "CALL_CANCELLED");
  await sleep(200);
  assert.deepEqual(host.host.calls.list(owner), []);
  assert.deepEqual(await ask("other/fine"), { ok: "ok" });
});

test("plugins that call each other without end stop at the depth that the host bounds", async () => {
  const { value } = await invoke(host, "asker", "again", "");
  assert.match(JSON.stringify(value), /DEPTH_EXCEEDED/);
  assert.ok((await records(20)).every(({ chain }) => chain.length <= 8));
  assert.deepEqual(await ask("other/fine"), { ok: "ok" });
});

test("a tree of calls, each of which makes two, is bounded by depth and budget", async () => {
  for (const [id, other] of [
    ["left", "right"],
    ["right", "left"],
  ] as const)
    await installRelay(id, twice, [edge("other", other, ["twice"])], { limits: { timeout: "4s" } });
  const outcome = await codeOf(invoke(host, "left", "twice", ""));
  assert.ok(["ok", "DEADLINE_EXCEEDED"].includes(outcome), outcome);
  await sleep(100);
  assert.deepEqual(host.host.calls.list(owner), []);
});

test("a single instance that calls itself waits for itself no longer than the queue allows", async () => {
  await installRelay("selfish", own, [edge("self", "selfish", ["again"])], {
    instances: "single",
    limits: { timeout: "3s" },
  });
  const { value } = await invoke(host, "selfish", "again", "");
  assert.equal(errorOf(value), "QUEUE_TIMEOUT");
  assert.equal((await invoke(host, "selfish", "fine", "")).value, "ok");
});

test("asking without end is bounded by host calls", async () => {
  const manifest = {
    provides: { tools: names.map(tool) },
    uses: { tools: [edge("other", "callee", ["fine"])] },
    limits: { hostCalls: 200, timeout: "8s" },
  };
  await installGuest(host, { id: "swarm", module: relay(again), manifest });
  const input = JSON.stringify({ tool: "other/fine", input: "" });
  assert.equal(await codeOf(invoke(host, "swarm", "swarm", input)), "HOST_CALLS_EXHAUSTED");
  assert.deepEqual(await ask("other/fine"), { ok: "ok" });
});
