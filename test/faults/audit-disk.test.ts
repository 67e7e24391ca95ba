/** The attacker is the disk: full at any byte, and unable to keep what it was given. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import type { AuditEntry } from "#runtime/audit-line.ts";
import { type OpenSegment, openSegment } from "#runtime/audit/segment-file.ts";
import { type AuditBench, auditBench, auditIn } from "#test/support/audit.ts";
import { fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { storeIn } from "#test/support/store.ts";

const call: AuditEntry = { kind: "call", act: "invoke", decision: "allowed", plugin: "vowels" };
const effect: AuditEntry = { kind: "effect", act: "kv_set", decision: "allowed", plugin: "vowels" };

interface Disk {
  readonly open: OpenSegment;
  /** Bytes that it still takes. */
  left: number;
  keeps: boolean;
}

/** A real file on a disk that has so many bytes left. */
function disk(): Disk {
  const state: Disk = {
    left: Number.POSITIVE_INFINITY,
    keeps: true,
    open: (path) => {
      const file = openSegment(path);
      return {
        get size() {
          return file.size;
        },
        append(bytes) {
          const fit = Math.min(bytes.length, state.left);
          file.append(bytes.subarray(0, fit));
          state.left -= fit;
          if (fit < bytes.length) throw Object.assign(new TypeError("full"), { code: "ENOSPC" });
        },
        cut: (size) => file.cut(size),
        async sync() {
          if (!state.keeps) throw Object.assign(new TypeError("lost"), { code: "EIO" });
          await file.sync();
        },
        close: () => file.close(),
      };
    },
  };
  return state;
}

async function lastFile(bench: AuditBench): Promise<string> {
  const folder = join(bench.folder, "audit");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".jsonl"));
  return join(folder, names.sort().at(-1) ?? "");
}

test("append() of an effect throws when its record cannot be written, and so does everything after it", async () => {
  const held = disk();
  await using bench = await auditBench({ open: held.open });
  bench.audit.append(call);
  await bench.audit.committed();
  held.left = 300;
  // The room that was kept does not help: this disk is full whatever is given back to it.
  assert.throws(() => bench.audit.append(effect), { code: "STORAGE_FULL" });
  assert.throws(() => bench.audit.append(call), { code: "STORAGE_FULL" });
  await assert.rejects(bench.audit.committed(), { code: "STORAGE_FULL" });
  assert.equal(bench.audit.failure?.code, "STORAGE_FULL");
  held.left = Number.POSITIVE_INFINITY;
  await using again = await bench.again();
  assert.equal((await again.audit.query({ limit: 10 })).length, 1);
  again.audit.append(effect);
  await again.audit.committed();
  assert.equal((await again.audit.verify()).state, "consistent");
});

test("append() uses the room that was kept when the disk is full, and says so", async () => {
  const held = disk();
  const full: string[] = [];
  const inner = held.open;
  const open: OpenSegment = (path) => {
    const file = inner(path);
    // The reserve is given back between the two tries.
    return {
      ...file,
      append: (bytes) => appendWith(file, bytes),
      get size() {
        return file.size;
      },
    };
  };
  const appendWith = (file: ReturnType<OpenSegment>, bytes: Uint8Array): void => {
    try {
      file.append(bytes);
    } catch (error) {
      held.left = 100_000;
      throw error;
    }
  };
  await using bench = await auditBench({ open, onFull: () => full.push("full") });
  held.left = 100;
  bench.audit.append({ ...call, kind: "key", act: "revoke" });
  await bench.audit.committed();
  assert.deepEqual(full, ["full"]);
  assert.ok(!(await readdir(join(bench.folder, "audit"))).includes("reserve"));
  await bench.audit.tend(true);
  assert.ok((await readdir(join(bench.folder, "audit"))).includes("reserve"));
  assert.equal((await bench.audit.verify()).records, 1);
});

test("committed() never resolves for a record that the disk did not keep, nor for any after it", async () => {
  const held = disk();
  const troubles: string[] = [];
  await using bench = await auditBench({
    open: held.open,
    onTrouble: (what) => troubles.push(what),
  });
  bench.audit.append(call);
  await bench.audit.committed();
  held.keeps = false;
  bench.audit.append(call);
  await assert.rejects(bench.audit.committed(), { code: "AUDIT_FAILED" });
  held.keeps = true;
  await assert.rejects(bench.audit.committed(), { code: "AUDIT_FAILED" });
  assert.throws(() => bench.audit.append(effect), { code: "AUDIT_FAILED" });
  assert.equal(troubles.length, 1);
});

/** Counts the trips to the disk. */
function counting(): { open: OpenSegment; trips: () => number } {
  const state = { trips: 0 };
  return {
    trips: () => state.trips,
    open: (path) => {
      const file = openSegment(path);
      return {
        ...file,
        get size() {
          return file.size;
        },
        sync() {
          state.trips++;
          return file.sync();
        },
      };
    },
  };
}

test("committed() of many at once takes few trips to the disk, and loses nobody", async () => {
  const { open, trips } = counting();
  await using bench = await auditBench({ open });
  const one = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) {
      bench.audit.append(call);
      await bench.audit.committed();
    }
  };
  await Promise.all(Array.from({ length: 50 }, one));
  assert.equal((await bench.audit.verify()).records, 1_000);
  assert.ok(trips() < 200, `${trips()} trips`);
});

test("committed() does not wait for the disk where that is the setting; tend() brings it there", async () => {
  const { open, trips } = counting();
  await using bench = await auditBench({ open, waitsForDisk: () => false });
  bench.audit.append(call);
  await bench.audit.committed();
  assert.equal(trips(), 0);
  await bench.audit.tend(true);
  assert.equal(trips(), 1);
});

test("openAudit() cuts what was half written at any byte, keeps it, and says so", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), async (tail) => {
      await using bench = await auditBench({ clock: fakeClock() });
      bench.audit.append(call);
      await bench.audit.committed();
      const file = await lastFile(bench);
      await appendFile(file, tail);
      await using again = await bench.again();
      const [first, second, ...more] = await again.audit.query({ limit: 10 });
      assert.deepEqual([first?.seq, second?.act, more.length], [1, "cut", 0]);
      const { state, notes } = await again.audit.verify();
      assert.deepEqual([state, notes.length], ["consistent", 1]);
      const kept = await readFile(join(bench.folder, "audit", "cut-after-1.bin"));
      assert.deepEqual(new Uint8Array(kept), tail);
    }),
    { numRuns: 25 },
  );
});

test("openAudit() goes on from every prefix of a file that a killed host may leave", async () => {
  const bench = await auditBench({ clock: fakeClock() });
  for (let index = 0; index < 3; index++) bench.audit.append({ ...call, fuel: index });
  const whole = await (async () => {
    await bench.audit.committed();
    return readFile(await lastFile(bench));
  })();
  await bench.close();
  const lines = whole.toString().split("\n");
  for (let bytes = 0; bytes <= whole.length; bytes += 37) {
    await using home = await temporaryFolder();
    await mkdir(join(home.path, "audit"));
    await writeFile(join(home.path, "audit", "0000000000000001.jsonl"), whole.subarray(0, bytes));
    await using store = await storeIn(home.path);
    await using audit = await auditIn(home.path, store, fakeClock());
    const found = (await audit.query({ kind: "call", limit: 10 })).length;
    const complete = lines
      .slice(0, -1)
      .filter((_, index) => lengthOf(lines, index) <= bytes).length;
    assert.equal(found, complete);
    assert.equal((await audit.verify()).state, "consistent");
  }
});

function lengthOf(lines: readonly string[], last: number): number {
  return lines.slice(0, last + 1).reduce((sum, line) => sum + line.length + 1, 0);
}

const run = promisify(execFile);
const mounts = process.platform === "linux" && process.getuid?.() === 0;

test("a disk that is really full refuses, and what fits on it verifies", async (context) => {
  await using home = await temporaryFolder();
  const small = join(home.path, "audit");
  await mkdir(small);
  const mounted =
    mounts &&
    (await run("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", small]).then(
      () => true,
      () => false,
    ));
  if (!mounted) return context.skip("a small disk cannot be mounted here");
  try {
    await using store = await storeIn(home.path);
    const full: string[] = [];
    const written = { count: 0 };
    {
      await using audit = await auditIn(home.path, store, fakeClock(), {
        onFull: () => full.push("full"),
      });
      const fill = async (): Promise<void> => {
        for (; ; written.count++) {
          audit.append({ ...effect, target: "x".repeat(400) });
          await audit.committed();
        }
      };
      await assert.rejects(fill, { code: "STORAGE_FULL" });
      assert.deepEqual(full, ["full"]);
    }
    assert.ok(written.count > 1_000, `${written.count}`);
    await writeFile(join(small, "reserve"), "");
    const files = (await readdir(small)).filter((name) => name.endsWith(".jsonl"));
    assert.equal(files.length, 1);
    const text = await readFile(join(small, files[0] ?? ""), "utf8");
    assert.equal(text.trimEnd().split("\n").length, written.count);
  } finally {
    await run("umount", [small]);
  }
});
