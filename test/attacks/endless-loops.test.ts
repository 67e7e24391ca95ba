/**
 * Who attacks: the author of a plugin. What they hold: the module, every byte of it.
 *
 * What must not happen: that code which never ends holds the processor beyond its deadline, takes a
 * neighbor's turns, catches its own end, or takes the runner with it.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guest, neighbor, wasiImport } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost, runnerPids } from "#test/support/host.ts";

/** Time is no assertion: this tells an end from a hang. */
const hangMs = 5_000;

const catching = `(tag $mine)
  (func $stubborn (loop $again (try (do (loop $inner (br $inner))) (catch_all)) (br $again)))`;

const loops = guest({
  imports: `${wasiImport("clock_time_get", "(param i32 i64 i32) (result i32)")}
    ${wasiImport("sched_yield", "(result i32)")}`,
  body: `${catching}
    (type $plain (func))
    (table funcref (elem $ping $pong))
    (func (export "empty") (loop $l (br $l)))
    (func (export "counting") (local $n i64)
      (loop $l (local.set $n (i64.add (local.get $n) (i64.const 1))) (br $l)))
    (func (export "nested") (loop $a (loop $b (loop $c (br_if $c (i32.const 1))) (br $b)) (br $a)))
    (func (export "catching") (call $stubborn))
    (func (export "throwing") (loop $l (try (do (throw $mine)) (catch_all)) (br $l)))
    (func (export "asking") (loop $l
      (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 64)))
      (drop (call $sched_yield)) (br $l)))
    (func (export "allocating") (loop $l (call $free (call $alloc (i64.const 100))) (br $l)))
    (func (export "reading") (loop $l
      (drop (call $config_get (call $alloc (i64.const 1)))) (br $l)))
    (func $ping (type $plain) (return_call_indirect (type $plain) (i32.const 1)))
    (func $pong (type $plain) (return_call $ping))
    (func (export "tail") (return_call $ping))
    (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "leaves") (local $n i32)
      (loop $l (local.set $n (call $leaf (local.get $n))) (br $l)))
    (func (export "filling") (loop $l
      (memory.fill (i32.const 4096) (i32.const 1) (i32.const 60000)) (br $l)))`,
});

const exports = [
  ...["empty", "counting", "nested", "catching", "throwing", "asking", "allocating", "reading"],
  ...["tail", "leaves", "filling"],
];
const tools = exports.map((name) => ({ name, description: "Never ends", encoding: "text" }));

const host = await openTestHost({ settings: { "runners.share": "true" } });
after(() => host[Symbol.asyncDispose]());
await installGuest(host, { id: "neighbor", module: neighbor });
await installGuest(host, {
  id: "loops",
  module: loops,
  manifest: { provides: { tools }, limits: { timeout: "150ms", fuel: 1_000_000_000_000 } },
});
assert.equal((await invoke(host, "neighbor", "answer")).value, "ok");
const before = runnerPids();

for (const name of exports) {
  test(`an endless loop (${name}) ends at its deadline, and its runner lives`, async () => {
    const startedAt = performance.now();
    const spinning = codeOf(invoke(host, "loops", name, ""));
    assert.equal((await invoke(host, "neighbor", "answer")).value, "ok");
    assert.equal(await spinning, "DEADLINE_EXCEEDED");
    assert.ok(performance.now() - startedAt < hangMs);
    assert.equal((await invoke(host, "neighbor", "answer")).value, "ok");
    assert.deepEqual(runnerPids(), before);
  });
}

test("all of them at once end at their deadlines, while the neighbor answers", async () => {
  const spinning = exports.map((name) => codeOf(invoke(host, "loops", name, "")));
  for (let round = 0; round < 10; round++)
    assert.equal((await invoke(host, "neighbor", "answer")).value, "ok");
  for (const code of await Promise.all(spinning)) assert.equal(code, "DEADLINE_EXCEEDED");
  assert.deepEqual(runnerPids(), before);
});

test("an endless loop with little fuel ends when it is burnt, and is charged for it", async () => {
  const fuel = 5_000_000;
  const empty = { name: "empty", description: "Never ends", encoding: "text" };
  const manifest = { provides: { tools: [empty] }, limits: { fuel } };
  await installGuest(host, { id: "thrifty", module: loops, manifest });
  assert.equal(await codeOf(invoke(host, "thrifty", "empty", "")), "FUEL_EXHAUSTED");
  const records = await host.host.auditQuery({ plugin: "local/thrifty", kind: "call", limit: 1 });
  const [record] = records as [{ readonly fuel: number }];
  assert.ok(record.fuel >= fuel * 0.99 && record.fuel <= fuel, `${record.fuel}`);
});

test("a call that runs into its deadline is charged for what it burnt", async () => {
  const query = { plugin: "local/loops", kind: "call", limit: exports.length * 2 };
  const records = (await host.host.auditQuery(query)) as { code: string; fuel: number }[];
  assert.equal(records.length, exports.length * 2);
  for (const { code, fuel } of records) {
    assert.equal(code, "DEADLINE_EXCEEDED");
    assert.ok(fuel > 0, `${fuel}`);
  }
});
