/**
 * Who attacks: the author of a plugin. What they hold: every way for a call to end badly, at the very
 * moment when calls of others begin or end in the same runner, perhaps on the same stack.
 *
 * What must not happen: that the end of one call is told as that of another, that a call is lost, that
 * a result or a return code is somebody else's.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { echo, guest, userImport, wasiImport } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const sandbox = openSandbox();
after(() => sandbox[Symbol.dispose]());

const bad = guest({
  imports: `${wasiImport("proc_exit", "(param i32)")} ${userImport("kv_get")}
    ${wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)")}`,
  data: "{}",
  body: `(tag $mine (param i32))
    (func $deep (result i32) (i32.add (call $deep) (i32.const 1)))
    (func $ask (drop (call $kv_get (call $block (i32.const 1024) (i32.const 2)))))
    (func (export "trap") unreachable)
    (func (export "divide") (drop (i32.div_u (i32.const 1) (i32.const 0))))
    (func (export "throw") (throw $mine (i32.const 7)))
    (func (export "overflow") (drop (call $deep)))
    (func (export "exit") (call $proc_exit (i32.const 3)))
    (func (export "leave") (call $ok) (call $proc_exit (i32.const 0)))
    (func (export "error") (call $error_set (call $block (i32.const 1016) (i32.const 2))))
    (func (export "bogus") (call $log_info (i64.const -1)))
    (func (export "giant") (call $giveBack (call $alloc (i64.const 9000000))))
    (func (export "ask_then_trap") (call $ask) unreachable)
    (func (export "ask_then_throw") (call $ask) (throw $mine (i32.const 7)))
    (func (export "sleep_then_trap") (i64.store (i32.const 24) (i64.const 3000000)) (drop
      (call $poll_oneoff (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200))) unreachable)
    (func (export "fine") (call $ok))`,
});
const expected: Readonly<Record<string, string>> = {
  ...{ trap: "PLUGIN_TRAPPED", divide: "PLUGIN_TRAPPED", throw: "PLUGIN_TRAPPED" },
  ...{ overflow: "PLUGIN_TRAPPED", exit: "PLUGIN_ERROR", leave: "ok", error: "PLUGIN_ERROR" },
  ...{ bogus: "PLUGIN_TRAPPED", giant: "OUTPUT_TOO_LARGE", ask_then_trap: "PLUGIN_TRAPPED" },
  ...{ ask_then_throw: "PLUGIN_TRAPPED", sleep_then_trap: "PLUGIN_TRAPPED", fine: "ok" },
};
const functions = { kv_get: async () => ({ json: Buffer.from('{"ok":1}'), blocks: [] }) };

for (const instances of ["fresh", "warm"] as const) {
  const { call } = await sandbox.load({
    id: `bad ${instances}`,
    module: bad,
    instances,
    functions,
  });
  const { call: say } = await sandbox.load({
    ...{ id: `echo ${instances}`, module: echo, instances },
    tools: [{ name: "echo", export: "echo", encoding: "text" }],
  });
  assert.equal((await call("fine")).value, "ok");
  assert.equal((await say("echo", { input: "first" })).value, "first");
  const [runner] = sandbox.fleet.runners;

  test(`${instances}: of six hundred calls at once, each ends as its own guest ended it`, async () => {
    const names = Object.keys(expected);
    const calls = Array.from({ length: 600 }, async (_, index) => {
      const caller = `caller${index % 5}`;
      if (index % 3 === 0) {
        const input = `this is ${index}`;
        assert.equal((await say("echo", { input, caller })).value, input);
        return;
      }
      const name = names[index % names.length] as string;
      const { code, value } = await call(name, { caller });
      assert.equal(code, expected[name], `${name}: ${value}`);
    });
    await Promise.all(calls);
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });

  test(`${instances}: every pair of ends, one right after the other, stays apart`, async () => {
    for (const first of Object.keys(expected))
      await Promise.all(
        Object.keys(expected).flatMap((second) =>
          [first, second].map(async (name) => {
            const { code, value } = await call(name);
            assert.equal(code, expected[name], `${first}, ${second}: ${name} said ${value}`);
          }),
        ),
      );
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });
}

test("a code that one call returns is never another's", async () => {
  const body = Array.from(
    { length: 20 },
    (_, n) => `(func (export "r${n}") (result i32) (i32.const ${n}))`,
  ).join("\n");
  const tools = Array.from({ length: 20 }, (_, n) => ({
    ...{ name: `r${n}`, export: `r${n}`, encoding: "raw" as const },
  }));
  const { call } = await sandbox.load({ id: "codes", module: guest({ body }), tools });
  const calls = Array.from({ length: 400 }, async (_, index) => {
    const n = index % 20;
    const { code, value } = await call(`r${n}`);
    if (n === 0) assert.equal(code, "ok");
    else assert.match(String(value), new RegExp(`exit code: ${n}$`));
  });
  await Promise.all(calls);
});
