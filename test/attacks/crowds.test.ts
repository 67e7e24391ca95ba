/**
 * Who attacks: a caller with a key, and ten thousand calls.
 *
 * What must not happen: that another caller waits behind them, that the queue grows without end, that a
 * call which its caller has given up still runs, or that one plugin's crowd takes another plugin's turns.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { guest, neighbor, wasiImport } from "#test/support/guests.ts";
import { callerNamed, codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";

/** Time is no assertion: this tells an answer from a hang. */
const hangMs = 20_000;

const work = guest({
  imports: wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
  body: `(func (export "spin") (loop $l (br $l)))
    (func (export "quick") (call $ok))
    (func (export "sleep")
      (i64.store (i32.const 2072) (i64.const 30000000000))
      (i32.store (i32.const 2064) (i32.const 1))
      (drop (call $poll_oneoff (i32.const 2048) (i32.const 3000) (i32.const 1) (i32.const 4000))))`,
});
const tools = ["spin", "quick", "sleep"].map((name) => ({ name, encoding: "text" }));

const host = await openTestHost({
  settings: {
    "runners.share": "true",
    "queues.wait": "20s",
    "queues.perPlugin": "12000",
    "queues.perCaller": "9000",
    "callers.running": "20000",
  },
});
after(() => host[Symbol.asyncDispose]());
await installGuest(host, { id: "neighbor", module: neighbor });
await installGuest(host, {
  id: "work",
  module: work,
  manifest: { provides: { tools }, limits: { timeout: "3s", fuel: 1_000_000_000_000 } },
});
await invoke(host, "neighbor", "answer");
await invoke(host, "work", "quick", "");

const crowd = callerNamed("crowd");
const single = callerNamed("single");

test("ten thousand calls of one caller leave another one's call a place in the next turn", async () => {
  const answered = { crowd: 0 };
  const calls = Array.from({ length: 9_000 }, () =>
    invoke(host, "work", "quick", "", { caller: crowd }).then(() => {
      answered.crowd += 1;
    }),
  );
  const { value } = await invoke(host, "work", "quick", "", { caller: single });
  assert.equal(value, "ok");
  // Served in turn, not in line: most of the crowd is still waiting.
  assert.ok(answered.crowd < 4_500, `${answered.crowd} of the crowd came before`);
  await Promise.all(calls);
  assert.equal(answered.crowd, 9_000);
});

test("the queue of one caller and of all callers are bounded, each with its own code", async () => {
  const stop = new AbortController();
  const options = { signal: stop.signal };
  const codes: Promise<string>[] = [];
  const send = (name: string, count: number) => {
    const caller = callerNamed(name);
    for (let index = 0; index < count; index++) {
      codes.push(codeOf(invoke(host, "work", "spin", "", { caller, ...options })));
    }
  };
  send("greedy", 9_100);
  send("others", 3_100);
  const first = await Promise.race([Promise.allSettled(codes.slice(-1)), hang()]);
  assert.ok(first);
  stop.abort();
  const told = Map.groupBy(await Promise.all(codes), (code) => code);
  const count = (code: string) => told.get(code)?.length ?? 0;
  assert.ok(count("CALLER_QUEUE_FULL") >= 30, `${count("CALLER_QUEUE_FULL")} were too many of one`);
  assert.ok(count("QUEUE_FULL") >= 30, `${count("QUEUE_FULL")} were too many of all`);
  assert.equal([...told.keys()].filter((code) => !/QUEUE_FULL$|CANCELLED/.test(code)).join(), "");
  assert.equal(host.host.calls.list(owner).length, 0);
  assert.equal((await invoke(host, "work", "quick", "")).value, "ok");
});

test("a caller's calls in all are bounded by callers.running", async () => {
  await using small = await openTestHost({ settings: { "callers.running": "2" } });
  await installGuest(small, { id: "work", module: work, manifest: { provides: { tools } } });
  await invoke(small, "work", "quick", "");
  const stop = new AbortController();
  const options = { caller: crowd, signal: stop.signal };
  const sleeping = [1, 2].map(() => codeOf(invoke(small, "work", "sleep", "", options)));
  assert.equal(await codeOf(invoke(small, "work", "quick", "", { caller: crowd })), "CALLER_BUSY");
  assert.equal((await invoke(small, "work", "quick", "", { caller: single })).value, "ok");
  stop.abort();
  assert.deepEqual(await Promise.all(sleeping), ["CALL_CANCELLED", "CALL_CANCELLED"]);
  assert.equal((await invoke(small, "work", "quick", "", { caller: crowd })).value, "ok");
});

test("fifty spinning calls of one plugin leave the plugin beside it its turns", async () => {
  const stop = new AbortController();
  const spinning = Array.from({ length: 50 }, () =>
    codeOf(invoke(host, "work", "spin", "", { caller: crowd, signal: stop.signal })),
  );
  for (let count = 0; count < 20; count++) {
    assert.equal((await invoke(host, "neighbor", "answer")).value, "ok");
  }
  stop.abort();
  for (const code of await Promise.all(spinning)) assert.match(code, /CANCELLED|DEADLINE/);
});

test("a call that is cancelled in the queue never runs, one that sleeps wakes to its end", async () => {
  const stop = new AbortController();
  const spinning = Array.from({ length: 64 }, () =>
    codeOf(invoke(host, "work", "spin", "", { caller: crowd, signal: stop.signal })),
  );
  const give = new AbortController();
  const queued = codeOf(invoke(host, "work", "quick", "", { caller: crowd, signal: give.signal }));
  give.abort();
  assert.equal(await queued, "CALL_CANCELLED");
  stop.abort();
  await Promise.all(spinning);
  const asleep = new AbortController();
  const sleeping = codeOf(invoke(host, "work", "sleep", "", { signal: asleep.signal }));
  setTimeout(() => asleep.abort(), 50);
  assert.equal(await sleeping, "CALL_CANCELLED");
});

test("a call that sleeps past its deadline is ended there", async () => {
  assert.equal(await codeOf(invoke(host, "work", "sleep", "")), "DEADLINE_EXCEEDED");
});

function hang(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, hangMs, undefined).unref());
}
