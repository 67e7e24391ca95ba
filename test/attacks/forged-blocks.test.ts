/**
 * Who attacks: the author of a plugin. What they hold: the fifteen functions of the kernel, any handle
 * and any address.
 *
 * What must not happen: that a guest reaches the kernel's own books, makes it loop or trap, reads what
 * another call left, or has the host read beyond a block.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guest, neighbor, userImport } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const sandbox = openSandbox();
after(() => sandbox[Symbol.dispose]());
const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await ask("answer")).value, "ok");
await answers();
const [runner] = sandbox.fleet.runners;

const handles = [
  "0",
  "1",
  "64",
  "127",
  "129",
  "-1",
  "0x7fffffff",
  "0x100000080",
  "0x8000000000000000",
];
const every = (one: (handle: string) => string) =>
  handles.map((handle) => one(`(i64.const ${handle})`)).join("\n");

const { call } = await sandbox.load({
  id: "forger",
  instances: "single",
  functions: { kv_get: async ({ json }) => ({ json, blocks: [] }) },
  module: guest({
    imports: userImport("kv_get"),
    data: "secret of the last call",
    body: `(func $sweep (param $value i64) (local $at i64)
        (local.set $at (i64.const -64))
        (loop $l (call $store_u64 (local.get $at) (local.get $value))
          (local.set $at (i64.add (local.get $at) (i64.const 1)))
          (br_if $l (i64.lt_s (local.get $at) (i64.const 70000)))))
      (func (export "zeros") (call $sweep (i64.const 0)) (call $ok))
      (func (export "ones") (call $sweep (i64.const -1)) (call $ok))
      (func (export "pattern") (drop (call $alloc (i64.const 100))) (call $sweep (i64.const 0x4141414141414141))
        (drop (call $alloc (i64.const 1000))) (call $ok))
      (func (export "freeing") ${every((handle) => `(call $free ${handle})`)} (call $ok))
      (func (export "freeTwice") (local $a i64) (local $b i64) (local $n i32)
        (loop $l
          (local.set $a (call $alloc (i64.const 100))) (call $free (local.get $a)) (call $free (local.get $a))
          (local.set $b (call $alloc (i64.const 100))) (call $free (local.get $a)) (call $free (local.get $b))
          (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20000))))
        (call $ok))
      (func (export "outputs") ${every((handle) => every((length) => `(call $output_set ${handle} ${length})`))})
      (func (export "errors") ${every((handle) => `(call $error_set ${handle})`)} (call $ok))
      (func (export "asking") ${every((handle) => `(drop (call $kv_get ${handle}))`)} (call $ok))
      (func (export "config") (drop (call $config_get (i64.const 129))))
      (func (export "logging") (call $log_info (i64.const -1)))
      (func (export "setting") (call $var_set (call $alloc (i64.const 1)) (i64.const 0x7fffffff)))
      (func (export "leave") (drop (call $block (i32.const 1024) (i32.const 23))) (call $ok))
      (func (export "look") (local $at i64) (local $seen i64)
        (drop (call $alloc (i64.const 4000)))
        (local.set $at (i64.const 128))
        (loop $l (local.set $seen (i64.or (local.get $seen)
            (i64.extend_i32_u (call $load_u8 (local.get $at)))))
          (local.set $at (i64.add (local.get $at) (i64.const 1)))
          (br_if $l (i64.lt_s (local.get $at) (i64.const 70000))))
        (i64.store (i32.const 2048) (i64.add (local.get $seen) (i64.const 48)))
        (call $say (i32.const 2048) (i32.const 1)))`,
  }),
});

for (const name of ["zeros", "ones", "pattern", "freeing", "freeTwice", "errors", "asking"])
  test(`a guest that forges what it can reach (${name}) harms itself at most`, async () => {
    const { code } = await call(name, { input: "input" });
    assert.ok(["ok", "PLUGIN_ERROR"].includes(code), code);
    assert.equal((await call("freeing")).value, "ok");
    await answers();
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });

test("an output of any range gives bytes of the kernel's blocks or none", async () => {
  const { code } = await call("outputs", { input: "input" });
  assert.equal(code, "ok");
  await answers();
});

for (const name of ["config", "logging", "setting"])
  test(`a bogus handle (${name}) ends the call in words`, async () => {
    const { code, value } = await call(name);
    assert.equal(code, "PLUGIN_TRAPPED");
    assert.match(String(value), /invalid handle/);
    assert.equal((await call("freeing")).value, "ok");
  });

test("a call finds nothing in the kernel of what the last one left there", async () => {
  assert.equal((await call("leave", { input: "x".repeat(3_000) })).value, "ok");
  assert.equal((await call("look")).value, 0);
});
