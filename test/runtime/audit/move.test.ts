import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import { type AuditEntry, lineDigest, lineOf } from "#runtime/audit-line.ts";
import type { AuditOptions } from "#runtime/audit.ts";
import { auditIn } from "#test/support/audit.ts";
import { fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { storeIn } from "#test/support/store.ts";

const call: AuditEntry = { kind: "call", act: "invoke", decision: "allowed", plugin: "vowels" };

/** Lines of a chain, as many a commit as are wanted. */
function commitsOf(sizes: readonly number[]): { seq: number; lines: string[]; digest: string }[] {
  let [seq, digest] = [0, `sha256:${"0".repeat(64)}`];
  return sizes.map((size) => {
    const first = seq + 1;
    const lines = Array.from({ length: size }, () => {
      seq++;
      const line = lineOf(call, { seq, at: "2026-01-01T00:00:00.000Z", previous: digest });
      digest = lineDigest(line);
      return line;
    });
    return { seq: first, lines, digest };
  });
}

type Commits = ReturnType<typeof commitsOf>;

function writeRows(folder: string, commits: Commits): void {
  const database = new Database(join(folder, "convergio.db"));
  const insert = database.prepare("INSERT INTO audit (seq, lines, digest) VALUES (?, ?, ?)");
  for (const { seq, lines, digest } of commits) insert.run(seq, lines.join("\n"), digest);
  database.close();
}

/** Opens an audit over a database whose table of records is full, as the first host left it. */
async function withRows(sizes: readonly number[], options: Partial<AuditOptions> = {}) {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await temporaryFolder());
  await (await storeIn(path))[Symbol.asyncDispose]();
  writeRows(path, commitsOf(sizes));
  const store = undo.use(await storeIn(path));
  const audit = undo.use(await auditIn(path, store, fakeClock(), options));
  const held = undo.move();
  return { audit, path, store, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

test("openAudit() moves the records of the first form into files, and their chain goes on", async () => {
  await using bench = await withRows([3, 1, 200, 5]);
  const { audit, store } = bench;
  assert.deepEqual((await audit.query({ kind: "call", limit: 1_000 })).length, 209);
  const [last] = await audit.query({ limit: 1 });
  assert.deepEqual([last?.seq, last?.act, last?.target], [210, "move", "records 1 to 209"]);
  const { state, records } = await audit.verify();
  assert.deepEqual([state, records], ["consistent", 210]);
  assert.deepEqual(store.hot.prepare("SELECT count(*) AS rows FROM audit").get(), { rows: 0 });
});

test("openAudit() moves many records into several files, which need no seals", async () => {
  await using bench = await withRows(Array(40).fill(20), { segmentBytesMax: 100_000 });
  const files = await readdir(join(bench.path, "audit"));
  assert.ok(files.filter((name) => name.endsWith(".jsonl")).length > 2);
  for (let turn = 0; turn < 300; turn++) bench.audit.append(call);
  await bench.audit.committed();
  const { state, broken } = await bench.audit.verify();
  assert.deepEqual([state, broken], ["consistent", null]);
});

test("openAudit() finishes a move that was killed after any of its files", async () => {
  const commits = commitsOf(Array(10).fill(20));
  const lines = commits.flatMap((commit) => commit.lines);
  for (const [done, rest] of [
    [100, []],
    [200, []],
    [60, ["0000000000000061.jsonl.part"]],
  ] as const) {
    await using home = await temporaryFolder();
    await (await storeIn(home.path))[Symbol.asyncDispose]();
    writeRows(home.path, commits);
    await mkdir(join(home.path, "audit"));
    const whole = `${lines.slice(0, done).join("\n")}\n`;
    await writeFile(join(home.path, "audit", "0000000000000001.jsonl"), whole);
    for (const name of rest) await writeFile(join(home.path, "audit", name), "half");
    await using store = await storeIn(home.path);
    await using audit = await auditIn(home.path, store, fakeClock());
    assert.equal((await audit.query({ kind: "call", limit: 1_000 })).length, 200);
    assert.equal((await audit.verify()).state, "consistent");
  }
});
