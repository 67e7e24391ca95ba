/**
 * Who attacks: the author of a plugin. What they hold: everything in the engine that no limit of the
 * guest's own memory covers: its heap, its address space, its mappings.
 *
 * What must not happen: that more than the guest's own runner ends by it, that a call of it hangs, that
 * the next call finds no runner, or that the bounds which the machine sets are run into.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { machineCaps } from "#runtime/sandbox/caps.ts";
import type { RunnerEnd } from "#runtime/sandbox/runner.ts";
import { guest, neighbor, wasiImport } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const poll = wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)");
const sleep = (ms: number) => `(i64.store (i32.const 24) (i64.const ${ms}000000))
  (drop (call $poll_oneoff (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))`;
const fine = '(func (export "fine") (call $ok))';

/** Each call keeps what the engine holds for it, on its heap, until it is woken. */
const hoards: Readonly<Record<string, string>> = {
  "tables that are full from the start": guest({
    imports: poll,
    body: `(table 1000000 funcref) (func (export "hoard") ${sleep(3_000)}) ${fine}`,
  }),
  "exceptions that are caught one inside the other": guest({
    imports: poll,
    body: `(tag $wide (param ${"i64 ".repeat(900)}))
      (func $throw (throw $wide ${"(i64.const 1)".repeat(900)}))
      (func $deep (param i32) (try (do (call $throw)) (catch_all
        (if (i32.eqz (local.get 0)) (then ${sleep(3_000)} (return)))
        (call $deep (i32.sub (local.get 0) (i32.const 1))))))
      (func (export "hoard") (call $deep (i32.const 4000))) ${fine}`,
  }),
};

for (const [what, module] of Object.entries(hoards))
  test(`a guest that fills the engine's heap with ${what} ends its own runner at most`, async () => {
    using sandbox = openSandbox({ share: false, heapMiB: 96 });
    const ends: RunnerEnd[] = [];
    sandbox.fleet.onEnd((_, __, end) => void ends.push(end));
    const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
    const { call, pool } = await sandbox.load({ id: "hoarder", module });
    assert.equal((await ask("answer")).value, "ok");
    assert.equal((await call("fine")).value, "ok");
    const hoarding = Array.from({ length: 40 }, () => call("hoard", { deadlineMs: 6_000 }));
    assert.equal((await ask("answer")).value, "ok");
    for (const { code } of await Promise.all(hoarding))
      assert.match(code, /^(?:ok|RUNNER_DIED|DEADLINE_EXCEEDED|QUEUE_TIMEOUT)$/);
    assert.equal((await ask("answer")).value, "ok");
    assert.equal((await call("fine")).value, "ok");
    for (const { suspects } of ends) assert.deepEqual([...suspects], [pool.guest.module]);
  });

test("as many instances as the machine allows sleep in one runner, and all wake up", async () => {
  using sandbox = openSandbox();
  const { instancesMax } = machineCaps();
  const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
  const { call, pool } = await sandbox.load({
    id: "sleepers",
    module: guest({ imports: poll, body: `(func (export "sleep") ${sleep(1_500)}) ${fine}` }),
    pool: {
      liveMax: 20_000,
      instancesMax: instancesMax - 10,
      queuedMax: 20_000,
      callerQueuedMax: 20_000,
      queueMs: 30_000,
    },
  });
  assert.equal((await ask("answer")).value, "ok");
  const [runner] = sandbox.fleet.runners;
  const sleeping = Array.from({ length: instancesMax + 200 }, () =>
    call("sleep", { deadlineMs: 20_000 }),
  );
  for (const { code } of await Promise.all(sleeping)) assert.equal(code, "ok");
  assert.equal((await ask("answer")).value, "ok");
  assert.deepEqual(sandbox.fleet.runners, [runner]);
  assert.deepEqual(pool.load, { live: 0, queued: 0 });
});
