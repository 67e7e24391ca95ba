import assert from "node:assert/strict";
import type Database from "better-sqlite3";
import type { Hot } from "./hot.ts";
import { all, run, sql, transact } from "./query.ts";
import type { KeyRecord } from "./records.ts";

/** The keys, as they are on disk. Promises are durable when they resolve. */
export interface KeyStore {
  loadAll(): Promise<readonly KeyRecord[]>;
  insert(key: KeyRecord): Promise<void>;
  /** Puts a new key beside an old one, which works for a while more, in one step. */
  rotate(oldId: string, oldExpiresAt: number, key: KeyRecord): Promise<void>;
  revoke(id: string, revokedAt: number): Promise<void>;
  /**
   * Notes that a key was used; cheap enough for every request, and exact to a minute.
   *
   * @throws STORAGE_FULL, AUDIT_FAILED since a commit failed
   */
  touch(id: string, usedAt: number): void;
}

/** How long a noted use stands for those after it. */
const touchMs = 60_000;

/** Returns the keys of a database. */
export function createKeyStore(database: Database.Database, hot: Hot): KeyStore {
  const touched = new Map<string, number>();
  const touch = hot.prepare<[number, string]>("UPDATE keys SET lastUsedAt = ? WHERE id = ?");
  const act = <Result>(writes: () => Result) => transact(database, writes);
  return {
    loadAll: () => act(() => all(database, sql.selectFrom("keys").selectAll()).map(toRecord)),
    insert: (key) => act(() => void run(database, insertStatement(key))),
    rotate: (oldId, oldExpiresAt, key) =>
      act(() => {
        const old = sql.updateTable("keys").set({ expiresAt: oldExpiresAt });
        assert.equal(run(database, old.where("id", "=", oldId)), 1, "the old key is there");
        run(database, insertStatement(key));
      }),
    revoke: (id, revokedAt) =>
      act(() => {
        const statement = sql.updateTable("keys").set({ revokedAt }).where("id", "=", id);
        assert.equal(run(database, statement), 1, "the key is there");
      }),
    touch: (id, usedAt) => {
      if (Math.abs(usedAt - (touched.get(id) ?? Number.NEGATIVE_INFINITY)) < touchMs) return;
      hot.record(() => touch.run(usedAt, id));
      touched.set(id, usedAt);
    },
  };
}

function insertStatement(key: KeyRecord) {
  return sql.insertInto("keys").values({ ...key, scopes: JSON.stringify(key.scopes) });
}

function toRecord(row: Omit<KeyRecord, "scopes"> & { scopes: string }): KeyRecord {
  return { ...row, scopes: JSON.parse(row.scopes) };
}
