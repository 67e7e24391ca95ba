import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditRecord } from "#manifests/audit.ts";
import { codeOf, invoke, openTestHost, type TestHost } from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

async function openWithGuest(): Promise<TestHost> {
  const host = await openTestHost({ settings: { "pools.running": "2" } });
  const tools = [...jsonTools("spin", "tools_call").tools, { name: "nap", encoding: "text" }];
  const edge = { alias: "self", plugin: "local/it", tools: ["nap", "spin"], reason: "call itself" };
  const manifest = { provides: { tools }, uses: { tools: [edge] } };
  await installFrom(host, await writeFolder(host, "it", manifest, relay(["tools_call"], "rested")));
  return host;
}

test("drain() lets calls finish that run or wait, and takes no new one", async () => {
  await using host = await openWithGuest();
  const calls = Array.from({ length: 4 }, () => invoke(host, "it", "nap", ""));
  await sleep(50);
  assert.equal(host.host.accepting, true);
  const drained = host.host.drain(10_000);
  assert.equal(host.host.accepting, false);
  assert.equal(await codeOf(invoke(host, "it", "nap", "")), "HOST_STOPPING");
  for (const { value } of await Promise.all(calls)) assert.equal(value, "rested");
  await drained;
});

test("drain() lets running calls call other tools until they are done", async () => {
  await using host = await openWithGuest();
  const nested = invoke(host, "it", "tools_call", { tool: "self/nap", input: "" });
  void host.host.drain(10_000);
  assert.deepEqual((await nested).value, { ok: "rested" });
});

test("drain() ends with HOST_STOPPING what is not done in time, and every end is audited", async () => {
  await using host = await openWithGuest();
  const calls = Array.from({ length: 3 }, () => codeOf(invoke(host, "it", "spin")));
  await sleep(50);
  await host.host.drain(100);
  assert.deepEqual(await Promise.all(calls), Array(3).fill("HOST_STOPPING"));
  const records = (await host.host.auditQuery({ kind: "call", limit: 10 })) as AuditRecord[];
  assert.deepEqual(
    records
      .filter(({ tool }) => tool === "spin")
      .map(({ code, decision }) => `${code} ${decision}`),
    Array(3).fill("HOST_STOPPING failed"),
  );
});

test("a host that is disposed in the middle of calls ends them, and crashes over none", async () => {
  const host = await openWithGuest();
  const calls = Array.from({ length: 3 }, () => codeOf(invoke(host, "it", "spin")));
  await sleep(50);
  await host[Symbol.asyncDispose]();
  for (const code of await Promise.all(calls)) assert.notEqual(code, "ok");
});
