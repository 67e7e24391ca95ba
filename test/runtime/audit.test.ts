import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import fc from "fast-check";
import { auditKinds, auditSchema } from "#manifests/audit.ts";
import { createCheck } from "#manifests/check.ts";
import { HostError } from "#manifests/errors.ts";
import { type AuditEntry, lineOf } from "#runtime/audit-line.ts";
import { type Audit, createAudit } from "#runtime/audit.ts";
import type { Store } from "#runtime/store/store.ts";
import { type FakeClock, fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { storeIn } from "#test/support/store.ts";

const check = createCheck(
  auditSchema,
  ({ path, problem }) => new HostError("REQUEST_INVALID", { part: "record", path, problem }),
);
const call: AuditEntry = { kind: "call", act: "invoke", decision: "allowed", plugin: "vowels" };
const stop: AuditEntry = { kind: "plugin", act: "stop", decision: "allowed", plugin: "notes" };

interface Bench extends AsyncDisposable {
  readonly audit: Audit;
  readonly clock: FakeClock;
  readonly store: Store;
  /** Opens the audit again, as a restart does. */
  readonly again: () => Audit;
  /** Changes the file behind the audit's back. */
  readonly tamper: (sql: string) => void;
}

async function bench(): Promise<Bench> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await temporaryFolder());
  const clock = fakeClock();
  const store = undo.use(await storeIn(folder.path, clock));
  const held = undo.move();
  return {
    audit: createAudit(store.hot, clock),
    clock,
    store,
    again: () => createAudit(store.hot, clock),
    tamper: (sql) => {
      const database = new Database(join(folder.path, "convergio.db"));
      database.exec(sql);
      database.close();
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Appends as many records as commits are wanted, and one more in each. */
async function write({ audit, clock }: Bench, sizes: readonly number[]): Promise<void> {
  for (const size of sizes) {
    for (let index = 0; index < size; index++) audit.append({ ...call, fuel: index });
    await audit.committed();
    clock.advance(1_000);
  }
}

test("append() writes records that fit their schema, each with the digest of the one before", async () => {
  await using parts = await bench();
  const { audit } = parts;
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
  await using parts = await bench();
  await write(parts, [3, 1, 2]);
  const again = parts.again();
  again.append(stop);
  await again.committed();
  assert.equal((await again.query({ limit: 1 }))[0]?.seq, 7);
  assert.equal(await again.verify(), undefined);
});

test("append() and committed() refuse once the disk is full", async () => {
  await using parts = await bench();
  const { audit, store } = parts;
  store.hot.prepare("PRAGMA max_page_count = 1").get();
  audit.append({ ...call, target: "x".repeat(100_000) });
  await assert.rejects(audit.committed(), { code: "STORAGE_FULL" });
  assert.throws(() => audit.append(call), { code: "STORAGE_FULL" });
  assert.throws(() => audit.append(call), { code: "STORAGE_FULL" });
});

const attacks: readonly (readonly [how: string, sql: string, found: number])[] = [
  ["a changed record", "UPDATE audit SET lines = replace(lines, '\"fuel\":1', '\"fuel\":7')", 3],
  [
    "a changed last record",
    "UPDATE audit SET lines = replace(lines, '\"fuel\":4', '\"fuel\":5')",
    12,
  ],
  ["a record that was taken out", "DELETE FROM audit WHERE seq = 4", 4],
  ["the first record gone", "DELETE FROM audit WHERE seq = 1", 1],
  ["a record put in", "INSERT INTO audit SELECT 13, lines, digest FROM audit WHERE seq = 4", 13],
  ["a line that is no record", "UPDATE audit SET lines = 'null' WHERE seq = 4", 4],
  ["a number that was changed", "UPDATE audit SET seq = 5 WHERE seq = 4", 4],
  ["a digest that was changed", "UPDATE audit SET digest = 'x' WHERE seq = 8", 12],
];
for (const [how, sql, found] of attacks)
  test(`verify() finds ${how}`, async () => {
    await using parts = await bench();
    await write(parts, [3, 4, 5]);
    assert.equal(await parts.audit.verify(), undefined);
    parts.tamper(sql);
    assert.equal(await parts.audit.verify(), found);
  });

test("verify() and query() read an audit of many commits to its end", async () => {
  await using parts = await bench();
  await write(
    parts,
    Array.from({ length: 200 }, () => 2),
  );
  assert.equal(await parts.audit.verify(), undefined);
  const all = await parts.audit.query({ limit: 1_000 });
  assert.deepEqual(
    all.map(({ seq }) => seq),
    Array.from({ length: 400 }, (_, index) => index + 1),
  );
});

test("query() gives the newest that fit, the newest last", async () => {
  await using parts = await bench();
  const { audit, clock } = parts;
  await write(parts, [2]);
  audit.append({ ...stop, target: '"plugin":"vowels"' });
  await write(parts, [2]);
  const seqs = async (query: Parameters<Audit["query"]>[0]) =>
    (await audit.query(query)).map(({ seq }) => seq);
  assert.deepEqual(await seqs({ limit: 2 }), [4, 5]);
  assert.deepEqual(await seqs({ limit: 9, plugin: "notes" }), [3]);
  assert.deepEqual(await seqs({ limit: 9, plugin: "vowels" }), [1, 2, 4, 5]);
  assert.deepEqual(await seqs({ limit: 3, plugin: "vowels" }), [2, 4, 5]);
  assert.deepEqual(await seqs({ limit: 9, kind: "plugin" }), [3]);
  assert.deepEqual(await seqs({ limit: 9, kind: "key" }), []);
  assert.deepEqual(await seqs({ limit: 9, since: clock.now() - 1_000 }), [3, 4, 5]);
  assert.deepEqual(await seqs({ limit: 9, since: clock.now() }), []);
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
