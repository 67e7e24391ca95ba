import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import Database from "better-sqlite3";
import { createHot, type Hot } from "#runtime/store/hot.ts";
import { temporaryFolder } from "#test/support/home.ts";

interface Bench {
  readonly hot: Hot;
  readonly database: Database.Database;
  readonly insert: (value: string) => void;
  /** What another process would see. */
  readonly seen: () => unknown[];
}

function benchIn(folder: string): Bench {
  const path = join(folder, "hot.db");
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  database.exec("CREATE TABLE rows (id INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT");
  const hot = createHot(database);
  const statement = hot.prepare<[string]>("INSERT INTO rows (value) VALUES (?)");
  const seen = (): unknown[] => {
    const other = new Database(path, { readonly: true });
    const values = other.prepare("SELECT value FROM rows ORDER BY id").pluck().all();
    other.close();
    return values;
  };
  return { hot, database, insert: (value) => void statement.run(value), seen };
}

/** Leaves no room for another page. */
function fill({ database }: Bench): void {
  database.pragma(`max_page_count = ${database.pragma("page_count", { simple: true })}`);
}

const large = "x".repeat(10_000);

test("record() commits what a turn of the event loop recorded, in its order and in one step", async () => {
  await using folder = await temporaryFolder();
  const bench = benchIn(folder.path);
  using hot = bench.hot;
  for (const value of ["a", "b"]) hot.record(() => bench.insert(value));
  await Promise.resolve();
  hot.record(() => bench.insert("c"));
  assert.deepEqual(bench.seen(), []);
  await nextTurn();
  assert.deepEqual(bench.seen(), ["a", "b", "c"]);
});

test("flushed() resolves when everything so far is committed, and at once when nothing waits", async () => {
  await using folder = await temporaryFolder();
  const bench = benchIn(folder.path);
  using hot = bench.hot;
  await hot.flushed();
  hot.record(() => bench.insert("a"));
  const both = [hot.flushed(), hot.flushed()];
  await Promise.all(both);
  assert.deepEqual(bench.seen(), ["a"]);
});

test("run() returns what the write returned, once it is committed", async () => {
  await using folder = await temporaryFolder();
  const bench = benchIn(folder.path);
  using hot = bench.hot;
  const answers = await Promise.all(
    ["a", "b"].map((value) =>
      hot.run(() => {
        bench.insert(value);
        return value.toUpperCase();
      }),
    ),
  );
  assert.deepEqual(answers, ["A", "B"]);
  assert.deepEqual(bench.seen(), ["a", "b"]);
});

test("flushed() rejects for everybody when the disk is full, and nothing of the turn is kept", async () => {
  await using folder = await temporaryFolder();
  const bench = benchIn(folder.path);
  using hot = bench.hot;
  fill(bench);
  hot.record(() => bench.insert("small"));
  const waiting = [hot.flushed(), hot.run(() => bench.insert(large))];
  const outcomes = await Promise.allSettled(waiting);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.code),
    ["STORAGE_FULL", "STORAGE_FULL"],
  );
  assert.deepEqual(bench.seen(), []);
});

test("record() refuses once a commit failed, even after there is room again", async () => {
  await using folder = await temporaryFolder();
  const bench = benchIn(folder.path);
  using hot = bench.hot;
  fill(bench);
  hot.record(() => bench.insert(large));
  // Nobody waits for this one: its failure must not end the process.
  await nextTurn();
  bench.database.pragma("max_page_count = 1000000");
  assert.equal(hot.failure?.code, "STORAGE_FULL");
  assert.throws(() => hot.record(() => bench.insert("later")), { code: "STORAGE_FULL" });
  await assert.rejects(hot.flushed(), { code: "STORAGE_FULL" });
  await assert.rejects(
    hot.run(() => 1),
    { code: "STORAGE_FULL" },
  );
  assert.deepEqual(bench.seen(), []);
});

test("record() refuses with another code when the disk is not what failed", async () => {
  await using folder = await temporaryFolder();
  const bench = benchIn(folder.path);
  using hot = bench.hot;
  hot.record(() => bench.insert("lost"));
  hot.record(() => bench.database.exec("INSERT INTO rows VALUES (1, NULL)"));
  await assert.rejects(hot.flushed(), { code: "AUDIT_FAILED" });
  assert.deepEqual(bench.seen(), []);
});

test("createHot() commits what is queued when it is disposed", async () => {
  await using folder = await temporaryFolder();
  const bench = benchIn(folder.path);
  bench.hot.record(() => bench.insert("last"));
  bench.hot[Symbol.dispose]();
  assert.deepEqual(bench.seen(), ["last"]);
  await nextTurn();
});
