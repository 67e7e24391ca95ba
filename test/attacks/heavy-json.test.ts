/**
 * Who attacks: a caller with a key for one plugin, or the author of it. What they hold: JSON of many
 * tiny values, which takes the engine hundreds of times longer to build than to read.
 *
 * What must not happen: that building it holds the thread of a runner or of the host, takes their
 * memory, or has a runner killed for calls that end meanwhile.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { jsonCost } from "#manifests/json-cost.ts";
import { parseStrictJson } from "#manifests/strict-json.ts";
import { guest, neighbor } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const sandbox = openSandbox();
after(() => sandbox[Symbol.dispose]());
const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await ask("answer")).value, "ok");
await answers();
const [runner] = sandbox.fleet.runners;

const module = guest({
  pages: 2,
  body: `(func (export "fine") (call $ok))
      (func (export "spin") (loop $l (br $l)))
      ;; "[{},{},{}, …]" of 8 MiB
      (func (export "many") (local $block i64) (local $at i64)
        (local.set $block (call $alloc (i64.const 8388600)))
        (local.set $at (i64.const 1))
        (call $store_u8 (local.get $block) (i32.const 91))
        (loop $l
          (call $store_u8 (i64.add (local.get $block) (local.get $at)) (i32.const 123))
          (call $store_u8 (i64.add (local.get $block) (i64.add (local.get $at) (i64.const 1))) (i32.const 125))
          (call $store_u8 (i64.add (local.get $block) (i64.add (local.get $at) (i64.const 2))) (i32.const 44))
          (local.set $at (i64.add (local.get $at) (i64.const 3)))
          (br_if $l (i64.lt_u (local.get $at) (i64.const 8388590))))
        (call $store_u8 (i64.sub (i64.add (local.get $block) (local.get $at)) (i64.const 1)) (i32.const 93))
        (call $output_set (local.get $block) (local.get $at)))`,
});
const anything = { type: ["array", "object"] };
const often = { items: { allOf: Array(30).fill({ type: "boolean" }) } };
const json = "json" as const;
const tools = [
  ...["fine", "spin", "many"].map((name) => ({ name, export: name, encoding: json })),
  { name: "many_text", export: "many", encoding: "text" as const },
  { name: "checked", export: "fine", encoding: json, input: anything },
  { name: "costly", export: "fine", encoding: json, input: often },
  { name: "many_checked", export: "many", encoding: json, output: anything },
];
const { call } = await sandbox.load({ id: "heavy", module, tools });
const keys = Array.from({ length: 160_000 }, (_, n) => [`${n}`.padStart(40, "0"), n]);

const heavy: readonly (readonly [what: string, tool: string, input: unknown, code: RegExp])[] = [
  ["an input", "checked", Array.from({ length: 2_700_000 }, () => ({})), /^INPUT_INVALID$/],
  ["an input just within the bound", "checked", Object.fromEntries(keys), /^OUTPUT_INVALID$/],
  ["an input that takes all steps", "costly", Array(100_000).fill(true), /^SCHEMA_TOO_COSTLY$/],
  ["an output", "many", [], /^OUTPUT_INVALID$/],
  ["an output of text", "many_text", "", /^OUTPUT_INVALID$/],
  ["an output with a schema", "many_checked", [], /^OUTPUT_INVALID$/],
];

for (const [what, tool, input, expected] of heavy)
  test(`${what} of too many values has no runner killed for calls that end meanwhile`, async () => {
    const ending = Array.from({ length: 20 }, (_, index) =>
      call("spin", { deadlineMs: 20 + index * 40 }),
    );
    assert.match((await call(tool, { input, deadlineMs: 10_000 })).code, expected);
    for (const { code } of await Promise.all(ending)) assert.equal(code, "DEADLINE_EXCEEDED");
    await answers();
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });

test("a host that reads such JSON refuses it before it builds anything", () => {
  for (const unit of ["{},", "[],", "1,", '"a",', '{"a":1},'])
    assert.throws(
      () => parseStrictJson(`[${unit.repeat(2_000_000)}1]`, { bytesMax: 2 ** 26 }),
      /too many values/,
    );
});

test("jsonCost() counts no more for what is long than for what is short", () => {
  for (const text of [
    '"a"',
    `"${"a".repeat(2 ** 20)}"`,
    `"${'\\\\"'.repeat(2 ** 20)}"`,
    " ".repeat(2 ** 20),
  ])
    assert.equal(jsonCost(text), 1);
  assert.equal(jsonCost(`${" ".repeat(1_000)}[${" ".repeat(1_000)}1,2]`), jsonCost("[1,2]"));
  assert.equal(jsonCost('{"a":[{},1]}'), jsonCost('{ "a,{[" : [ {} , 1 ] }'));
  assert.ok(jsonCost('"never ends') < 3);
});
