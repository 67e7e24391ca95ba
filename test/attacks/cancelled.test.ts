/**
 * Who attacks: a caller who goes away at the worst moment, again and again; or the author of a plugin
 * that waits for something when its time is up.
 *
 * What must not happen: that a call which is over goes on, keeps its place, wakes up later in an
 * instance that somebody else has, or that its end is lost.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Exchange } from "#runtime/sandbox/messages.ts";
import { guest, neighbor, userImport, wasiImport } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const sandbox = openSandbox();
after(() => sandbox[Symbol.dispose]());
const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await ask("answer")).value, "ok");
await answers();
const [runner] = sandbox.fleet.runners;

const sleeping = `(i64.store (i32.const 24) (i64.const 60000000000)) (drop
  (call $poll_oneoff (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))`;
const module = guest({
  imports: `${wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)")}
    ${userImport("kv_get")}`,
  data: "{}",
  body: `(global $woken (mut i32) (i32.const 0)) (tag $mine)
    (func $ask (drop (call $kv_get (call $block (i32.const 1024) (i32.const 2)))))
    (func (export "fine") (call $ok))
    (func (export "woken") (if (global.get $woken) (then unreachable)) (call $ok))
    (func (export "spin") (global.set $woken (i32.const 1)) (loop $l (br $l)))
    (func (export "sleep") (global.set $woken (i32.const 1)) ${sleeping} (call $ok))
    (func (export "asking") (global.set $woken (i32.const 1)) (call $ask) (call $ok))
    (func (export "catching") (global.set $woken (i32.const 1))
      (loop $l (try (do ${sleeping}) (catch_all)) (try (do (call $ask)) (catch_all)) (br $l)))`,
});
const asked: (() => void)[] = [];
const never = () =>
  new Promise<Exchange>((resolve) => {
    asked.push(() => resolve({ json: Buffer.from('{"ok":null}'), blocks: [] }));
  });

for (const instances of ["fresh", "warm", "single"] as const) {
  const { call, pool } = await sandbox.load({
    ...{ id: instances, module, instances },
    functions: { kv_get: never },
    pool: { runningMax: 2 },
  });
  await call("fine");

  for (const tool of ["spin", "sleep", "asking", "catching"]) {
    test(`${instances}: a call that is cancelled (${tool}) ends, and what it left is gone`, async () => {
      const aborting = new AbortController();
      const cancelled = call(tool, { deadlineMs: 60_000, signal: aborting.signal });
      await sleep(30);
      aborting.abort();
      assert.equal((await cancelled).code, "CALL_CANCELLED");
      assert.equal((await call("woken")).value, "ok");
      await answers();
      assert.deepEqual(pool.load, { live: 0, queued: 0 });
    });

    test(`${instances}: a call whose time is up (${tool}) ends, and what it left is gone`, async () => {
      assert.equal((await call(tool, { deadlineMs: 60 })).code, "DEADLINE_EXCEEDED");
      assert.equal((await call("woken")).value, "ok");
      assert.deepEqual(pool.load, { live: 0, queued: 0 });
    });
  }

  test(`${instances}: an answer that comes after the end wakes nobody`, async () => {
    for (const answer of asked.splice(0)) answer();
    await answers();
    assert.equal((await call("woken")).value, "ok");
  });

  test(`${instances}: a call that is cancelled before it begins never begins`, async () => {
    const aborting = new AbortController();
    const calls = Array.from({ length: 6 }, () =>
      call("spin", { deadlineMs: 60_000, signal: aborting.signal }),
    );
    aborting.abort();
    for (const { code } of await Promise.all(calls)) assert.equal(code, "CALL_CANCELLED");
    assert.equal((await call("woken")).value, "ok");
    assert.deepEqual(pool.load, { live: 0, queued: 0 });
  });

  test(`${instances}: one that is cancelled in the line leaves it, and the next gets its place`, async () => {
    const first = new AbortController();
    const second = new AbortController();
    const running = Array.from({ length: 2 }, () =>
      call("spin", { deadlineMs: 60_000, signal: first.signal }),
    );
    const waiting = call("spin", { deadlineMs: 60_000, signal: second.signal });
    const next = call("woken", { deadlineMs: 60_000 });
    await sleep(20);
    second.abort();
    assert.equal((await waiting).code, "CALL_CANCELLED");
    first.abort();
    for (const { code } of await Promise.all(running)) assert.equal(code, "CALL_CANCELLED");
    assert.equal((await next).value, "ok");
    assert.deepEqual(pool.load, { live: 0, queued: 0 });
  });

  test(`${instances}: two hundred that are cancelled at any moment leave nothing behind`, async () => {
    const tools = ["spin", "sleep", "asking", "catching", "fine"];
    const calls = Array.from({ length: 200 }, (_, index) =>
      call(tools[index % tools.length] as string, {
        caller: `caller${index % 7}`,
        deadlineMs: 60_000,
        signal: AbortSignal.timeout(index % 40),
      }),
    );
    for (const { code } of await Promise.all(calls)) assert.match(code, /^(?:CALL_CANCELLED|ok)$/);
    await answers();
    assert.equal((await call("woken")).value, "ok");
    assert.deepEqual(pool.load, { live: 0, queued: 0 });
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });
}
