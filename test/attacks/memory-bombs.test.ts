/**
 * Who attacks: the author of a plugin. What they hold: `memory.grow`, `table.grow` and the
 * instructions that write a whole range at once.
 *
 * What must not happen: that a guest gets more memory than its limit, that one instruction holds the
 * thread for long, that what one call took is missing in the next.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guest, neighbor } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const sandbox = openSandbox();
after(() => sandbox[Symbol.dispose]());
const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await ask("answer")).value, "ok");
await answers();
const [runner] = sandbox.fleet.runners;

const memoryBytes = 64 * 1024 ** 2;
const fullPages = 1_000;
/** Says how many hundreds of pages there are. */
const count = `(func $count (param $pages i32)
  (i32.store8 (i32.const 2048) (i32.add (i32.const 48) (i32.div_u (local.get $pages) (i32.const 1000))))
  (i32.store8 (i32.const 2049) (i32.add (i32.const 48)
    (i32.rem_u (i32.div_u (local.get $pages) (i32.const 100)) (i32.const 10))))
  (call $say (i32.const 2048) (i32.const 2)))`;

const { call } = await sandbox.load({
  id: "bomb",
  module: guest({
    body: `${count}
      (table $functions 10 funcref) (table $others 10 externref) (elem declare func $count)
      (func (export "grow") (loop $l
        (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (call $count (memory.size)))
      (func (export "leap") (drop (memory.grow (i32.const 65535)))
        (drop (memory.grow (i32.const -1))) (drop (memory.grow (i32.const 40000)))
        (call $count (memory.size)))
      (func (export "tables") (loop $l
        (drop (table.grow $others (ref.null extern) (i32.const 4000)))
        (br_if $l (i32.ne (table.grow $functions (ref.func $count) (i32.const 4000)) (i32.const -1))))
        (call $ok))
      (func (export "blocks") (loop $l
        (br_if $l (i64.ne (call $alloc (i64.const 100000)) (i64.const 0)))) (call $ok))
      (func (export "crumbs") (loop $l
        (br_if $l (i64.ne (call $alloc (i64.const 1)) (i64.const 0)))) (call $ok))
      (func (export "huge") (call $giveBack (call $alloc (i64.const -1)))
        (call $giveBack (call $alloc (i64.const 0x7fffffff))) (call $ok))
      (func (export "both") (drop (memory.grow (i32.const 900))) (loop $l
        (br_if $l (i64.ne (call $alloc (i64.const 100000)) (i64.const 0)))) (call $ok))
      (func (export "fill") (drop (memory.grow (i32.const ${fullPages})))
        (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const ${fullPages * 65_536})) (br $l)))
      (func (export "copy") (drop (memory.grow (i32.const ${fullPages})))
        (loop $l (memory.copy (i32.const 0) (i32.const 7) (i32.const ${fullPages * 65_536 - 7}))
          (br $l)))
      (func (export "fillTable") (drop (table.grow $functions (ref.null func) (i32.const 900000)))
        (loop $l (table.fill $functions (i32.const 0) (ref.func $count) (i32.const 900000)) (br $l)))
      (func (export "copyTable") (drop (table.grow $functions (ref.null func) (i32.const 900000)))
        (loop $l (table.copy $functions $functions (i32.const 0) (i32.const 7) (i32.const 899000))
          (br $l)))`,
  }),
});

for (const name of ["grow", "leap", "tables", "blocks", "crumbs", "huge", "both"])
  test(`a guest that takes all it can get (${name}) gets its limit and no more`, async () => {
    const { code, memoryBytes: used } = await call(name, { deadlineMs: 8_000 });
    assert.equal(code, "ok");
    assert.ok(used <= memoryBytes, `${used}`);
    await answers();
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });

test("guest memory ends below the limit, because the kernel's is part of it", async () => {
  assert.equal((await call("grow")).value, 10);
  assert.equal((await call("leap")).value, "00");
});

for (const name of ["fill", "copy", "fillTable", "copyTable"])
  test(`whole ranges in an endless loop (${name}) yield to the neighbor and end in time`, async () => {
    const writing = call(name, { deadlineMs: 300 });
    for (let round = 0; round < 10; round++) await answers();
    assert.equal((await writing).code, "DEADLINE_EXCEEDED");
    await answers();
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });

test("many that fill their memory at once leave nothing behind that grows", async () => {
  for (let round = 0; round < 3; round++) {
    const all = Array.from({ length: 8 }, () => call("fill", { deadlineMs: 200 }));
    await answers();
    for (const { code } of await Promise.all(all)) assert.equal(code, "DEADLINE_EXCEEDED");
  }
  await answers();
  assert.deepEqual(sandbox.fleet.runners, [runner]);
});
