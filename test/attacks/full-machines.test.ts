/**
 * Who attacks: the author of a plugin. What they hold: the memory that each call of it may have, times
 * as many calls as there may be.
 *
 * What must not happen: that a runner takes the memory of the machine, that the kernel picks the host
 * when memory runs out, that a plugin which keeps to its own goes with the one that does not.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { memoryCaps } from "#runtime/sandbox/caps.ts";
import { guest, neighbor, wasiImport } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const filler = guest({
  imports: wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
  body: `(func (export "fill") (drop (memory.grow (i32.const 900)))
      (memory.fill (i32.const 4096) (i32.const 1) (i32.const 58000000))
      (i64.store (i32.const 24) (i64.const 5000000000))
      (drop (call $poll_oneoff (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200))))
    (func (export "fine") (call $ok))`,
});

for (const [what, bounds, reason] of [
  ["one runner", { residentBytesMax: 400e6 }, "it outgrew its memory"],
  ["all runners", { allBytesMax: 700e6 }, "it had most of the memory when it ran short"],
] as const)
  test(`a plugin whose calls fill what ${what} may have ends its own runner, and is told so`, async () => {
    using sandbox = openSandbox({ share: false, ...bounds });
    const ends: string[] = [];
    sandbox.fleet.onEnd((_, binding, end) => void ends.push(`${binding}: ${end.reason}`));
    const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
    const { call } = await sandbox.load({ id: "filler", module: filler });
    assert.equal((await ask("answer")).value, "ok");
    assert.equal((await call("fine")).value, "ok");
    const filling = Array.from({ length: 14 }, () => call("fill", { deadlineMs: 8_000 }));
    for (const { code } of await Promise.all(filling)) assert.equal(code, "RUNNER_DIED");
    assert.deepEqual(ends, [`filler: ${reason}`]);
    assert.equal((await ask("answer")).value, "ok");
    assert.equal((await call("fine")).value, "ok");
  });

test("the bounds leave a quarter of the machine to the host and to others", () => {
  const { runnerBytesMax, runnersBytesMax } = memoryCaps();
  const [, total] = /^MemTotal: +(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
  assert.ok(runnerBytesMax > 0 && runnerBytesMax <= 4 * 1024 ** 3);
  assert.ok(runnersBytesMax <= (Number(total) * 1024 * 3) / 4);
  assert.ok(runnerBytesMax <= runnersBytesMax);
});

test("the kernel ends a runner before the host when memory runs out", async () => {
  using sandbox = openSandbox();
  const { call } = await sandbox.load({ id: "neighbor", module: neighbor });
  await call("answer");
  const score = (pid: number | string | undefined) =>
    Number(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"));
  const [runner] = sandbox.fleet.runners;
  assert.ok(score(runner?.pid) > score("self"));
});

test("a runner that crashes leaves no memory of its guests on disk", async () => {
  using sandbox = openSandbox();
  const { call } = await sandbox.load({ id: "neighbor", module: neighbor });
  await call("answer");
  const [runner] = sandbox.fleet.runners;
  assert.equal(Number(readFileSync(`/proc/${runner?.pid}/coredump_filter`, "utf8")), 0);
});
