import type Database from "better-sqlite3";
import {
  type Compilable,
  DummyDriver,
  type Generated,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { toHostError } from "./database.ts";

/** The tables as `schema.ts` makes them. */
export interface Tables {
  plugins: {
    id: string;
    state: string;
    reason: string | null;
    activeDigest: string;
    previousDigest: string | null;
    createdAt: number;
    updatedAt: number;
  };
  versions: {
    plugin: string;
    digest: string;
    version: string;
    manifest: string;
    files: string;
    source: string;
    signer: string;
    wasmDigest: string;
    meteredDigest: string;
    passVersion: number;
    prepared: string;
    installedAt: number;
  };
  grants: {
    plugin: string;
    source: string;
    signer: string;
    digest: string;
    grants: string;
    grantedAt: string;
    grantedBy: string;
  };
  activations: { plugin: string; digest: string; activatedAt: number; grants: string };
  highest: { plugin: string; source: string; signer: string; version: string };
  configs: { plugin: string; source: string; signer: string; config: string };
  keys: {
    id: string;
    hash: string;
    owner: string;
    name: string;
    scopes: string;
    ratePerMinute: number;
    createdAt: number;
    expiresAt: number;
    lastUsedAt: number | null;
    revokedAt: number | null;
  };
  requests: {
    number: Generated<number>;
    plugin: string;
    digest: string;
    bytes: number;
    release: string;
    askedBy: string;
    nonce: string;
    createdAt: number;
    expiresAt: number;
  };
  kvSpaces: {
    space: number;
    plugin: string;
    source: string;
    signer: string;
    owner: string;
    bytes: number;
  };
  vaultKeys: { generation: number; wrapped: Uint8Array };
  secrets: {
    name: string;
    audience: string;
    version: number;
    isWeak: number;
    setAt: number;
    generation: number;
    sealed: Uint8Array;
    uses: number;
    lastUsedAt: number | null;
  };
}

/**
 * Builds statements; it runs none.
 *
 * They run at once and not through Kysely's own driver, whose transactions last over turns of the
 * event loop: the commits of the call path would wait for them, and block the loop that ends them.
 */
export const sql = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/** Runs writes as one transaction, which is on the disk when the promise resolves. */
export async function transact<Result>(
  database: Database.Database,
  writes: () => Result,
): Promise<Result> {
  try {
    return database.transaction(writes).immediate();
  } catch (cause) {
    throw toHostError(cause);
  }
}

/** Runs a statement and returns how many rows it changed. */
export function run(database: Database.Database, statement: Compilable): number {
  const { sql: text, parameters } = statement.compile();
  return database.prepare(text).run(...parameters).changes;
}

/** Runs a query and returns its rows. */
export function all<Row>(database: Database.Database, query: Compilable<Row>): Row[] {
  const { sql: text, parameters } = query.compile();
  return database.prepare<unknown[], Row>(text).all(...parameters);
}
