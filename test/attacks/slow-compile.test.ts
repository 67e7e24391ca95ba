/**
 * Who attacks: the author of a plugin. What they hold: functions that are short to write and long to
 * compile: thousands of locals, and branches for which the engine writes down each of them.
 *
 * What must not happen: that such a module is admitted and then holds its runner, which compiles a
 * function in one go when it is first called, or takes the memory of the machine for it.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { prepareApart } from "#runtime/sandbox/preparer.ts";
import { wat } from "#test/support/wat.ts";

const local = (type: string, count: number) => `(local ${`${type} `.repeat(count)})`;
const slow: Readonly<Record<string, string>> = {
  "conditions over ten thousand locals": `${local("i32", 9_999)}
    ${"(if (local.get 0) (then))".repeat(5_000)}`,
  "loops over ten thousand locals": `${local("i64", 9_999)}
    ${"(loop (br_if 0 (i64.eqz (local.get 0))))".repeat(3_000)}`,
  "blocks that are left over ten thousand locals": `${local("i32", 9_999)}
    ${"(block (br_if 0 (local.get 0)))".repeat(8_000)}`,
  "branches of both kinds that set locals": `${local("f64", 9_999)} (local $c i32)
    ${"(if (local.get $c) (then (local.set 1 (local.get 2))) (else (local.set 2 (local.get 1))))".repeat(4_000)}`,
};

async function outcome(body: string): Promise<string> {
  const bytes = await wat(`(module (func (export "run") ${body}))`);
  try {
    await prepareApart({ memoryPagesMax: 10, imports: {}, schemas: [] }, bytes);
    return "ok";
  } catch (error) {
    if (error instanceof HostError) return error.code;
    throw error;
  }
}

for (const [what, body] of Object.entries(slow))
  test(`a function with ${what} is refused before it reaches a runner`, async () => {
    assert.match(await outcome(body), /^(?:PREPARE_TIMEOUT|MODULE_TOO_LARGE)$/);
  });

test("functions as large as honest ones are admitted", async () => {
  const interpreter = `(local ${"i32 ".repeat(60)})
    ${"(if (local.get 0) (then (local.set 1 (i32.add (local.get 2) (i32.const 1)))))".repeat(4_000)}`;
  assert.equal(await outcome(interpreter), "ok");
  const straight = `(local ${"i32 ".repeat(3_000)}) ${"(local.set 1 (local.get 2))".repeat(50_000)}`;
  assert.equal(await outcome(straight), "ok");
});
