import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { HostError } from "#manifests/errors.ts";
import type { Clock } from "#runtime/clock.ts";
import { migrations } from "./schema.ts";

/** Where the database is, and who opens it. */
export interface DatabaseOptions {
  readonly path: string;
  /** Folder for copies from before migrations. */
  readonly backups: string;
  readonly clock: Clock;
  /** Version of this host, for a later one that finds its database. */
  readonly hostVersion: string;
  /** Steps of the form of the database; those of this host when left out. */
  readonly migrations?: readonly string[];
}

/**
 * The two connections to one file.
 *
 * `durable` reaches the disk before a commit returns; `hot` reaches the system, which keeps what it
 * got when this process is killed, but loses it when the power fails.
 */
export interface Connections {
  readonly durable: Database.Database;
  readonly hot: Database.Database;
}

/** Copies from before migrations that are kept: one to go back to and two in doubt. */
const backupsMax = 3;

/**
 * Opens the database, and brings it to the form that this host knows.
 *
 * All steps are one transaction, after a copy of the old database; a killed migration leaves the
 * old form.
 *
 * @throws SCHEMA_NEWER, STORE_DAMAGED, STORAGE_FULL
 */
export function openDatabase(options: DatabaseOptions): Connections {
  using undo = new DisposableStack();
  const open = (synchronous: "FULL" | "NORMAL"): Database.Database => {
    const database = new Database(options.path, { timeout: 1_000 });
    undo.defer(() => database.close());
    database.pragma("journal_mode = WAL");
    database.pragma(`synchronous = ${synchronous}`);
    database.pragma("foreign_keys = ON");
    database.pragma("trusted_schema = OFF");
    // A plan that needs room of its own takes memory: temporary files would lie outside the home.
    database.pragma("temp_store = MEMORY");
    return database;
  };
  try {
    const durable = open("FULL");
    migrate(durable, options);
    const connections = { durable, hot: open("NORMAL") };
    undo.move();
    return connections;
  } catch (cause) {
    throw toHostError(cause);
  }
}

/** Returns the failure to report for what SQLite threw; anything else comes back as it is. */
export function toHostError(cause: unknown): unknown {
  if (!(cause instanceof Database.SqliteError)) return cause;
  if (cause.code === "SQLITE_FULL") return new HostError("STORAGE_FULL", {}, { cause });
  if (cause.code.startsWith("SQLITE_CORRUPT") || cause.code === "SQLITE_NOTADB")
    return new HostError("STORE_DAMAGED", { reason: cause.message }, { cause });
  return cause;
}

function migrate(database: Database.Database, options: DatabaseOptions): void {
  const steps = options.migrations ?? migrations;
  const form = Number(database.pragma("user_version", { simple: true }));
  if (form === steps.length) return;
  if (form > steps.length)
    throw new HostError("SCHEMA_NEWER", { version: readMeta(database, "hostVersion") });
  if (form > 0) backUp(database, options, form);
  database
    .transaction(() => {
      for (const step of steps.slice(form)) database.exec(step);
      database.pragma(`user_version = ${steps.length}`);
      database
        .prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('hostVersion', ?)")
        .run(options.hostVersion);
    })
    .exclusive();
}

function readMeta(database: Database.Database, key: string): string {
  const value = database.prepare("SELECT value FROM meta WHERE key = ?").pluck().get(key);
  return typeof value === "string" ? value : "unknown";
}

/** Copies the database; a copy under its final name is whole. */
function backUp(database: Database.Database, options: DatabaseOptions, form: number): void {
  const at = new Date(options.clock.now()).toISOString().replaceAll(":", "-");
  const target = join(options.backups, `${at}-form-${form}.db`);
  rmSync(`${target}.part`, { force: true });
  database.prepare("VACUUM INTO ?").run(`${target}.part`);
  const file = openSync(`${target}.part`, "r");
  fsyncSync(file);
  closeSync(file);
  renameSync(`${target}.part`, target);
  const copies = readdirSync(options.backups).sort();
  for (const name of copies.slice(0, -backupsMax)) rmSync(join(options.backups, name));
}
