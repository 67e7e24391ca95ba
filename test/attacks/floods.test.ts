/**
 * Who attacks: the author of a plugin. What they hold: every way by which a guest gives something to
 * the host: output, error, log, variables, questions.
 *
 * What must not happen: that anything of it is without a bound, that the host's own memory grows with
 * it, that what is beyond the bound ends more than the call.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guest, neighbor, userImport, wasiImport } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost, runnerPids } from "#test/support/host.ts";

const host = await openTestHost({ settings: { "runners.share": "true" } });
after(() => host[Symbol.asyncDispose]());
const answers = async () => assert.equal((await invoke(host, "neighbor", "answer")).value, "ok");

const store = (at: number, length: number) =>
  `(i32.store (i32.const 8) (i32.const ${at})) (i32.store (i32.const 12) (i32.const ${length}))`;
const floods = guest({
  imports: `${userImport("kv_get")} ${wasiImport("fd_write", "(param i32 i32 i32 i32) (result i32)")}`,
  pages: 32,
  data: '{"key":"k"}\n',
  body: `(func $print (drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0))))
    (func $fill (memory.fill (i32.const 4096) (i32.const 97) (i32.const 2000000)))
    (func (export "output") (call $giveBack (call $alloc (i64.const 9000000))))
    (func (export "wholeKernel") (local $big i64)
      (local.set $big (call $alloc (i64.const 40000000)))
      (call $output_set (i64.const 128) (i64.const 39000000)))
    (func (export "error") (call $fill) (call $error_set (call $block (i32.const 4096) (i32.const 2000000))))
    (func (export "controls") (memory.fill (i32.const 4096) (i32.const 27) (i32.const 1000))
      (call $error_set (call $block (i32.const 4096) (i32.const 1000))))
    (func (export "lines") (local $n i32) (loop $l
      (call $log_info (call $block (i32.const 1024) (i32.const 11)))
      (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))
      (call $ok))
    (func (export "shortLines") (local $n i32) ${store(1034, 2)} (loop $l (call $print)
      (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 200000))))
      (call $ok))
    (func (export "oneLine") (local $n i32) (call $fill) ${store(4096, 60_000)} (loop $l (call $print)
      (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 2000))))
      (call $ok))
    (func (export "halfLine") ${store(1016, 2)} (call $print) (loop $l (br $l)))
    (func (export "halfTrap") ${store(1016, 2)} (call $print) unreachable)
    (func (export "questions") (loop $l
      (drop (call $kv_get (call $block (i32.const 1024) (i32.const 11)))) (br $l)))
    (func (export "variables") (local $n i32) (loop $l
      (i32.store (i32.const 4096) (local.tee $n (i32.add (local.get $n) (i32.const 1))))
      (i32.store (i32.const 4096) (i32.and (local.get $n) (i32.const 0x7f7f7f7f)))
      (call $var_set (call $block (i32.const 4096) (i32.const 4)) (call $block (i32.const 1024) (i32.const 9)))
      (br $l)))`,
});
const names = [
  ...["output", "wholeKernel", "error", "controls", "lines", "shortLines", "oneLine"],
  ...["halfLine", "halfTrap", "questions", "variables"],
];
const tools = names.map((name) => ({ name, description: "Floods", encoding: "text" }));

await installGuest(host, { id: "neighbor", module: neighbor });
await answers();
const before = runnerPids();
await installGuest(host, {
  id: "floods",
  module: floods,
  manifest: { provides: { tools }, limits: { timeout: "8s", fuel: 100_000_000_000 } },
});

async function failure(tool: string): Promise<{ code: string; message: string }> {
  try {
    await invoke(host, "floods", tool, "");
  } catch (error) {
    return error as { code: string; message: string };
  }
  return assert.fail("it was answered");
}

test("an output above its limit is refused, whatever part of the kernel it names", async () => {
  assert.equal((await failure("output")).code, "OUTPUT_TOO_LARGE");
  assert.equal((await failure("wholeKernel")).code, "OUTPUT_TOO_LARGE");
  await answers();
});

test("a giant error arrives cut, and its control characters do no harm in JSON", async () => {
  const { code, message } = await failure("error");
  assert.equal(code, "PLUGIN_ERROR");
  assert.ok(message.length < 5_000, `${message.length}`);
  assert.equal((await failure("controls")).code, "PLUGIN_ERROR");
  await answers();
});

for (const name of ["lines", "shortLines", "oneLine"])
  test(`a flood of log (${name}) is cut at 64 KiB a call, and leaves the host's memory flat`, async () => {
    const rss = process.memoryUsage().rss;
    let bytes = 0;
    const onEvent = (event: { kind: string; text: string }) => {
      if (event.kind === "log") bytes += event.text.length + 1;
    };
    for (let round = 0; round < 2; round++)
      assert.equal(await codeOf(invoke(host, "floods", name, "", { onEvent })), "ok");
    assert.ok(bytes > 0 && bytes <= 2 * (64 * 1024 + 1), `${bytes}`);
    assert.ok(process.memoryUsage().rss - rss < 100e6);
    const kept = await host.host.plugins.logs("local/floods", 1_000);
    assert.ok(kept.length > 0 && kept.length <= 1_000);
    await answers();
    assert.deepEqual(runnerPids(), before);
  });

test("half a line is logged when the guest is ended, and the end keeps its reason", async () => {
  const lines: string[] = [];
  const onEvent = (event: { kind: string; text: string }) => void lines.push(event.text);
  assert.equal(await codeOf(invoke(host, "floods", "halfTrap", "", { onEvent })), "PLUGIN_TRAPPED");
  assert.deepEqual(lines, ["ok"]);
  const signal = AbortSignal.timeout(100);
  assert.equal(await codeOf(invoke(host, "floods", "halfLine", "", { signal })), "CALL_CANCELLED");
  await answers();
  assert.deepEqual(runnerPids(), before);
});

test("a guest that asks without end is ended at its bound of host calls", async () => {
  assert.equal((await failure("questions")).code, "HOST_CALLS_EXHAUSTED");
  await answers();
  assert.deepEqual(runnerPids(), before);
});

test("variables end at their megabyte", async () => {
  const { code, message } = await failure("variables");
  assert.equal(code, "PLUGIN_TRAPPED");
  assert.match(message, /Variable store is full/);
  await answers();
  assert.deepEqual(runnerPids(), before);
});
