import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { invokeFlag } from "#runtime/sandbox/messages.ts";
import type { Outcome } from "#runtime/sandbox/runner.ts";
import type { Seat, SeatWork } from "#runtime/sandbox/seat.ts";
import { type FakeFleet, fakePool } from "#test/support/fake-fleet.ts";

const outcome: Outcome = {
  ok: true,
  alive: true,
  raw: false,
  fuel: 1,
  memoryBytes: 1,
  hostCalls: 0,
  payload: Buffer.from("1"),
};
const work: SeatWork = {
  tool: 3,
  input: Buffer.from("{}"),
  rawInput: false,
  rawOutput: false,
  deadlineMs: 100,
  fuel: 50,
  ports: { ask: () => Promise.withResolvers<never>().promise, log: () => {} },
  signal: undefined,
};

async function seatOf(instances: "fresh" | "warm"): Promise<{ seat: Seat; fleet: FakeFleet }> {
  const { pool, fleet } = fakePool(instances);
  return { seat: await pool.acquire("ada", undefined), fleet };
}

/** The one call that the runner got. */
function runOf({ current: { runs } }: FakeFleet) {
  const [run] = runs;
  assert.ok(run && runs.length === 1);
  return run;
}

test("run() says what is to be called, on which instance, and with what budget", async () => {
  const { seat, fleet } = await seatOf("warm");
  const running = seat.run(work);
  const { work: sent, end } = runOf(fleet);
  const { instance } = seat;
  assert.deepEqual(sent.invoke, {
    module: 1,
    tool: 3,
    instance,
    flags: 0,
    deadlineMs: 100,
    fuel: 50,
  });
  end(outcome);
  assert.equal(await running, outcome);
});

for (const [instances, own, flags] of [
  ["fresh", {}, invokeFlag.discardAfter],
  ["warm", { rawInput: true }, invokeFlag.rawInput],
  ["fresh", { rawInput: true, rawOutput: true }, 7],
] as const)
  test(`run() marks a call on a ${instances} instance with ${JSON.stringify(own)}`, async () => {
    const { seat, fleet } = await seatOf(instances);
    void seat.run({ ...work, ...own });
    assert.equal(runOf(fleet).work.invoke.flags, flags);
  });

test("run() cancels its own call when the signal fires, and stops listening afterwards", async () => {
  const { seat, fleet } = await seatOf("warm");
  const { signal, ...controller } = abortable();
  const running = seat.run({ ...work, signal });
  controller.abort();
  assert.deepEqual(fleet.current.cancelled, [{ call: 1, code: "CALL_CANCELLED" }]);
  runOf(fleet).end({ ...outcome, ok: false, alive: false });
  await running;
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("run() cancels at once when the signal fired before it began", async () => {
  const { seat, fleet } = await seatOf("warm");
  const { signal, abort } = abortable();
  abort();
  void seat.run({ ...work, signal });
  assert.equal(fleet.current.cancelled.length, 1);
});

test("run() of a call that is over ignores a late signal", async () => {
  const { seat, fleet } = await seatOf("warm");
  const { signal, abort } = abortable();
  const running = seat.run({ ...work, signal });
  runOf(fleet).end(outcome);
  await running;
  abort();
  assert.deepEqual(fleet.current.cancelled, []);
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

test("a seat gives back an instance that is good, and counts one that is not as gone", async () => {
  for (const alive of [true, false]) {
    const { seat, fleet } = await seatOf("warm");
    const running = seat.run(work);
    runOf(fleet).end({ ...outcome, alive });
    await running;
    seat[Symbol.dispose]();
    assert.equal(fleet.current.instances, alive ? 1 : 0);
  }
});

test("a seat is given back once", async () => {
  const { pool, fleet } = fakePool("warm");
  const seat = await pool.acquire("ada", undefined);
  seat[Symbol.dispose]();
  seat[Symbol.dispose]();
  assert.deepEqual(pool.load, { live: 0, queued: 0 });
  assert.equal(fleet.current.instances, 1);
});
