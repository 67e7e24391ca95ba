import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { AuditEntry } from "#runtime/audit-line.ts";
import { type AuditBench, auditBench } from "#test/support/audit.ts";
import { type FakeClock, fakeClock } from "#test/support/clock.ts";

const call: AuditEntry = { kind: "call", act: "invoke", decision: "allowed", plugin: "vowels" };
const dayMs = 86_400_000;

async function filesOf({ folder }: AuditBench): Promise<string[]> {
  const names = await readdir(join(folder, "audit"));
  return names.filter((name) => name.endsWith(".jsonl")).sort();
}

/** Some files, each of its own day. */
async function days(clock: FakeClock, count: number): Promise<AuditBench> {
  const bench = await auditBench({ clock, segmentBytesMax: 2_000 });
  for (let day = 0; day < count; day++) {
    for (let index = 0; index < 5; index++) {
      bench.audit.append(call);
      await bench.audit.committed();
    }
    clock.advance(dayMs);
  }
  return bench;
}

test("prune() removes finished files by age, and what is left verifies, also after a restart", async () => {
  const clock = fakeClock();
  await using bench = await days(clock, 10);
  const { sealed } = await bench.audit.heads();
  const last = await bench.audit.prune({ keepDays: 5, keepBytes: 0 });
  assert.ok(last !== undefined && last > 10);
  const { state, from, records } = await bench.audit.verify();
  assert.deepEqual([state, from], ["consistent", last + 1]);
  const all = await bench.audit.query({ limit: 1_000 });
  assert.deepEqual([all.length, all[0]?.seq], [records, last + 1]);
  await using again = await bench.again();
  assert.equal((await again.audit.verify()).state, "consistent");
  // A head of what was pruned says nothing any more; one of what is left still does.
  const [oldest, newest] = [sealed[0], sealed.at(-1)];
  const verdict = await again.audit.verify({
    heads: [oldest, newest].filter((head) => head !== undefined),
  });
  assert.deepEqual([verdict.state, verdict.anchoredTo], ["anchored", newest?.seq]);
  assert.match(verdict.notes.join(), /pruned/);
});

test("prune() removes the oldest files beyond a size, and never the one that is written", async () => {
  const clock = fakeClock();
  await using bench = await days(clock, 10);
  const before = await filesOf(bench);
  await bench.audit.prune({ keepDays: 0, keepBytes: 7_000 });
  const after = await filesOf(bench);
  assert.ok(after.length < before.length && after.length >= 2, after.join());
  await bench.audit.prune({ keepDays: 0, keepBytes: 1 });
  assert.equal((await filesOf(bench)).length, 1);
  assert.equal((await bench.audit.verify()).state, "consistent");
  assert.equal(await bench.audit.prune({ keepDays: 1, keepBytes: 1 }), undefined);
});

test("prune() with nothing to keep by removes nothing", async () => {
  const clock = fakeClock();
  await using bench = await days(clock, 4);
  const before = await filesOf(bench);
  assert.equal(await bench.audit.prune({ keepDays: 0, keepBytes: 0 }), undefined);
  assert.deepEqual(await filesOf(bench), before);
});

test("verify() finds that somebody else removed the oldest file, also after a real prune", async () => {
  const clock = fakeClock();
  await using bench = await days(clock, 10);
  await bench.audit.prune({ keepDays: 8, keepBytes: 0 });
  const [oldest = ""] = await filesOf(bench);
  await rm(join(bench.folder, "audit", oldest));
  await using again = await bench.again();
  const { broken } = await again.audit.verify();
  assert.match(broken?.why ?? "", /missing, and no record says that it was pruned/);
});
