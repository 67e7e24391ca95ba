/** The attacker has taken over a runner: it writes whatever it likes into the pipe to the host. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { GuestPlan } from "#runtime/sandbox/messages.ts";
import { type Outcome, Runner, type RunnerEnd, type Work } from "#runtime/sandbox/runner.ts";
import { startProcess } from "#runtime/sandbox/process.ts";
import { codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";

const program = fileURLToPath(import.meta.resolve("#test/support/hostile-runner.ts"));
const startHostile = (trick: string) => spawn(process.execPath, [program, trick], { env: {} });

const plan = { plugin: "victim", functions: ["extism:host/user.kv_get"] } as unknown as GuestPlan;

/** A hostile runner with its module loaded, and what the host heard of it. */
interface Meeting extends Disposable {
  readonly runner: Runner;
  readonly ended: Promise<RunnerEnd>;
  readonly heard: { asked: number; logged: number; waits: number };
  call(deadlineMs?: number): Promise<Outcome>;
}

async function meet(trick: string): Promise<Meeting> {
  const { promise: ended, resolve } = Promise.withResolvers<RunnerEnd>();
  const runner = new Runner(() => startHostile(trick), resolve);
  const heard = { asked: 0, logged: 0, waits: 0 };
  const unanswered = Promise.withResolvers<never>();
  const work: Omit<Work, "invoke"> = {
    input: Buffer.from("{}"),
    functionCount: 1,
    limits: { hostCalls: 5, logBytes: 1_000 },
    ports: {
      ask: () => {
        heard.asked += 1;
        return unanswered.promise;
      },
      log: () => {
        heard.logged += 1;
      },
    },
    onWait: (waits) => {
      heard.waits += waits ? 1 : -1;
    },
  };
  await runner.started;
  await runner.load(1, plan, Buffer.from("module"));
  return {
    runner,
    ended,
    heard,
    call: (deadlineMs = 20_000) =>
      runner.run(
        { ...work, invoke: { module: 1, tool: 0, instance: 1, flags: 0, deadlineMs, fuel: 1_000 } },
        () => {},
      ),
    [Symbol.dispose]: () => runner.stop("the test is over"),
  };
}

function codeIn({ payload }: Outcome): string {
  return JSON.parse(payload.toString()).code;
}

for (const [trick, reason] of [
  ["foreign result", /call that was not live/],
  ["foreign question", /call that was not live/],
  ["question out of order", /out of order/],
  ["question asked twice", /out of order/],
  ["function beyond the plan", /out of order/],
  ["too many questions", /too often/],
  ["question that does not add up", /call that was not live/],
  ["foreign log", /call that was not live/],
  ["unknown level", /call that was not live/],
  ["flood of logs", /logged too much/],
  ["flood of empty logs", /logged too much/],
  ["endless line", /call that was not live/],
  ["unknown type", /type 99/],
  ["frame of the host", /type 3/],
  ["answer of its own", /type 4/],
  ["over-long frame", /frame of 4294967295 bytes/],
  ["empty frame", /frame of 0 bytes/],
  ["short result", /call that was not live/],
  ["empty log", /call that was not live/],
  ["garbage", /frame of \d+ bytes/],
  ["unasked loaded", /load that nobody asked for/],
  ["unasked refusal", /load that nobody asked for/],
  ["negative fuel", /call that was not live/],
  ["fuel that is no number", /call that was not live/],
  ["endless memory", /call that was not live/],
  ["its own end", /ended by itself \(7\)/],
] as const)
  test(`a runner that sends ${trick} is killed, and its call with it`, async () => {
    using meeting = await meet(trick);
    const outcome = await meeting.call();
    assert.equal(codeIn(outcome), "RUNNER_DIED");
    assert.equal(outcome.ok || outcome.alive, false);
    const end = await meeting.ended;
    assert.match(end.reason, reason);
    assert.equal(end.wanted, false);
    assert.equal(meeting.runner.ended, true);
    assert.equal(meeting.heard.waits, 0);
  });

test("a second result changes nothing about the first, and kills the runner", async () => {
  using meeting = await meet("second result");
  const outcome = await meeting.call();
  assert.equal(outcome.payload.toString(), '"done"');
  assert.match((await meeting.ended).reason, /call that was not live/);
});

test("a flood of logs reaches the host no further than the call may log", async () => {
  using meeting = await meet("flood of logs");
  await meeting.call();
  assert.ok(meeting.heard.logged > 0 && meeting.heard.logged <= 1_000 / 16 + 1);
});

test("the authority of a call ends at its deadline although its runner says nothing", async () => {
  using meeting = await meet("mute");
  const startedAt = performance.now();
  assert.equal(codeIn(await meeting.call(100)), "DEADLINE_EXCEEDED");
  assert.ok(performance.now() - startedAt >= 100);
  const end = await meeting.ended;
  assert.match(end.reason, /did not end a call that was over/);
  assert.deepEqual([...end.suspects], [1]);
});

test("half a frame and then silence ends at the deadline as well", async () => {
  using meeting = await meet("half a frame");
  assert.equal(codeIn(await meeting.call(100)), "DEADLINE_EXCEEDED");
  assert.match((await meeting.ended).reason, /did not end a call that was over/);
});

for (const trick of ["late question", "late log", "late result"])
  test(`a ${trick} after the deadline is ignored, and answered by nobody`, async () => {
    using meeting = await meet(trick);
    assert.equal(codeIn(await meeting.call(100)), "DEADLINE_EXCEEDED");
    // Longer than it takes to kill a runner that does not end its call.
    await sleep(200);
    assert.equal(meeting.runner.ended, false);
    assert.deepEqual(meeting.heard, { asked: 0, logged: 0, waits: 0 });
  });

for (const trick of ["endless chatter", "a frame byte by byte"])
  test(`${trick} after the deadline does not keep a runner alive`, async () => {
    using meeting = await meet(trick);
    assert.equal(codeIn(await meeting.call(100)), "DEADLINE_EXCEEDED");
    assert.match((await meeting.ended).reason, /did not end a call that was over|logged too much/);
    assert.equal(meeting.heard.logged, 0);
  });

test("a late result that comes twice kills the runner", async () => {
  using meeting = await meet("late result twice");
  assert.equal(codeIn(await meeting.call(100)), "DEADLINE_EXCEEDED");
  assert.match((await meeting.ended).reason, /call that was not live/);
});

test("a cancelled call is over at once, whatever its runner does", async () => {
  using meeting = await meet("mute");
  const running = meeting.call();
  meeting.runner.cancel(1, "CALL_CANCELLED");
  assert.equal(codeIn(await running), "CALL_CANCELLED");
  assert.match((await meeting.ended).reason, /did not end a call that was over/);
});

test("a call that waits for the host when its runner ends is no suspect", async () => {
  using meeting = await meet("question, then its own end");
  const outcome = await meeting.call();
  assert.equal(codeIn(outcome), "RUNNER_DIED");
  assert.equal(outcome.diedWaiting, true);
  assert.deepEqual([...(await meeting.ended).suspects], []);
  assert.deepEqual(meeting.heard, { asked: 1, logged: 0, waits: 0 });
});

test("a program that cannot be started is an end like any other", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<RunnerEnd>();
  const runner = new Runner(() => spawn("/nowhere/at/all"), resolve);
  await assert.rejects(runner.started);
  assert.match((await ended).reason, /could not be started/);
  assert.equal(runner.ended, true);
});

const guest = '(module (memory (export "memory") 1) (func (export "go") (result i32) i32.const 0))';

for (const trick of ["foreign result", "garbage", "its own end", "mute"])
  test(`a host whose runner sends ${trick} audits it, and replaces the runner`, async () => {
    const started: string[] = [];
    // The first is spare when the plugin is installed, and the second takes its first call.
    await using host = await openTestHost({
      settings: { "defaults.timeout": "300ms" },
      startRunner: (heapMiB) => {
        started.push("runner");
        return started.length === 1 ? startHostile(trick) : startProcess("runner-main.ts", heapMiB);
      },
    });
    await installGuest(host, { id: "victim", module: guest });
    const expected = trick === "mute" ? "DEADLINE_EXCEEDED" : "RUNNER_DIED";
    assert.equal(await codeOf(invoke(host, "victim", "go")), expected);
    // A mute runner is killed after its call was answered.
    await sleep(trick === "mute" ? 300 : 50);
    assert.equal((await invoke(host, "victim", "go")).value, "");
    const [record, ...more] = await host.host.auditQuery({ kind: "runner", limit: 10 });
    assert.partialDeepStrictEqual(record, {
      act: "died",
      decision: "failed",
      plugin: "local/victim",
    });
    assert.deepEqual(more, []);
    assert.ok(started.length >= 2);
  });
