import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import fc from "fast-check";
import { auditKinds, auditSchema } from "#manifests/audit.ts";
import { createCheck } from "#manifests/check.ts";
import { HostError } from "#manifests/errors.ts";
import { type AuditEntry, lineOf } from "#runtime/audit-line.ts";
import { isSignedBy } from "#runtime/audit/host-key.ts";
import type { Audit } from "#runtime/audit.ts";
import { type AuditBench, auditBench } from "#test/support/audit.ts";
import { type FakeClock, fakeClock } from "#test/support/clock.ts";

const check = createCheck(
  auditSchema,
  ({ path, problem }) => new HostError("REQUEST_INVALID", { part: "record", path, problem }),
);
const call: AuditEntry = { kind: "call", act: "invoke", decision: "allowed", plugin: "vowels" };
const stop: AuditEntry = { kind: "plugin", act: "stop", decision: "allowed", plugin: "notes" };

/** Appends as many records as commits are wanted, and so many in each. */
async function write(
  { audit }: AuditBench,
  clock: FakeClock,
  sizes: readonly number[],
): Promise<void> {
  for (const size of sizes) {
    for (let index = 0; index < size; index++) audit.append({ ...call, fuel: index });
    await audit.committed();
    clock.advance(1_000);
  }
}

test("append() writes records that fit their schema, each with the digest of the one before", async () => {
  await using bench = await auditBench();
  const { audit } = bench;
  audit.append({ ...call, owner: 'ada "☃" \n', chain: ["a", "b"], wallMs: 0.25, bytes: 3 });
  audit.append({ ...stop, drill: true });
  await audit.committed();
  const records = await audit.query({ limit: 10 });
  assert.deepEqual(
    records.map((record) => check(record).seq),
    [1, 2],
  );
  assert.equal(records[0]?.owner, 'ada "☃" \n');
  assert.equal(records[0]?.previous, `sha256:${"0".repeat(64)}`);
  assert.notEqual(records[1]?.previous, records[0]?.previous);
  assert.equal(records[1]?.at, "2027-01-01T00:00:00.000Z");
});

test("append() goes on with the chain after a restart", async () => {
  const clock = fakeClock();
  const bench = await auditBench({ clock });
  await write(bench, clock, [3, 1, 2]);
  await using again = await bench.again();
  again.audit.append(stop);
  await again.audit.committed();
  assert.equal((await again.audit.query({ limit: 1 }))[0]?.seq, 7);
  const { state, records } = await again.audit.verify();
  assert.deepEqual([state, records], ["consistent", 7]);
});

test("committed() resolves at once when there is nothing to wait for", async () => {
  await using bench = await auditBench();
  await bench.audit.committed();
  bench.audit.append(call);
  await bench.audit.committed();
  await bench.audit.committed();
});

test("append() begins a new file when one is full, and seals the full one", async () => {
  const clock = fakeClock();
  await using bench = await auditBench({ clock, segmentBytesMax: 4_000 });
  for (let turn = 0; turn < 10; turn++) await write(bench, clock, [3]);
  const names = await readdir(join(bench.folder, "audit"));
  const files = names.filter((name) => name.endsWith(".jsonl")).sort();
  assert.ok(files.length >= 4, files.join());
  assert.equal(files[0], "0000000000000001.jsonl");
  const { sealed, head } = await bench.audit.heads();
  assert.equal(sealed.length, files.length - 1);
  for (const one of [head, ...sealed]) assert.ok(isSignedBy(one.key, one, one.signature));
  assert.ok(!isSignedBy(head.key, { ...head, seq: head.seq + 1 }, head.signature));
  const verdict = await bench.audit.verify();
  assert.deepEqual([verdict.state, verdict.seals], ["consistent", sealed.length]);
});

test("query() finds the same in finished files, in new ones, and after the index is gone", async () => {
  const clock = fakeClock();
  const bench = await auditBench({ clock, segmentBytesMax: 60_000 });
  for (let turn = 0; turn < 50; turn++) {
    bench.audit.append({ ...stop, callId: `call-${turn}` });
    await write(bench, clock, [9]);
  }
  const rare = { callId: "call-7", limit: 10 };
  const [found, ...more] = await bench.audit.query(rare);
  assert.deepEqual([found?.act, more.length], ["stop", 0]);
  const all = await bench.audit.query({ plugin: "notes", limit: 1_000 });
  assert.equal(all.length, 50);
  const again = await bench.again();
  assert.deepEqual(await again.audit.query({ plugin: "notes", limit: 1_000 }), all);
  await again.close();
  const database = new Database(join(again.folder, "convergio.db"));
  database.exec("DELETE FROM auditBlocks");
  database.close();
  await using third = await again.again();
  assert.deepEqual(await third.audit.query({ plugin: "notes", limit: 1_000 }), all);
  assert.deepEqual(await third.audit.query(rare), [found]);
});

test("verify() and query() read an audit of many commits to its end", async () => {
  const clock = fakeClock();
  await using bench = await auditBench({ clock });
  await write(
    bench,
    clock,
    Array.from({ length: 2_000 }, () => 2),
  );
  assert.equal((await bench.audit.verify()).state, "consistent");
  const all = await bench.audit.query({ limit: 10_000 });
  assert.deepEqual(
    all.map(({ seq }) => seq),
    Array.from({ length: 4_000 }, (_, index) => index + 1),
  );
});

test("query() gives the newest that fit, the newest last", async () => {
  const clock = fakeClock();
  await using bench = await auditBench({ clock });
  const { audit } = bench;
  await write(bench, clock, [2]);
  audit.append({ ...stop, target: '"plugin":"vowels"', decision: "denied", owner: "ada" });
  await write(bench, clock, [2]);
  const seqs = async (query: Parameters<Audit["query"]>[0]) =>
    (await audit.query(query)).map(({ seq }) => seq);
  assert.deepEqual(await seqs({ limit: 2 }), [4, 5]);
  assert.deepEqual(await seqs({ limit: 2, before: 4 }), [2, 3]);
  assert.deepEqual(await seqs({ limit: 9, plugin: "notes" }), [3]);
  assert.deepEqual(await seqs({ limit: 9, owner: "ada", decision: "denied" }), [3]);
  assert.deepEqual(await seqs({ limit: 9, owner: "ada", decision: "allowed" }), []);
  assert.deepEqual(await seqs({ limit: 9, plugin: "vowels" }), [1, 2, 4, 5]);
  assert.deepEqual(await seqs({ limit: 3, plugin: "vowels" }), [2, 4, 5]);
  assert.deepEqual(await seqs({ limit: 9, kind: "plugin" }), [3]);
  assert.deepEqual(await seqs({ limit: 9, kind: "key" }), []);
  assert.deepEqual(await seqs({ limit: 9, since: clock.now() - 1_000 }), [3, 4, 5]);
  assert.deepEqual(await seqs({ limit: 9, until: clock.now() - 2_000 }), [1, 2]);
  assert.deepEqual(await seqs({ limit: 9, since: clock.now() }), []);
});

test("follow() hears each record until it is disposed", async () => {
  await using bench = await auditBench();
  const heard: number[] = [];
  const following = bench.audit.follow(({ seq }) => heard.push(seq));
  bench.audit.append(call);
  bench.audit.append(stop);
  await bench.audit.committed();
  following[Symbol.dispose]();
  bench.audit.append(call);
  await bench.audit.committed();
  assert.deepEqual(heard, [1, 2]);
});

test("lineOf() writes what JSON does of the same record with its keys in order", () => {
  const text = fc.option(fc.string({ unit: "binary" }), { nil: null });
  const entry = fc.record({
    kind: fc.constantFrom(...auditKinds),
    act: fc.string({ unit: "binary" }),
    decision: fc.constantFrom("allowed" as const, "denied" as const, "failed" as const),
    owner: text,
    target: text,
    plugin: text,
    chain: fc.array(fc.string()),
    fuel: fc.nat(),
    wallMs: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
    drill: fc.boolean(),
  });
  fc.assert(
    fc.property(entry, (given) => {
      const at = "2027-01-01T00:00:00.000Z";
      const line = lineOf(given, { seq: 3, at, previous: "sha256:0" });
      const record = JSON.parse(line);
      const sorted = Object.fromEntries(
        Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)),
      );
      assert.equal(line, JSON.stringify(sorted));
      for (const [key, value] of Object.entries(given))
        assert.equal(JSON.stringify(record[key]), JSON.stringify(value));
    }),
  );
});
