import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Fleet, type FleetOptions } from "#runtime/sandbox/fleet.ts";
import type { GuestPlan } from "#runtime/sandbox/messages.ts";
import type { Runner, RunnerEnd } from "#runtime/sandbox/runner.ts";

const program = fileURLToPath(import.meta.resolve("#test/support/hostile-runner.ts"));

/** A fleet of runners that play a trick when they are called, and what was told of their ends. */
interface TestFleet extends Disposable {
  readonly fleet: Fleet;
  readonly started: readonly number[];
  /** The next end that is told. */
  end(): Promise<RunnerEnd & { readonly runner: Runner; readonly binding: string }>;
}

function openFleet(trick: string, own: Partial<FleetOptions> = {}): TestFleet {
  const started: number[] = [];
  const ends = new EventTarget();
  const fleet = new Fleet({
    runnersMax: 8,
    idleMs: 60_000,
    residentBytesMax: 2 ** 40,
    heapMiB: 64,
    share: false,
    start: (heapMiB) => {
      started.push(heapMiB);
      return spawn(process.execPath, [program, trick], { env: {} });
    },
    ...own,
  });
  fleet.onEnd((runner, binding, end) => {
    ends.dispatchEvent(new CustomEvent("end", { detail: { runner, binding, ...end } }));
  });
  return {
    fleet,
    started,
    end: async () => (await once(ends, "end"))[0].detail,
    [Symbol.dispose]: () => fleet[Symbol.dispose](),
  };
}

async function runnerFor(fleet: Fleet, binding: string): Promise<Runner> {
  const runner = await fleet.runnerFor(binding);
  assert.ok(runner);
  return runner;
}

function call(runner: Runner): Promise<unknown> {
  const limits = { hostCalls: 1, logBytes: 1 };
  const ports = { ask: () => Promise.withResolvers<never>().promise, log: () => {} };
  const invoke = { module: 1, tool: 0, instance: 1, flags: 0, deadlineMs: 60_000, fuel: 1 };
  const input = Buffer.of();
  return runner.run({ invoke, input, functionCount: 1, limits, ports, onWait: () => {} }, () => {});
}

test("runnerFor() gives each signer a runner of its own, and always the same one", async () => {
  using test = openFleet("mute");
  const [ada, again, bob] = await Promise.all(
    ["ada", "ada", "bob"].map((binding) => runnerFor(test.fleet, binding)),
  );
  assert.equal(ada, again);
  assert.notEqual(ada?.pid, bob?.pid);
  assert.equal(test.fleet.runners.length, 2);
});

test("runnerFor() gives all signers one runner where the operator said so", async () => {
  using test = openFleet("mute", { share: true });
  const [ada, bob] = await Promise.all(["ada", "bob"].map((each) => runnerFor(test.fleet, each)));
  assert.equal(ada, bob);
});

test("runnerFor() takes the runner that stands ready, and has another made ready", async () => {
  using test = openFleet("mute");
  assert.equal(test.started.length, 1);
  await runnerFor(test.fleet, "ada");
  assert.deepEqual(test.started, [64, 64]);
});

test("runnerFor() ends the runner that was idle longest when every place is taken", async () => {
  using test = openFleet("mute", { runnersMax: 2 });
  const ada = await runnerFor(test.fleet, "ada");
  const bob = await runnerFor(test.fleet, "bob");
  const end = test.end();
  await runnerFor(test.fleet, "cem");
  assert.deepEqual([ada.ended, bob.ended], [true, false]);
  const { binding, runner, wanted } = await end;
  assert.deepEqual([binding, runner, wanted], ["ada", ada, true]);
  assert.equal(test.fleet.runners.length, 2);
});

test("runnerFor() never takes the place of a runner that starts, loads or has calls", async () => {
  using test = openFleet("mute", { runnersMax: 1 });
  const starting = test.fleet.runnerFor("ada");
  assert.equal(await test.fleet.runnerFor("bob"), undefined);
  const ada = await starting;
  assert.ok(ada);
  const loading = ada.load(1, {} as GuestPlan, Buffer.of());
  assert.equal(await test.fleet.runnerFor("bob"), undefined);
  await loading;
  void call(ada);
  assert.equal(await test.fleet.runnerFor("bob"), undefined);
  assert.equal(ada.ended, false);
});

test("runnerFor() gives up single instances last", async () => {
  using test = openFleet("mute", { runnersMax: 2 });
  const ada = await runnerFor(test.fleet, "ada");
  const bob = await runnerFor(test.fleet, "bob");
  ada.singles = 1;
  await runnerFor(test.fleet, "cem");
  assert.deepEqual([ada.ended, bob.ended], [false, true]);
});

test("a runner that dies is told of, and replaced at the next call", async () => {
  using test = openFleet("its own end");
  const ada = await runnerFor(test.fleet, "ada");
  await ada.load(7, {} as GuestPlan, Buffer.of());
  const end = test.end();
  void call(ada);
  const { binding, runner, wanted, suspects } = await end;
  assert.deepEqual([binding, runner, wanted, [...suspects]], ["ada", ada, false, [1]]);
  assert.notEqual(await runnerFor(test.fleet, "ada"), ada);
});

test("a runner whose end is decided is replaced before it is gone, and its end is told all the same", async () => {
  using test = openFleet("mute");
  const ada = await runnerFor(test.fleet, "ada");
  const end = test.end();
  ada.kill("the test says so");
  const next = await runnerFor(test.fleet, "ada");
  assert.notEqual(next, ada);
  assert.equal((await end).runner, ada);
  assert.equal(await runnerFor(test.fleet, "ada"), next);
});

test("a runner without calls is ended after a while, one with a call or a single instance is not", async () => {
  using test = openFleet("mute", { idleMs: 900 });
  const [idle, busy, single] = await Promise.all(
    ["idle", "busy", "single"].map((binding) => runnerFor(test.fleet, binding)),
  );
  assert.ok(idle && busy && single);
  void call(busy);
  single.singles = 1;
  const { runner, reason, wanted } = await test.end();
  assert.deepEqual([runner, reason, wanted], [idle, "it was idle", true]);
  assert.deepEqual([busy.ended, single.ended], [false, false]);
});

test("a runner that outgrows its memory is killed", {
  skip: process.platform !== "linux",
}, async () => {
  using test = openFleet("mute", { residentBytesMax: 1 });
  // On a busy machine that is before it has started, which whoever waits for it hears too.
  await runnerFor(test.fleet, "ada").catch(() => {});
  const { reason, wanted } = await test.end();
  assert.deepEqual([reason, wanted], ["it outgrew its memory", false]);
});

test("a runner that cannot be started is said to whoever wants it, and tried again for the next", async () => {
  const tries = { count: 0 };
  using test = openFleet("mute", {
    start: () => {
      tries.count += 1;
      return tries.count < 3
        ? spawn(process.execPath, ["--no-such-flag"], { env: {} })
        : spawn(process.execPath, [program, "mute"], { env: {} });
    },
  });
  await assert.rejects(test.fleet.runnerFor("ada"));
  await assert.rejects(test.fleet.runnerFor("ada"), /no-such-flag/);
  await runnerFor(test.fleet, "ada");
});

test("a fleet that is disposed ends every runner, and starts none", async () => {
  const test = openFleet("mute");
  const ada = await runnerFor(test.fleet, "ada");
  const end = test.end();
  test.fleet[Symbol.dispose]();
  assert.equal(ada.ended, true);
  assert.equal((await end).wanted, true);
  const before = test.started.length;
  await assert.rejects(test.fleet.runnerFor("ada"), { code: "HOST_STOPPING" });
  assert.equal(test.started.length, before);
});
