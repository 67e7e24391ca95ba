/** The attacker can write to the home: to change, take away, reorder or replace what was recorded. */
import assert from "node:assert/strict";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import type { AuditEntry } from "#runtime/audit-line.ts";
import type { Verdict, VerifyWish } from "#runtime/audit/verify.ts";
import { type AuditBench, auditBench } from "#test/support/audit.ts";
import { fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";

const call: AuditEntry = { kind: "call", act: "invoke", decision: "allowed", plugin: "vowels" };
/** Small files, so that there are several. */
const segmentBytesMax = 3_000;
const records = 20;

async function written(): Promise<AuditBench> {
  const bench = await auditBench({ clock: fakeClock(), segmentBytesMax });
  for (let index = 0; index < records; index++) {
    bench.audit.append({ ...call, fuel: index });
    await bench.audit.committed();
  }
  return bench;
}

async function filesOf(bench: AuditBench): Promise<string[]> {
  const names = await readdir(join(bench.folder, "audit"));
  const files = names.filter((name) => name.endsWith(".jsonl")).sort();
  return files.map((name) => join(bench.folder, "audit", name));
}

/** Changes the lines of all files as if they were one. */
async function change(bench: AuditBench, act: (lines: string[]) => string[]): Promise<void> {
  for (const file of await filesOf(bench)) {
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
    const changed = act(lines);
    if (changed !== lines) await writeFile(file, changed.map((line) => `${line}\n`).join(""));
  }
}

function withSeq(lines: readonly string[], seq: number): number {
  return lines.findIndex((line) => line.includes(`"seq":${seq},`));
}

function inFileOf(seq: number, act: (lines: string[], at: number) => string[]) {
  return (lines: string[]) => {
    const at = withSeq(lines, seq);
    return at < 0 ? lines : act(lines, at);
  };
}

const changed = (lines: string[], at: number): string[] =>
  lines.map((line, index) => (index === at ? line.replace('"fuel":', '"fuel":7') : line));
const without = (lines: string[], at: number): string[] => lines.filter((_, index) => index !== at);
const swapped = (lines: string[], at: number): string[] =>
  lines.with(at, lines[at + 1] ?? "").with(at + 1, lines[at] ?? "");
const cutAfter = (lines: string[], at: number): string[] => lines.slice(0, at);

/** What is done to the files, and the record at which it must be found: 7 and its neighbours are in the middle of a file. */
const attacks: readonly (readonly [string, (lines: string[]) => string[], readonly number[]])[] = [
  ["a changed record", inFileOf(7, changed), [7, 8]],
  ["a record taken out", inFileOf(7, without), [7]],
  ["two records swapped", inFileOf(7, swapped), [7]],
  [
    "a record written twice",
    inFileOf(7, (lines, at) => lines.toSpliced(at, 0, lines[at] ?? "")),
    [8],
  ],
  ["a line that is none", inFileOf(7, (lines, at) => lines.with(at, "null")), [7]],
  ["an empty line", inFileOf(7, (lines, at) => lines.toSpliced(at, 0, "")), [7]],
  ["the end of a file in the middle taken off", inFileOf(7, cutAfter), [7]],
  ["a changed first record", inFileOf(1, changed), [1, 2]],
  ["the first record gone", inFileOf(1, without), [1]],
];

for (const [how, act, found] of attacks)
  test(`verify() finds ${how}, while the host runs and after a restart`, async () => {
    await using bench = await written();
    assert.equal((await bench.audit.verify()).state, "consistent");
    await change(bench, act);
    const { broken, state } = await bench.audit.verify();
    assert.equal(state, "broken");
    assert.ok(found.includes(broken?.seq ?? 0), JSON.stringify(broken));
    await using again = await bench.again();
    assert.ok(found.includes((await again.audit.verify()).broken?.seq ?? 0));
  });

test("verify() finds what was done to the last file behind a running host", async () => {
  for (const act of [changed, without, cutAfter]) {
    await using bench = await written();
    const { to } = await bench.audit.verify();
    await change(bench, inFileOf(to.seq, act));
    const { broken } = await bench.audit.verify();
    assert.equal(broken?.seq, to.seq, act.name);
  }
});

test("verify() finds what was taken off the end while no host ran, by what the last one wrote down", async () => {
  for (const [act, found] of [
    [cutAfter, 0],
    [changed, 0],
  ] as const) {
    const bench = await written();
    const { to } = await bench.audit.verify();
    await bench.close();
    await change(bench, inFileOf(to.seq, act));
    await using again = await bench.again();
    const { broken } = await again.audit.verify();
    assert.equal(broken?.seq, to.seq + found, `${act.name} ${JSON.stringify(broken)}`);
  }
});

test("verify() finds a whole file that is gone, wherever it was", async () => {
  const count = (await filesOf(await written())).length;
  for (let index = 0; index < count - 1; index++) {
    await using bench = await written();
    const file = (await filesOf(bench))[index] ?? "";
    await rm(file);
    const { broken } = await bench.audit.verify();
    assert.ok(broken !== null, file);
    const again = await bench.again();
    const next = Number(/(\d{16})/.exec((await filesOf(again))[index] ?? "")?.[1]);
    const found = (await again.audit.verify()).broken?.seq ?? 0;
    assert.ok(found === Number(/(\d{16})/.exec(file)?.[1]) || found === next, `${found}`);
    await again[Symbol.asyncDispose]();
  }
});

/** Writes an audit of another host with the same records in number and size. */
async function forged(): Promise<AuditBench> {
  const clock = fakeClock();
  clock.random(1);
  const bench = await auditBench({ clock, segmentBytesMax });
  for (let index = 0; index < records; index++) {
    bench.audit.append({ ...call, fuel: index, plugin: "harmed" });
    await bench.audit.committed();
  }
  return bench;
}

test("verify() finds a file that another host has written in the place of ours", async () => {
  await using other = await forged();
  await using bench = await written();
  const [theirs, ours] = [await filesOf(other), await filesOf(bench)];
  await cp(theirs[1] ?? "", ours[1] ?? "");
  assert.equal(
    (await bench.audit.verify()).broken?.seq,
    Number(/(\d{16})/.exec(ours[1] ?? "")?.[1]),
  );
});

test("verify() finds that all files are another host's, by the seals", async () => {
  await using other = await forged();
  await other.close();
  const bench = await written();
  await bench.close();
  for (const file of await filesOf(bench)) await rm(file);
  for (const file of await filesOf(other)) await cp(file, file.replace(other.folder, bench.folder));
  forgetIndex(bench);
  await using again = await bench.again();
  const { broken } = await again.audit.verify();
  assert.match(broken?.why ?? "", /sealed by a key that is neither/);
});

/** Whoever can write to the home can write to its database. */
function forgetIndex(bench: AuditBench): void {
  const database = new Database(join(bench.folder, "convergio.db"));
  database.exec("DELETE FROM auditBlocks; DELETE FROM meta WHERE key = 'auditHead'");
  database.close();
}

async function verdictWith(bench: AuditBench, heads: VerifyWish["heads"]): Promise<Verdict> {
  return bench.audit.verify({ heads: heads ?? [] });
}

test("verify() finds an older copy of the whole home by a head that was kept elsewhere, and by nothing else", async () => {
  await using copy = await temporaryFolder();
  const bench = await written();
  await bench.close();
  await cp(bench.folder, copy.path, { recursive: true });
  const later = await bench.again();
  later.audit.append({ ...call, plugin: "forgotten" });
  const { head } = await later.audit.heads();
  const { state, anchoredTo } = await verdictWith(later, [head]);
  assert.deepEqual([state, anchoredTo], ["anchored", head.seq]);
  await later.close();
  await rm(later.folder, { recursive: true });
  await cp(copy.path, later.folder, { recursive: true });
  await using replayed = await later.again();
  assert.equal((await replayed.audit.verify()).state, "consistent");
  const { broken } = await verdictWith(replayed, [head]);
  assert.equal(broken?.seq, head.seq);
  assert.match(broken?.why ?? "", /missing/);
});

test("verify() finds an end that was written anew with the host's own key, by a head kept elsewhere", async () => {
  const bench = await written();
  const { head } = await bench.audit.heads();
  await bench.close();
  for (const file of await filesOf(bench)) await rm(file);
  forgetIndex(bench);
  await using again = await bench.again();
  for (let index = 0; index < records + 10; index++)
    again.audit.append({ ...call, fuel: index + 1 });
  await again.audit.committed();
  assert.equal((await again.audit.verify()).state, "consistent");
  const { broken } = await verdictWith(again, [head]);
  assert.equal(broken?.seq, head.seq);
  assert.match(broken?.why ?? "", /kept elsewhere/);
});

test("verify() says of a kept head whether its signature fits and whose it is", async () => {
  await using bench = await written();
  await using other = await forged();
  const [{ head }, theirs] = [await bench.audit.heads(), await other.audit.heads()];
  const lying = { ...head, signature: theirs.head.signature };
  const foreign = { ...head, key: theirs.head.key };
  assert.match((await verdictWith(bench, [lying])).notes.join(), /does not fit/);
  assert.match((await verdictWith(bench, [foreign])).notes.join(), /another key/);
  assert.deepEqual((await verdictWith(bench, [head])).notes, []);
});

test("verify() takes the seals of a host whose head was kept, when its audit has moved to another", async () => {
  const bench = await written();
  const { head } = await bench.audit.heads();
  await bench.close();
  await rm(join(bench.folder, "audit", "host.key"));
  await using moved = await (await auditBench({ clock: movedClock() })).again();
  await moved.close();
  for (const file of await filesOf(moved)) await rm(file);
  for (const file of await filesOf(bench)) await cp(file, file.replace(bench.folder, moved.folder));
  forgetIndex(moved);
  await using again = await moved.again();
  assert.match((await again.audit.verify()).broken?.why ?? "", /sealed by a key/);
  const { state, anchoredTo } = await verdictWith(again, [head]);
  assert.deepEqual([state, anchoredTo], ["anchored", head.seq]);
  await bench[Symbol.asyncDispose]();
});

/** Its host has another key. */
function movedClock() {
  const clock = fakeClock();
  clock.random(1);
  return clock;
}
