import { setImmediate as nextTurn } from "node:timers/promises";
import type { AuditRecord } from "#manifests/audit.ts";
import { type AuditEntry, lineOf, lineDigest, parseLine } from "./audit-line.ts";
import type { Clock } from "./clock.ts";
import type { Hot } from "./store/hot.ts";

/** Which records somebody wants to see. */
export interface AuditQuery {
  readonly plugin?: string;
  readonly kind?: AuditRecord["kind"];
  /** Milliseconds since 1970. */
  readonly since?: number;
  /** Of those that fit the newest; at least 1. */
  readonly limit: number;
}

/**
 * Who did what: each line holds the digest of the line before, so that none can be changed or taken
 * from the middle unseen.
 *
 * An effect is recorded before it happens; `committed` is awaited before a call is answered.
 * Whoever can write to the whole file can also write a whole new chain, or leave out its end: only
 * somebody who kept the digest of a line elsewhere sees that.
 */
export interface Audit {
  /** Queues a record. @throws STORAGE_FULL, AUDIT_FAILED since a record could not be written */
  append(entry: AuditEntry): void;
  /** Resolves when all that was appended is committed. @throws STORAGE_FULL, AUDIT_FAILED */
  committed(): Promise<void>;
  /** Returns records in the order in which they were made. */
  query(query: AuditQuery): Promise<readonly AuditRecord[]>;
  /**
   * Returns the number of the first record at which the chain is broken: that record or the one
   * before it is not what was written. Undefined when the chain is whole.
   */
  verify(): Promise<number | undefined>;
}

/** What stands in the first record for the digest of the one before. */
const origin = `sha256:${"0".repeat(64)}`;
/** Commits read in one turn of the event loop: a few milliseconds when each has many records. */
const blocksMax = 64;

/** The records of one commit. */
interface Block {
  readonly seq: number;
  readonly lines: string;
  /** Of the last line. */
  readonly digest: string;
}

/** The end of the chain. */
interface Head {
  readonly seq: number;
  readonly digest: string;
}

/** Returns the audit that the queue of the call path writes. */
export function createAudit(hot: Hot, clock: Clock): Audit {
  return new ChainedAudit(hot, clock);
}

class ChainedAudit implements Audit {
  readonly #hot: Hot;
  readonly #clock: Clock;
  readonly #insert;
  readonly #before;
  readonly #after;
  #pending: { entry: AuditEntry; at: number }[] = [];
  #head: Head;

  constructor(hot: Hot, clock: Clock) {
    this.#hot = hot;
    this.#clock = clock;
    this.#insert = hot.prepare<[number, string, string]>(
      "INSERT INTO audit (seq, lines, digest) VALUES (?, ?, ?)",
    );
    this.#before = hot.prepare<[number, number], Block>(
      "SELECT * FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?",
    );
    this.#after = hot.prepare<[number, number], Block>(
      "SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?",
    );
    const last = this.#before.get(Number.MAX_SAFE_INTEGER, 1);
    const seq = last === undefined ? 0 : last.seq + last.lines.split("\n").length - 1;
    this.#head = { seq, digest: last?.digest ?? origin };
  }

  append(entry: AuditEntry): void {
    if (this.#pending.length === 0) this.#hot.record(() => this.#write());
    this.#pending.push({ entry, at: this.#clock.now() });
  }

  committed(): Promise<void> {
    return this.#hot.flushed();
  }

  async query({ plugin, kind, since, limit }: AuditQuery): Promise<readonly AuditRecord[]> {
    const found: AuditRecord[] = [];
    const marks = [["plugin", plugin] as const, ["kind", kind] as const]
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `"${key}":${JSON.stringify(value)}`);
    for await (const { lines } of this.#newestFirst()) {
      for (const line of lines.split("\n").reverse()) {
        if (since !== undefined && timeOf(line) < since) return found.reverse();
        if (!marks.every((mark) => line.includes(mark))) continue;
        const record: AuditRecord = JSON.parse(line);
        // The mark may have stood inside a text.
        if ((plugin ?? record.plugin) !== record.plugin || (kind ?? record.kind) !== record.kind)
          continue;
        if (found.push(record) === limit) return found.reverse();
      }
    }
    return found.reverse();
  }

  async verify(): Promise<number | undefined> {
    const head = { seq: 0, digest: origin };
    for (let first = 0; ; await nextTurn()) {
      const blocks = this.#after.all(first, blocksMax);
      for (const block of blocks) {
        if (block.seq !== head.seq + 1) return head.seq + 1;
        for (const line of block.lines.split("\n")) {
          const record = parseLine(line);
          if (record?.previous !== head.digest || record.seq !== head.seq + 1) return head.seq + 1;
          head.seq++;
          head.digest = lineDigest(line);
        }
        if (block.digest !== head.digest) return head.seq;
        first = block.seq;
      }
      if (blocks.length < blocksMax) return undefined;
    }
  }

  async *#newestFirst(): AsyncGenerator<Block, void> {
    for (let end = Number.MAX_SAFE_INTEGER; ; await nextTurn()) {
      const blocks = this.#before.all(end, blocksMax);
      yield* blocks;
      if (blocks.length < blocksMax) return;
      end = blocks.at(-1)?.seq ?? 0;
    }
  }

  #write(): void {
    const pending = this.#pending;
    this.#pending = [];
    const first = this.#head.seq + 1;
    let { seq, digest } = this.#head;
    let time = { ms: Number.NaN, text: "" };
    const lines = pending.map(({ entry, at }) => {
      seq++;
      if (at !== time.ms) time = { ms: at, text: new Date(at).toISOString() };
      const line = lineOf(entry, { seq, at: time.text, previous: digest });
      digest = lineDigest(line);
      return line;
    });
    this.#insert.run(first, lines.join("\n"), digest);
    this.#head = { seq, digest };
  }
}

/** Returns the time of a line without reading all of it. */
function timeOf(line: string): number {
  const mark = '"at":"';
  const start = line.indexOf(mark) + mark.length;
  return Date.parse(line.slice(start, line.indexOf('"', start)));
}
