import { HostError } from "#manifests/errors.ts";
import type { Binding } from "#manifests/grants.ts";
import type { Clock } from "#runtime/clock.ts";
import type { Hot } from "./hot.ts";
import { entryBytes, type KvRow, type KvTable, prepareKv } from "./kv-table.ts";

/** Whose values they are: a plugin's, or those that it keeps for one owner of keys. */
export interface KvSpace extends Binding {
  /** Empty for values that all callers share. */
  readonly owner: string;
}

/** How a value is kept. */
export interface KvTerms {
  /** Bytes of keys and values that the space may hold, each entry counted with 32 more. */
  readonly quotaBytes: number;
  /** Milliseconds until the value is gone; for ever when left out. */
  readonly ttlMs?: number;
}

/** A value that was kept. */
export interface KvEntry {
  readonly value: Uint8Array;
  /** Milliseconds since 1970, or null. */
  readonly expiresAt: number | null;
}

/** A change that holds only when a value still is what somebody read. */
export interface KvSwap {
  /** Null when the key must not be there. */
  readonly expected: Uint8Array | null;
  /** Null to delete. */
  readonly next: Uint8Array | null;
}

/** Keys with a prefix, in the order of their bytes. */
export interface KvPage {
  readonly keys: readonly string[];
  /** The key after which the next page begins; null on the last page. */
  readonly cursor: string | null;
}

/**
 * Values that plugins keep: writes are committed when they resolve.
 *
 * Keys and values are untrusted; who calls bounds their lengths. Writes throw STORAGE_FULL and
 * AUDIT_FAILED since a commit of the call path failed.
 */
export interface Kv {
  get(space: KvSpace, key: string): KvEntry | undefined;
  /** @throws KV_FULL */
  set(space: KvSpace, key: string, value: Uint8Array, terms: KvTerms): Promise<void>;
  /** Returns whether the change was made. @throws KV_FULL */
  compareAndSwap(space: KvSpace, key: string, swap: KvSwap, terms: KvTerms): Promise<boolean>;
  /** Returns whether there was something to delete. */
  delete(space: KvSpace, key: string): Promise<boolean>;
  /** Returns at most `limit` keys, those after the key `cursor`. */
  list(space: KvSpace, prefix: string, limit: number, cursor: string | null): KvPage;
  /** Returns the bytes that count towards the quota. */
  usedBytes(space: KvSpace): number;
  /** Deletes values whose time is over or that were purged, at most 1,000; returns how many. */
  sweep(): Promise<number>;
}

/** Values deleted in one step: a few milliseconds. */
const sweepMax = 1_000;

/** Returns the values of the database behind a queue of writes. */
export function createKv(hot: Hot, clock: Clock): Kv {
  return new QueuedKv(hot, clock);
}

class QueuedKv implements Kv {
  readonly #hot: Hot;
  readonly #clock: Clock;
  readonly #table: KvTable;

  constructor(hot: Hot, clock: Clock) {
    this.#hot = hot;
    this.#clock = clock;
    this.#table = prepareKv(hot);
  }

  get(space: KvSpace, key: string): KvEntry | undefined {
    return this.#read(space, Buffer.from(key));
  }

  async set(space: KvSpace, key: string, value: Uint8Array, terms: KvTerms): Promise<void> {
    const bytes = Buffer.from(key);
    const fits = await this.#hot.run(() => this.#write(space, bytes, value, terms));
    if (!fits) throw refusal(space, terms);
  }

  async compareAndSwap(space: KvSpace, key: string, swap: KvSwap, terms: KvTerms) {
    const { expected, next } = swap;
    const bytes = Buffer.from(key);
    const outcome = await this.#hot.run(() => {
      if (!isEqual(this.#read(space, bytes)?.value, expected)) return "other";
      if (next !== null) return this.#write(space, bytes, next, terms) ? "swapped" : "full";
      this.#erase(space, bytes);
      return "swapped";
    });
    if (outcome === "full") throw refusal(space, terms);
    return outcome === "swapped";
  }

  delete(space: KvSpace, key: string): Promise<boolean> {
    return this.#hot.run(() => this.#erase(space, Buffer.from(key)));
  }

  list(space: KvSpace, prefix: string, limit: number, cursor: string | null): KvPage {
    const found = this.#table.space(space);
    if (found === undefined) return { keys: [], cursor: null };
    const range = { ...rangeOf(prefix, cursor), now: this.#clock.now(), limit: limit + 1 };
    const keys = this.#table.list(found.space, range);
    if (keys.length <= limit) return { keys, cursor: null };
    return { keys: keys.slice(0, limit), cursor: keys[limit - 1] ?? null };
  }

  usedBytes(space: KvSpace): number {
    return this.#table.space(space)?.bytes ?? 0;
  }

  sweep(): Promise<number> {
    return this.#hot.run(() => {
      const over = this.#table.over(this.#clock.now(), sweepMax);
      const rows = [...over, ...this.#table.purged(sweepMax - over.length)];
      for (const row of rows) this.#table.erase(row.space, row.key);
      return rows.length;
    });
  }

  #read(space: KvSpace, key: Buffer): KvRow | undefined {
    const found = this.#table.space(space);
    const row = found && this.#table.get(found.space, key);
    const isOver = row !== undefined && (row.expiresAt ?? Infinity) <= this.#clock.now();
    return isOver ? undefined : row;
  }

  /** Returns whether the value had room. */
  #write(space: KvSpace, key: Buffer, value: Uint8Array, terms: KvTerms): boolean {
    const target = this.#table.space(space) ?? this.#table.open(space);
    const wanted = key.length + value.length + entryBytes - this.#table.size(target.space, key);
    const now = this.#clock.now();
    if (this.usedBytes(space) + wanted > terms.quotaBytes) {
      // A value whose time is over takes no room, even if nothing has swept it away yet.
      for (const row of this.#table.overIn(target.space, now, sweepMax))
        if (!row.key.equals(key)) this.#table.erase(target.space, row.key);
      if (this.usedBytes(space) + wanted > terms.quotaBytes) return false;
    }
    const expiresAt = terms.ttlMs === undefined ? null : now + terms.ttlMs;
    this.#table.put(target.space, key, value, expiresAt);
    return true;
  }

  #erase(space: KvSpace, key: Buffer): boolean {
    const existed = this.#read(space, key) !== undefined;
    const found = this.#table.space(space);
    if (found !== undefined) this.#table.erase(found.space, key);
    return existed;
  }
}

function refusal({ plugin }: KvSpace, { quotaBytes }: KvTerms): HostError {
  return new HostError("KV_FULL", { plugin, limitBytes: quotaBytes });
}

function isEqual(found: Uint8Array | undefined, expected: Uint8Array | null): boolean {
  if (found === undefined || expected === null) return found === undefined && expected === null;
  return Buffer.compare(found, expected) === 0;
}

/** No byte of UTF-8 is 0xff, so this comes after every key. */
const afterAll = Buffer.from([0xff]);

/** Returns the first key of a page, and the first after all that have the prefix. */
function rangeOf(prefix: string, cursor: string | null): { first: Buffer; end: Buffer } {
  const bytes = Buffer.from(prefix);
  const last = bytes.at(-1);
  const end = last === undefined ? afterAll : Buffer.from([...bytes.subarray(0, -1), last + 1]);
  if (cursor === null) return { first: bytes, end };
  // What follows a key first is that key and a zero.
  const after = Buffer.from(`${cursor}\0`);
  return { first: Buffer.compare(after, bytes) > 0 ? after : bytes, end };
}
