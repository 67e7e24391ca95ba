/**
 * Who attacks: the author of a plugin. What they hold: functions that call themselves without end.
 *
 * What must not happen: that a full stack ends the runner or is caught by the guest, that the stacks
 * of suspended calls take the runner's memory, that the next call finds the remains.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guest, neighbor, wasiImport } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const sandbox = openSandbox();
after(() => sandbox[Symbol.dispose]());
const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await ask("answer")).value, "ok");
await answers();
const [runner] = sandbox.fleet.runners;

const locals = "(local i64 i64 i64 i64 i64 i64 i64 i64)";
const { call } = await sandbox.load({
  id: "deep",
  instances: "warm",
  module: guest({
    imports: wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
    body: `(type $plain (func)) (table funcref (elem $ping $pong))
      (func $self (result i32) ${locals} (i32.add (call $self) (i32.const 1)))
      (func (export "self") (drop (call $self)))
      (func $ping (call_indirect (type $plain) (i32.const 1)) (call $free (i64.const 0)))
      (func $pong (call_indirect (type $plain) (i32.const 0)) (call $free (i64.const 0)))
      (func (export "mutual") (call $ping))
      (func (export "caught") (loop $l (try (do (drop (call $self))) (catch_all)) (br $l)))
      (func $nested (try (do (call $nested)) (catch_all (call $nested))))
      (func (export "nested") (call $nested))
      (func $count (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1) (call $count (i32.sub (local.get 0) (i32.const 1)))))
          (else (i64.store (i32.const 24) (i64.const 200000000)) (drop
            (call $poll_oneoff (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))
            (i32.const 0))))
      (func (export "sleeping") (drop (call $count (i32.const 10000))) (call $ok))
      (func (export "fine") (call $ok))`,
  }),
});

for (const name of ["self", "mutual", "caught", "nested"])
  test(`endless recursion (${name}) ends the call alone, and the next one is answered`, async () => {
    const ended = await call(name);
    assert.equal(ended.code, "PLUGIN_TRAPPED");
    assert.match(String(ended.value), /call stack/);
    assert.equal((await call("fine")).value, "ok");
    await answers();
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });

test("a hundred deep stacks, suspended together, all resume", async () => {
  const sleeping = Array.from({ length: 100 }, () => call("sleeping"));
  await answers();
  for (const { code } of await Promise.all(sleeping)) assert.equal(code, "ok");
  await answers();
  assert.deepEqual(sandbox.fleet.runners, [runner]);
});
