/** Which calls are run a second time after their runner died: those that waited, and had only read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { HostError } from "#manifests/errors.ts";
import { nothingGranted } from "#manifests/grants.ts";
import { createAdmission } from "#runtime/admission.ts";
import type { Audit } from "#runtime/audit.ts";
import type { AuditEntry } from "#runtime/audit-line.ts";
import { call } from "#runtime/call.ts";
import { Calls } from "#runtime/calls.ts";
import type { GuestLogs } from "#runtime/guest-logs.ts";
import type { Active, Shelf } from "#runtime/installed.ts";
import { owner } from "#runtime/keys.ts";
import type { Metrics } from "#runtime/metrics.ts";
import type { Outcome, Runner } from "#runtime/sandbox/runner.ts";
import { callSecretsWith } from "#test/support/call-secrets.ts";
import { fakeClock } from "#test/support/clock.ts";
import { type FakeFleet, type FakeRunner, fakePool } from "#test/support/fake-fleet.ts";
import { version } from "#test/support/installed.ts";

const none = { raw: false, fuel: 5, memoryBytes: 0, hostCalls: 0 };
const done: Outcome = { ...none, ok: true, alive: true, payload: Buffer.from("1") };
const died: Outcome = {
  ...none,
  ok: false,
  alive: false,
  payload: Buffer.from('{"code":"RUNNER_DIED","facts":{}}'),
};
const question = { json: Buffer.from("{}"), blocks: [] };

/** A host of one plugin on runners that a test lets die. */
function open(instances: "fresh" | "single" = "fresh") {
  const clock = fakeClock();
  const { pool, fleet } = fakePool(instances);
  const asked: string[] = [];
  const functions = ["reads", "writes"].map((name) => ({
    reads: name === "reads",
    guarded: async () => {
      asked.push(name);
      return question;
    },
  }));
  const limits = {
    timeoutMs: 1_000,
    fuel: 100,
    inputBytes: 100,
    hostCalls: 100,
  } as Active["limits"];
  const plugin = {
    version: version("it"),
    limits,
    pool,
    tools: new Map([["count", { index: 0, tool: { annotations: {} } }]]),
    holdings: () => () => nothingGranted,
    functions,
  } as unknown as Active;
  const audited: AuditEntry[] = [];
  const calls = new Calls({
    clock,
    shelf: { callable: () => plugin } as unknown as Shelf,
    admission: createAdmission(clock, () => ({ runningMax: 10, fuelPerSecond: 0 })),
    audit: {
      append: (entry) => void audited.push(entry),
      committed: async () => {},
    } as Audit,
    logs: { write: () => {} } as unknown as GuestLogs,
    metrics: { call: () => {} } as unknown as Metrics,
    secrets: callSecretsWith(),
  });
  const code = async () => {
    const request = { caller: owner, plugin: "it", tool: "count", input: { json: "1" } };
    return call(calls, request).then(
      () => "ok",
      (error: HostError) => error.code,
    );
  };
  return { clock, pool, fleet, calls, asked, audited, code };
}

/** The call that a runner got, once it is there. */
async function runOf(fleet: FakeFleet, runner: number): Promise<FakeRunner["runs"][number]> {
  for (let turns = 0; turns < 100; turns++) {
    const run = fleet.all[runner]?.runs[0];
    if (run) return run;
    await nextTurn();
  }
  return assert.fail("it was never called");
}

function kill({ pool, fleet }: ReturnType<typeof open>, runner: number): void {
  const dead = fleet.all[runner];
  assert.ok(dead);
  dead.ended = true;
  pool.lost(dead as unknown as Runner);
}

for (const instances of ["fresh", "single"] as const)
  test(`a call on a ${instances} instance that only read is run once more in a new runner`, async () => {
    const host = open(instances);
    const code = host.code();
    const first = await runOf(host.fleet, 0);
    await first.work.ports.ask(0, question, 0);
    host.clock.advance(400);
    first.end({ ...died, diedWaiting: true });
    kill(host, 0);
    const second = await runOf(host.fleet, 1);
    assert.equal(second.work.invoke.deadlineMs, 600);
    second.end(done);
    assert.equal(await code, "ok");
    assert.deepEqual(host.pool.load, { live: 0, queued: 0 });
    assert.equal(host.audited.length, 1);
  });

test("a call is run twice at most", async () => {
  const host = open();
  const code = host.code();
  for (const runner of [0, 1]) {
    const run = await runOf(host.fleet, runner);
    run.end({ ...died, diedWaiting: true });
    kill(host, runner);
  }
  assert.equal(await code, "RUNNER_DIED");
  await nextTurn();
  assert.equal(host.fleet.all.length, 2);
});

for (const [what, number, outcome] of [
  ["that was on the processor", 0, { ...died, diedWaiting: false }],
  ["that asked for a change", 1, { ...died, diedWaiting: true }],
  ["whose end says nothing of waiting", 0, died],
  [
    "that failed while its runner lived",
    0,
    { ...died, payload: Buffer.from('{"code":"PLUGIN_TRAPPED"}') },
  ],
] as const)
  test(`a call ${what} is never run again`, async () => {
    const host = open();
    const code = host.code();
    const first = await runOf(host.fleet, 0);
    await first.work.ports.ask(number, question, 0);
    first.end(outcome);
    kill(host, 0);
    assert.notEqual(await code, "ok");
    await nextTurn();
    assert.equal(host.fleet.all.length, 1);
    assert.deepEqual(host.pool.load, { live: 0, queued: 0 });
  });

test("a call that changed something counts as such although it read afterwards", async () => {
  const host = open();
  const code = host.code();
  const first = await runOf(host.fleet, 0);
  await first.work.ports.ask(1, question, 0);
  await first.work.ports.ask(0, question, 0);
  first.end({ ...died, diedWaiting: true });
  assert.equal(await code, "RUNNER_DIED");
  assert.deepEqual(host.asked, ["writes", "reads"]);
});

test("a cancelled call is not run again", async () => {
  const host = open();
  const code = host.code();
  const first = await runOf(host.fleet, 0);
  host.calls.cancelAll("it");
  first.end({ ...died, diedWaiting: true });
  assert.equal(await code, "RUNNER_DIED");
});

test("a call whose plugin was swapped meanwhile ends with what happened to it", async () => {
  const host = open();
  const code = host.code();
  const first = await runOf(host.fleet, 0);
  host.pool.close();
  first.end({ ...died, diedWaiting: true });
  kill(host, 0);
  assert.equal(await code, "RUNNER_DIED");
});
