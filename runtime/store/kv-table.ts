import type { Hot } from "./hot.ts";
import type { KvSpace } from "./kv.ts";

/** A row of `kv`. */
export interface KvRow {
  readonly value: Buffer;
  readonly expiresAt: number | null;
}

/** A row of `kvSpaces`: its number, and what its entries count together. */
export interface SpaceRow {
  readonly space: number;
  readonly bytes: number;
}

/** Which keys a page holds: those from `first` on that come before `end`. */
export interface KeyRange {
  readonly first: Buffer;
  readonly end: Buffer;
  readonly now: number;
  readonly limit: number;
}

/** The statements on kept values. All that write keep the sum of their space. */
export interface KvTable {
  space(space: KvSpace): SpaceRow | undefined;
  open(space: KvSpace): SpaceRow;
  get(space: number, key: Buffer): KvRow | undefined;
  /** Bytes that an entry counts; 0 when there is none. */
  size(space: number, key: Buffer): number;
  put(space: number, key: Buffer, value: Uint8Array, expiresAt: number | null): void;
  erase(space: number, key: Buffer): void;
  /** Entries whose time is over. */
  over(now: number, limit: number): { space: number; key: Buffer }[];
  overIn(space: number, now: number, limit: number): { key: Buffer }[];
  /** Entries of purged spaces; forgets purged spaces that are empty. */
  purged(limit: number): { space: number; key: Buffer }[];
  list(space: number, range: KeyRange): string[];
}

/** Counted for each entry: about what its row costs besides key and value. */
export const entryBytes = 32;

type Names = [plugin: string, source: string, signer: string, owner: string];

interface ListParameters extends KeyRange {
  readonly space: number;
}

/** Prepares the statements on the connection of a queue. */
export function prepareKv(hot: Hot): KvTable {
  const space = hot.prepare<Names, SpaceRow>(
    `SELECT space, bytes FROM kvSpaces
     WHERE plugin = ? AND source = ? AND signer = ? AND owner = ?`,
  );
  const open = hot.prepare<Names, SpaceRow>(
    `INSERT INTO kvSpaces (plugin, source, signer, owner, bytes) VALUES (?, ?, ?, ?, 0)
     RETURNING space, bytes`,
  );
  const get = hot.prepare<[number, Buffer], KvRow>(
    "SELECT value, expiresAt FROM kv WHERE space = ? AND key = ?",
  );
  const size = hot.prepare<[number, Buffer], { bytes: number }>(
    `SELECT length(key) + length(value) + ${entryBytes} AS bytes
     FROM kv WHERE space = ? AND key = ?`,
  );
  const put = hot.prepare<[number, Buffer, Uint8Array, number | null]>(
    "INSERT INTO kv (space, key, value, expiresAt) VALUES (?, ?, ?, ?)",
  );
  const drop = hot.prepare<[number, Buffer]>("DELETE FROM kv WHERE space = ? AND key = ?");
  const count = hot.prepare<[number, number]>(
    "UPDATE kvSpaces SET bytes = bytes + ? WHERE space = ?",
  );
  // The index is named: another plan would read every entry of a full space at each write.
  const over = hot.prepare<[number, number], { space: number; key: Buffer }>(
    `SELECT kv.space, key FROM kvSpaces CROSS JOIN kv INDEXED BY kvExpiring
     ON kv.space = kvSpaces.space AND expiresAt <= ? LIMIT ?`,
  );
  const overIn = hot.prepare<[number, number, number], { key: Buffer }>(
    "SELECT key FROM kv INDEXED BY kvExpiring WHERE space = ? AND expiresAt <= ? LIMIT ?",
  );
  const purged = hot.prepare<[number], { space: number; key: Buffer }>(
    `SELECT kv.space, key FROM kvSpaces CROSS JOIN kv ON kv.space = kvSpaces.space
     WHERE plugin = '' LIMIT ?`,
  );
  const close = hot.prepare<[]>("DELETE FROM kvSpaces WHERE plugin = '' AND bytes = 0");
  const list = hot.prepare<[ListParameters], { key: Buffer }>(
    `SELECT key FROM kv WHERE space = @space AND key >= @first AND key < @end
     AND (expiresAt IS NULL OR expiresAt > @now) ORDER BY key LIMIT @limit`,
  );
  const sizeOf = (place: number, key: Buffer): number => size.get(place, key)?.bytes ?? 0;
  const erase = (place: number, key: Buffer): void => {
    count.run(-sizeOf(place, key), place);
    drop.run(place, key);
  };
  return {
    space: (names) => space.get(...namesOf(names)),
    open: (names) => open.get(...namesOf(names)) as SpaceRow,
    get: (place, key) => get.get(place, key),
    size: sizeOf,
    put: (place, key, value, expiresAt) => {
      erase(place, key);
      put.run(place, key, value, expiresAt);
      count.run(key.length + value.length + entryBytes, place);
    },
    erase,
    over: (now, limit) => over.all(now, limit),
    overIn: (place, now, limit) => overIn.all(place, now, limit),
    purged: (limit) => {
      close.run();
      return purged.all(limit);
    },
    list: (place, range) => list.all({ space: place, ...range }).map(({ key }) => key.toString()),
  };
}

function namesOf({ plugin, source, signer, owner }: KvSpace): Names {
  return [plugin, source, signer, owner];
}
