/**
 * Who attacks: the author of a plugin. What they hold: functions of the host, as many calls as fit in
 * a megabyte of straight code, where the guest's own instructions are next to nothing.
 *
 * What must not happen: that work which the host does for a guest is free, overflows what counts it,
 * or holds the thread for longer than the guest's own code could.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guest, neighbor, userImport, wasiImport } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const sandbox = openSandbox();
after(() => sandbox[Symbol.dispose]());
const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await ask("answer")).value, "ok");
await answers();
const [runner] = sandbox.fleet.runners;

const key = "(call $alloc (i64.const 1))";
/** One call of the host each, and how often straight code repeats it: seconds, if nobody counts. */
const work: Readonly<Record<string, readonly [once: string, times: number]>> = {
  randomBytes: ["(drop (call $random_get (i32.const 0) (i32.const 1048576)))", 3_000],
  variables: [`(call $var_set ${key} (call $alloc (i64.const 900000)))`, 10_000],
  lines: [`(call $log_info ${key})`, 40_000],
  longLines: ["(call $log_info (call $alloc (i64.const 65000)))", 10_000],
  configuration: [`(drop (call $config_get ${key}))`, 40_000],
  writes: [
    "(drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))",
    20_000,
  ],
  vectors: [
    "(drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 999) (i32.const 0)))",
    9_000,
  ],
  clocks: ["(drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 0)))", 40_000],
  blocks: ["(drop (call $alloc (i64.const 64)))", 60_000],
};

const imports = `${wasiImport("random_get", "(param i32 i32) (result i32)")}
  ${wasiImport("fd_write", "(param i32 i32 i32 i32) (result i32)")}
  ${wasiImport("clock_time_get", "(param i32 i64 i32) (result i32)")}`;
/** One vector at 8 that points to 60,000 bytes without a newline. */
const vector =
  "(i32.store (i32.const 8) (i32.const 4096)) (i32.store (i32.const 12) (i32.const 60000))";

for (const [name, [once, times]] of Object.entries(work)) {
  test(`straight calls of the host (${name}) end before they hold the thread for long`, async () => {
    const straight = `${once}\n`.repeat(times);
    const module = guest({
      imports,
      pages: 17,
      body: `(func (export "straight") ${vector} ${straight} (call $ok))
        (func (export "looping") ${vector} (loop $l ${once} (br $l)))`,
    });
    const { call } = await sandbox.load({ id: name, module });
    const fuel = 2_000_000_000;
    const holding = call("straight", { fuel });
    await answers();
    const { code, fuel: burnt } = await holding;
    // On a machine that is busy with other things the deadline may come first.
    assert.ok(["ok", "FUEL_EXHAUSTED", "DEADLINE_EXCEEDED"].includes(code), code);
    assert.ok(burnt > 0 && burnt < 2 * fuel, `${burnt}`);
    const looping = call("looping", { deadlineMs: 200 });
    for (let round = 0; round < 5; round++) await answers();
    assert.equal((await looping).code, "DEADLINE_EXCEEDED");
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });
}

test("fuel that host functions burn ends a call like any other", async () => {
  const body = `(func (export "looping") ${vector} (loop $l ${work["randomBytes"]?.[0]} (br $l)))`;
  const { call } = await sandbox.load({
    id: "thrifty",
    module: guest({ imports, pages: 17, body }),
  });
  const { code, fuel } = await call("looping", { fuel: 100_000_000 });
  assert.equal(code, "FUEL_EXHAUSTED");
  assert.ok(fuel >= 100_000_000 && fuel < 110_000_000, `${fuel}`);
});

test("questions to the host in straight code give way to others and are paid at each", async () => {
  const once = "(drop (call $kv_get (call $block (i32.const 1024) (i32.const 2))))";
  const module = guest({
    imports: userImport("kv_get"),
    data: "{}",
    body: `(func (export "straight") ${`${once}\n`.repeat(5_000)} (call $ok))`,
  });
  const json = Buffer.from(JSON.stringify({ ok: "x".repeat(100_000) }));
  const functions = { kv_get: async () => ({ json, blocks: [] }) };
  const { call } = await sandbox.load({
    id: "asking",
    module,
    functions,
    limits: { memoryBytes: 2 ** 29 },
  });
  const asking = call("straight", { fuel: 40_000_000 });
  for (let round = 0; round < 5; round++) await answers();
  const { code, hostCalls } = await asking;
  assert.equal(code, "FUEL_EXHAUSTED");
  assert.ok(hostCalls > 100 && hostCalls < 5_000, `${hostCalls}`);
  assert.deepEqual(sandbox.fleet.runners, [runner]);
});
