import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import { type Connections, type DatabaseOptions, openDatabase } from "#runtime/store/database.ts";
import { migrations } from "#runtime/store/schema.ts";
import { type FakeClock, fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";

const meta = migrations[0] ?? "";
const second = "CREATE TABLE later (id INTEGER) STRICT";

interface Options extends DatabaseOptions {
  readonly clock: FakeClock;
}

async function optionsIn(folder: string): Promise<Options> {
  const backups = join(folder, "backups");
  await mkdir(backups);
  const path = join(folder, "convergio.db");
  return { path, backups, clock: fakeClock(), hostVersion: "0.1.0" };
}

function close({ durable, hot }: Connections): void {
  hot.close();
  durable.close();
}

function tablesOf(path: string): unknown[] {
  const database = new Database(path, { readonly: true });
  const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck();
  const found = names.all();
  database.close();
  return found;
}

test("openDatabase() reaches the disk with one connection and the system with the other", async () => {
  await using folder = await temporaryFolder();
  const connections = openDatabase(await optionsIn(folder.path));
  const read = (pragma: string) =>
    [connections.durable, connections.hot].map((one) => one.pragma(pragma, { simple: true }));
  assert.deepEqual(read("journal_mode"), ["wal", "wal"]);
  assert.deepEqual(read("synchronous"), [2, 1]);
  close(connections);
});

test("openDatabase() makes the steps that are new, after a copy of what was there", async () => {
  await using folder = await temporaryFolder();
  const options = await optionsIn(folder.path);
  const first = openDatabase({ ...options, migrations: [meta] });
  first.durable.exec("INSERT INTO meta VALUES ('mark', 'kept')");
  close(first);
  assert.deepEqual(await readdir(options.backups), []);
  close(openDatabase({ ...options, migrations: [meta, second] }));
  assert.ok(tablesOf(options.path).includes("later"));
  const [copy = "", ...others] = await readdir(options.backups);
  assert.deepEqual(others, []);
  assert.ok(!tablesOf(join(options.backups, copy)).includes("later"));
  const database = new Database(join(options.backups, copy));
  assert.equal(database.prepare("SELECT value FROM meta WHERE key = 'mark'").pluck().get(), "kept");
  database.close();
});

test("openDatabase() leaves the old form when one of several steps fails", async () => {
  await using folder = await temporaryFolder();
  const options = await optionsIn(folder.path);
  close(openDatabase({ ...options, migrations: [meta] }));
  assert.throws(() => openDatabase({ ...options, migrations: [meta, second, "CREATE NONSENSE"] }));
  assert.ok(!tablesOf(options.path).includes("later"));
  close(openDatabase({ ...options, migrations: [meta, second] }));
  assert.ok(tablesOf(options.path).includes("later"));
});

test("openDatabase() refuses a newer form with the version that wrote it, and changes nothing", async () => {
  await using folder = await temporaryFolder();
  const options = await optionsIn(folder.path);
  close(openDatabase({ ...options, hostVersion: "0.9.2", migrations: [meta, second] }));
  const before = await readFile(options.path);
  assert.throws(() => openDatabase({ ...options, migrations: [meta] }), {
    code: "SCHEMA_NEWER",
    hint: "Use convergio 0.9.2 or a newer one",
  });
  assert.deepEqual(await readFile(options.path), before);
  assert.deepEqual(await readdir(options.backups), []);
});

test("openDatabase() keeps the three newest copies", async () => {
  await using folder = await temporaryFolder();
  const options = await optionsIn(folder.path);
  const steps = [meta, ...[1, 2, 3, 4, 5].map((step) => `CREATE TABLE t${step} (id INTEGER)`)];
  for (const length of steps.keys()) {
    options.clock.advance(1_000);
    close(openDatabase({ ...options, migrations: steps.slice(0, length + 1) }));
  }
  const copies = (await readdir(options.backups)).map((name) => name.match(/form-\d+/)?.[0]);
  assert.deepEqual(copies, ["form-3", "form-4", "form-5"]);
});

test("openDatabase() refuses a file that is no database", async () => {
  await using folder = await temporaryFolder();
  const options = await optionsIn(folder.path);
  await writeFile(options.path, "SQLite format 2\0".padEnd(8_192, "x"));
  assert.throws(() => openDatabase(options), { code: "STORE_DAMAGED" });
});
