/**
 * Who attacks: the author of a plugin, or one caller of it who is after another's data. What they
 * hold: a guest that keeps all it can: globals, memory, variables, kernel blocks, values.
 *
 * What must not happen: that one caller, one plugin or one call finds what another left, except in
 * `single`, which says so; that anything outlives a trap.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guest, userImport } from "#test/support/guests.ts";
import { owner } from "#runtime/keys.ts";
import { callerNamed, codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";

const host = await openTestHost({ settings: { "runners.share": "true" } });
after(() => host[Symbol.asyncDispose]());
const ada = { caller: callerNamed("ada") };
const bob = { caller: callerNamed("bob") };

/** What each tool says: whether something was there, then it leaves something. */
const keeper = guest({
  imports: `${userImport("kv_get")} ${userImport("kv_set")}`,
  data: '{"key":"k"}{"key":"k","value":"left"}k',
  body: `(global $seen (mut i32) (i32.const 0))
    (func $sayFlag (param $there i32)
      (i32.store8 (i32.const 2048) (i32.add (i32.const 48) (i32.ne (local.get $there) (i32.const 0))))
      (call $say (i32.const 2048) (i32.const 1)))
    (func $key (result i64) (call $block (i32.const 1061) (i32.const 1)))
    (func (export "global") (call $sayFlag (global.get $seen)) (global.set $seen (i32.const 1)))
    (func (export "memory_left") (call $sayFlag (i32.load (i32.const 40000)))
      (i32.store (i32.const 40000) (i32.const 1)))
    (func (export "variable") (local $there i64) (local.set $there (call $var_get (call $key)))
      (call $var_set (call $key) (call $key)) (call $sayFlag (i64.ne (local.get $there) (i64.const 0))))
    (func (export "kernel") (local $at i64) (local $seen i32)
      (drop (call $alloc (i64.const 30000))) (local.set $at (i64.const 1000))
      (loop $l (local.set $seen (i32.or (local.get $seen) (call $load_u8 (local.get $at))))
        (call $store_u8 (local.get $at) (i32.const 7))
        (local.set $at (i64.add (local.get $at) (i64.const 1)))
        (br_if $l (i64.lt_s (local.get $at) (i64.const 20000))))
      (call $sayFlag (local.get $seen)))
    (func (export "value") (local $there i64)
      (local.set $there (call $kv_get (call $block (i32.const 1024) (i32.const 11))))
      (drop (call $kv_set (call $block (i32.const 1035) (i32.const 26))))
      (call $giveBack (local.get $there)))
    (func (export "trap") (global.set $seen (i32.const 1)) (i32.store (i32.const 40000) (i32.const 1))
      (call $var_set (call $key) (call $key)) unreachable)
    (func (export "fail") (call $error_set (call $key)))`,
});

const state = ["global", "memory_left", "variable", "kernel"];
const tools = [...state, "value", "trap", "fail"].map((name) => ({
  ...{ name, description: "Looks, then leaves something", encoding: "text" },
}));
const uses = { kv: { quota: "1MiB" } };
for (const instances of ["fresh", "warm", "single"])
  await installGuest(host, {
    id: instances,
    module: keeper,
    manifest: { provides: { tools }, uses, instances },
  });
const look = async (id: string, tool: string, who = ada) =>
  (await invoke(host, id, tool, "", who)).value;

for (const tool of state) {
  test(`fresh: no call finds what another left (${tool})`, async () => {
    for (let round = 0; round < 3; round++) assert.equal(await look("fresh", tool), 0);
  });

  test(`warm: nobody finds what another caller left (${tool})`, async () => {
    const found = [];
    for (let round = 0; round < 4; round++) {
      found.push(await look("warm", tool, ada));
      found.push(await look("warm", tool, bob));
    }
    const [ofAda, ofBob, ...later] = found;
    assert.deepEqual([ofAda, ofBob], [0, 0]);
    if (tool === "kernel") assert.ok(later.every((flag) => flag === 0));
  });

  test(`single: every caller shares what is left, except the kernel's blocks (${tool})`, async () => {
    assert.equal(await look("single", tool, ada), 0);
    assert.equal(await look("single", tool, bob), tool === "kernel" ? 0 : 1);
  });
}

test("a hundred callers at once never meet in a warm instance", async () => {
  const callers = Array.from({ length: 100 }, (_, index) => callerNamed(`caller${index}`));
  const flags = await Promise.all(callers.map((caller) => look("warm", "global", { caller })));
  assert.ok(flags.every((flag) => flag === 0));
});

for (const id of ["warm", "single"])
  test(`${id}: a trap takes all state with it, and the next call is answered`, async () => {
    for (const tool of state) await look(id, tool);
    assert.equal(await codeOf(look(id, "trap")), "PLUGIN_TRAPPED");
    for (const tool of state) assert.equal(await look(id, tool), 0);
  });

test("an error of the guest's own leaves its instance as it was", async () => {
  await look("single", "global");
  assert.equal(await codeOf(look("single", "fail")), "PLUGIN_ERROR");
  assert.equal(await look("single", "global", bob), 1);
});

test("a guest that ends with blocks of another plugin's guests beside it finds none of them", async () => {
  const big = "x".repeat(200_000);
  for (let round = 0; round < 5; round++) {
    assert.equal(await codeOf(invoke(host, "warm", "trap", big, bob)), "PLUGIN_TRAPPED");
    assert.equal(await codeOf(invoke(host, "single", "fail", big, bob)), "PLUGIN_ERROR");
    assert.equal(await codeOf(invoke(host, "fresh", "fail", big, bob)), "PLUGIN_ERROR");
    for (const id of ["fresh", "warm", "single"]) assert.equal(await look(id, "kernel", ada), 0);
  }
});

test("values are a plugin's own: the same key of another plugin holds nothing", async () => {
  const nothing = { ok: { value: null } };
  for (const id of ["fresh", "warm", "single"]) assert.deepEqual(await look(id, "value"), nothing);
  for (const id of ["fresh", "warm", "single"])
    assert.deepEqual(await look(id, "value", bob), { ok: { value: "left" } });
});

test("a plugin that is removed with its data finds nothing when it comes again", async () => {
  await look("fresh", "value");
  await host.host.plugins.remove("local/fresh", owner, { purge: true });
  const manifest = { provides: { tools }, uses, instances: "fresh" };
  await installGuest(host, { id: "fresh", module: keeper, manifest });
  assert.deepEqual(await look("fresh", "value"), { ok: { value: null } });
});
