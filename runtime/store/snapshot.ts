import Database from "better-sqlite3";
import type { Digest, PluginId } from "#manifests/names.ts";
import { toHostError } from "./database.ts";

/** Pages copied in one turn of the event loop: some 2 MiB, a few milliseconds. */
const pagesPerTurn = 512;
/** Turns after which the rest is copied at once: writes of another connection begin a copy anew. */
const turnsMax = 100_000;

/** Hears how much of a database is copied. */
export type OnPages = (done: number, all: number) => void;

/**
 * Copies a database that is being written to, as it is when the copy ends.
 *
 * @param path  of a file that is not there yet
 * @throws STORAGE_FULL, STORE_DAMAGED
 */
export async function copyDatabase(
  database: Database.Database,
  path: string,
  onPages: OnPages,
): Promise<void> {
  const state = { turns: 0 };
  try {
    await database.backup(path, {
      progress: ({ totalPages, remainingPages }) => {
        state.turns += 1;
        onPages(totalPages - remainingPages, totalPages);
        return state.turns > turnsMax ? totalPages : pagesPerTurn;
      },
    });
  } catch (cause) {
    throw toHostError(cause);
  }
}

/** A version as a copy of a database knows it. */
export interface CopiedVersion {
  readonly plugin: PluginId;
  readonly digest: Digest;
  readonly files: Readonly<Record<string, Digest>>;
  readonly meteredDigest: Digest;
}

/** What a copy of a database holds, as far as files go with it. */
export interface CopiedFacts {
  /** Its form. */
  readonly form: number;
  readonly versions: readonly CopiedVersion[];
}

/** Reads what a copy of a database holds. @throws STORE_DAMAGED */
export function readCopy(path: string): CopiedFacts {
  return reading(path, (database) => {
    const rows = database
      .prepare<[], Record<"plugin" | "digest" | "files" | "meteredDigest", string>>(
        "SELECT plugin, digest, files, meteredDigest FROM versions",
      )
      .all();
    return {
      form: Number(database.pragma("user_version", { simple: true })),
      versions: rows.map((row) => ({ ...row, files: JSON.parse(row.files) }) as CopiedVersion),
    };
  });
}

/** Reads all of a copy. Returns why it cannot be used; undefined when it is whole. @throws STORE_DAMAGED */
export function damageIn(path: string): string | undefined {
  return reading(path, (database) => {
    const verdict = String(database.pragma("integrity_check(1)", { simple: true }));
    if (verdict !== "ok") return verdict;
    const strays = database.pragma("foreign_key_check") as readonly unknown[];
    return strays.length > 0 ? "a row refers to none" : undefined;
  });
}

function reading<Result>(path: string, read: (database: Database.Database) => Result): Result {
  try {
    const database = new Database(path, { readonly: true });
    try {
      return read(database);
    } finally {
      database.close();
    }
  } catch (cause) {
    throw toHostError(cause);
  }
}
