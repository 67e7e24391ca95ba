import type Database from "better-sqlite3";
import type { Manifest } from "#manifests/manifest.ts";
import type { Digest, PluginId } from "#manifests/names.ts";
import { all, run, sql, transact } from "./query.ts";
import type { VersionRecord } from "./records.ts";

/** An install that waits for consent. Times are milliseconds since 1970. */
export interface RequestRecord {
  /** By which people name it; never given twice. */
  readonly number: number;
  readonly plugin: PluginId;
  /** Of the package. */
  readonly digest: Digest;
  /** Of the package, on disk. */
  readonly bytes: number;
  /** What was found about the package when it came. */
  readonly release: {
    readonly manifest: Manifest;
    readonly source: VersionRecord["source"];
    readonly signer: VersionRecord["signer"];
    readonly isLocal: boolean;
    readonly allowDowngrade: boolean;
  };
  readonly askedBy: {
    readonly kind: "owner" | "key" | "plugin";
    readonly keyId: string;
    readonly owner: string;
  };
  /** What nobody can guess: the names of its questions are made of it. */
  readonly nonce: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** The installs that wait for consent, as they are on disk; durable when a promise resolves. */
export interface RequestStore {
  all(): Promise<readonly RequestRecord[]>;
  /** @returns the number that the request got */
  insert(request: Omit<RequestRecord, "number">): Promise<number>;
  remove(number: number): Promise<void>;
}

/** Returns the requests of a database. */
export function createRequestStore(database: Database.Database): RequestStore {
  const act = <Result>(writes: () => Result) => transact(database, writes);
  return {
    all: () =>
      act(() => {
        const rows = all(database, sql.selectFrom("requests").selectAll().orderBy("number"));
        return rows.map((row) => ({
          ...(row as unknown as RequestRecord),
          release: JSON.parse(row.release),
          askedBy: JSON.parse(row.askedBy),
        }));
      }),
    insert: ({ release, askedBy, ...row }) =>
      act(() => {
        const texts = { release: JSON.stringify(release), askedBy: JSON.stringify(askedBy) };
        const statement = sql.insertInto("requests").values({ ...row, ...texts });
        const [made] = all(database, statement.returning("number"));
        return Number(made?.number);
      }),
    remove: (number) =>
      act(() => void run(database, sql.deleteFrom("requests").where("number", "=", number))),
  };
}
