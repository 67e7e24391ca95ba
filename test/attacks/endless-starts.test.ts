/**
 * Who attacks: the author of a plugin. What they hold: code that runs before any call does: the start
 * section, `_initialize`, `__wasm_call_ctors`, `hs_init`.
 *
 * What must not happen: that such code runs for long, where nothing can suspend it; that it burns on
 * when the call that it was started for is over; that it takes its runner with it.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { guest, neighbor, wasiImport } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const sandbox = openSandbox();
after(() => sandbox[Symbol.dispose]());
const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await ask("answer")).value, "ok");
await answers();
const [runner] = sandbox.fleet.runners;

const run = '(func (export "run") (call $ok))';
const spin = "(loop $l (br $l))";
const caught = "(loop $l (try (do (loop $inner (br $inner))) (catch_all)) (br $l))";
/** Calls of the host, whose work is not the guest's own: it counts all the same. */
const setting = `(loop $l (call $var_set (call $alloc (i64.const 8)) (call $alloc (i64.const 500000)))
  (br $l))`;
const straight = "(drop (call $config_get (call $alloc (i64.const 500000))))\n".repeat(20_000);

const starts: Readonly<Record<string, string>> = {
  "in a start section": guest({ body: `${run} (func $s ${spin}) (start $s)` }),
  "in a start section that catches all": guest({ body: `${run} (func $s ${caught}) (start $s)` }),
  "of host calls in a start section": guest({ body: `${run} (func $s ${setting}) (start $s)` }),
  "of straight host calls in a start section": guest({
    body: `${run} (func $s ${straight}) (start $s)`,
  }),
  "of recursion in a start section": guest({ body: `${run} (func $s (call $s)) (start $s)` }),
  "that sleeps in a start section": guest({
    imports: wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
    body: `${run} (func $s (i64.store (i32.const 24) (i64.const 60000000000)) (drop
      (call $poll_oneoff (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))
      ${spin}) (start $s)`,
  }),
};

for (const [what, module] of Object.entries(starts)) {
  test(`an endless loop ${what} ends as INIT_FAILED, and the runner lives`, async () => {
    const { call } = await sandbox.load({ id: what, module });
    const starting = call("run");
    for (let round = 0; round < 5; round++) await answers();
    assert.equal((await starting).code, "INIT_FAILED");
    await answers();
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });
}

const initialisers: Readonly<Record<string, string>> = {
  "in _initialize": guest({ body: `${run} (func (export "_initialize") ${spin})` }),
  "in _initialize that catches all": guest({
    body: `${run} (func (export "_initialize") ${caught})`,
  }),
  "in __wasm_call_ctors": guest({ body: `${run} (func (export "__wasm_call_ctors") ${spin})` }),
  "in hs_init": guest({ body: `${run} (func (export "hs_init") (param i32 i32) ${spin})` }),
};

test("endless loops in initialisers end as INIT_FAILED, all at once, and the runner lives", async () => {
  const starting = Object.entries(initialisers).map(async ([id, module]) => {
    const { call } = await sandbox.load({ id, module });
    return (await call("run")).code;
  });
  for (let round = 0; round < 5; round++) await answers();
  for (const code of await Promise.all(starting)) assert.equal(code, "INIT_FAILED");
  await answers();
  assert.deepEqual(sandbox.fleet.runners, [runner]);
});

test("a call that is over takes the start of its instance with it", async () => {
  const body = `${run} (func (export "_initialize") ${spin})`;
  const { call } = await sandbox.load({ id: "slow", module: guest({ body }), instances: "warm" });
  for (let round = 0; round < 5; round++)
    assert.equal((await call("run", { deadlineMs: 20 })).code, "DEADLINE_EXCEEDED");
  await answers();
  await sleep(50);
  const before = ticksOf(runner?.pid);
  await sleep(300);
  const busy = ticksOf(runner?.pid) - before;
  assert.ok(busy < 5, `the runner was busy for ${busy * 10} of 300 ms with calls that were over`);
});

/** Hundredths of a second that a process has used the processor. */
function ticksOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
