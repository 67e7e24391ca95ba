import type Database from "better-sqlite3";
import type { Audience } from "#manifests/audience.ts";
import type { Hot } from "./hot.ts";
import { all, run, sql, transact } from "./query.ts";

/** A sealed value and what it is the value of. */
export interface SecretRecord {
  readonly name: string;
  readonly audience: Audience;
  /** One more each time that the value is set. */
  readonly version: number;
  /** Whether it cannot be told from ordinary text, so that it is not looked for. */
  readonly isWeak: boolean;
  readonly setAt: number;
  /** Number of the key that sealed it. */
  readonly generation: number;
  readonly sealed: Uint8Array;
  readonly uses: number;
  readonly lastUsedAt: number | null;
}

/** A key that seals values, wrapped by the key of the vault. */
export interface WrappedKey {
  readonly generation: number;
  readonly wrapped: Uint8Array;
}

/** What a vault keeps; all of it sealed. Promises are durable when they resolve. */
export interface SecretStore {
  loadAll(): Promise<{
    readonly keys: readonly WrappedKey[];
    readonly secrets: readonly SecretRecord[];
  }>;
  insertKey(key: WrappedKey): Promise<void>;
  put(secret: SecretRecord): Promise<void>;
  remove(names: readonly string[]): Promise<void>;
  /** Puts one key and everything that it sealed in the place of all before, in one step. */
  replaceAll(key: WrappedKey, secrets: readonly SecretRecord[]): Promise<void>;
  /**
   * Notes how often a secret was used; cheap enough for every use.
   *
   * @throws STORAGE_FULL, AUDIT_FAILED since a commit failed
   */
  noteUse(name: string, uses: number, lastUsedAt: number): void;
}

/** Returns the sealed values of a database. */
export function createSecretStore(database: Database.Database, hot: Hot): SecretStore {
  const act = <Result>(writes: () => Result) => transact(database, writes);
  const note = hot.prepare<[number, number, string]>(
    "UPDATE secrets SET uses = ?, lastUsedAt = ? WHERE name = ?",
  );
  return {
    loadAll: () =>
      act(() => ({
        keys: all(database, sql.selectFrom("vaultKeys").selectAll().orderBy("generation")),
        secrets: all(database, sql.selectFrom("secrets").selectAll()).map(toRecord),
      })),
    insertKey: (key) => act(() => insertKey(database, key)),
    put: (secret) => act(() => put(database, secret)),
    remove: (names) =>
      act(() => void run(database, sql.deleteFrom("secrets").where("name", "in", names))),
    replaceAll: (key, secrets) =>
      act(() => {
        run(database, sql.deleteFrom("secrets"));
        run(database, sql.deleteFrom("vaultKeys"));
        insertKey(database, key);
        for (const secret of secrets) put(database, secret);
      }),
    noteUse: (name, uses, lastUsedAt) => hot.record(() => note.run(uses, lastUsedAt, name)),
  };
}

/** Exactly these two: whoever asks holds the bare key beside them. */
function insertKey(database: Database.Database, { generation, wrapped }: WrappedKey): void {
  run(database, sql.insertInto("vaultKeys").values({ generation, wrapped }));
}

function put(database: Database.Database, { audience, isWeak, ...plain }: SecretRecord): void {
  const row = { ...plain, audience: JSON.stringify(audience), isWeak: isWeak ? 1 : 0 };
  run(database, sql.replaceInto("secrets").values(row));
}

type Row = Omit<SecretRecord, "audience" | "isWeak"> & { audience: string; isWeak: number };

function toRecord({ audience, isWeak, ...row }: Row): SecretRecord {
  return { ...row, audience: readAudience(audience), isWeak: isWeak === 1 };
}

/** An audience that somebody has changed reaches nobody, and the value does not open under it. */
function readAudience(text: string): Audience {
  try {
    const found: unknown = JSON.parse(text);
    return Array.isArray(found) ? found.map(String) : [];
  } catch {
    return [];
  }
}
