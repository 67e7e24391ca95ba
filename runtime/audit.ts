import { hash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { AuditRecord } from "#manifests/audit.ts";
import type { Clock } from "./clock.ts";
import type { Hot } from "./store/hot.ts";

/** What happened: the rest of a record is null, empty or added by the audit. */
export type AuditEntry = Pick<AuditRecord, "kind" | "act" | "decision"> &
  Partial<Omit<AuditRecord, "audit" | "seq" | "at" | "previous">>;

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
 */
export interface Audit {
  /** Queues a record. @throws STORAGE_FULL, AUDIT_FAILED since a record could not be written */
  append(entry: AuditEntry): void;
  /** Resolves when all that was appended is committed. @throws STORAGE_FULL, AUDIT_FAILED */
  committed(): Promise<void>;
  /** Returns records, the newest last. */
  query(query: AuditQuery): Promise<readonly AuditRecord[]>;
  /** Returns the number of the first record that is not what was written; undefined when all are. */
  verify(): Promise<number | undefined>;
}

/** What stands in the first record for the digest of the one before. */
const origin = `sha256:${"0".repeat(64)}`;
/** Records checked in one turn of the event loop: a few milliseconds. */
const verifyRows = 500;

interface Row {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly plugin: string | null;
  readonly line: string;
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
  readonly #atOf;
  #last: { seq: number; digest: string };

  constructor(hot: Hot, clock: Clock) {
    this.#hot = hot;
    this.#clock = clock;
    this.#insert = hot.prepare<[number, number, string, string | null, string, string]>(
      "INSERT INTO audit (seq, at, kind, plugin, line, digest) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#atOf = hot.prepare<[number], { at: number }>("SELECT at FROM audit WHERE seq = ?");
    const newest = "SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1";
    this.#last = hot.prepare<[], { seq: number; digest: string }>(newest).get() ?? {
      seq: 0,
      digest: origin,
    };
  }

  append(entry: AuditEntry): void {
    const at = this.#clock.now();
    this.#hot.record(() => this.#write(entry, at));
  }

  committed(): Promise<void> {
    return this.#hot.flushed();
  }

  async query(query: AuditQuery): Promise<readonly AuditRecord[]> {
    const { plugin, kind, since, limit } = query;
    const [first, from] = since === undefined ? [1, 0] : [this.#firstSince(since), since];
    const wanted = [
      ["plugin = ?", plugin],
      ["kind = ?", kind],
    ].filter((pair): pair is [string, string] => pair[1] !== undefined);
    // What the index of acts leaves out has to stand in the query for the index to be used.
    const isAct = kind !== undefined && kind !== "call" && kind !== "effect";
    const conditions = [
      "seq >= ? AND at >= ?",
      ...wanted.map(([condition]) => condition),
      ...(isAct ? ["kind NOT IN ('call', 'effect')"] : []),
    ];
    const rows = this.#hot.prepare<(number | string)[], { line: string }>(
      `SELECT line FROM audit WHERE ${conditions.join(" AND ")} ORDER BY seq DESC LIMIT ?`,
    );
    const found = rows.all(first, from, ...wanted.map(([, value]) => value), limit);
    return found.reverse().map(({ line }) => JSON.parse(line));
  }

  async verify(): Promise<number | undefined> {
    const rows = this.#hot.prepare<[number, number], Row>(
      "SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?",
    );
    let last = { seq: 0, digest: origin };
    for (;;) {
      const page = rows.all(last.seq, verifyRows);
      for (const row of page) {
        if (!isNext(row, last)) return last.seq + 1;
        last = row;
      }
      if (page.length < verifyRows) return undefined;
      await nextTurn();
    }
  }

  #write(entry: AuditEntry, at: number): void {
    const seq = this.#last.seq + 1;
    const line = lineOf(entry, seq, at, this.#last.digest);
    const digest = digestOf(line);
    this.#insert.run(seq, at, entry.kind, entry.plugin ?? null, line, digest);
    this.#last = { seq, digest };
  }

  /** Returns the first record of a time or after it, by halving: there is no index of times. */
  #firstSince(at: number): number {
    let low = 1;
    let high = this.#last.seq + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.#atOf.get(middle)?.at ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * Returns the line of a record, in canonical form: the keys stand in the order of the alphabet.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8785
 */
function lineOf(entry: AuditEntry, seq: number, at: number, previous: string): string {
  const record: AuditRecord = {
    act: entry.act,
    at: new Date(at).toISOString(),
    audit: 1,
    bytes: entry.bytes ?? 0,
    callId: entry.callId ?? null,
    capability: entry.capability ?? null,
    chain: entry.chain ?? [],
    code: entry.code ?? null,
    decision: entry.decision,
    digest: entry.digest ?? null,
    drill: entry.drill ?? false,
    fuel: entry.fuel ?? 0,
    inputHash: entry.inputHash ?? null,
    keyId: entry.keyId ?? null,
    kind: entry.kind,
    owner: entry.owner ?? null,
    plugin: entry.plugin ?? null,
    previous,
    requestId: entry.requestId ?? null,
    seq,
    signer: entry.signer ?? null,
    target: entry.target ?? null,
    tool: entry.tool ?? null,
    version: entry.version ?? null,
    wallMs: entry.wallMs ?? 0,
  };
  return JSON.stringify(record);
}

function digestOf(line: string): string {
  return `sha256:${hash("sha256", line, "hex")}`;
}

/** Returns whether a row is the one that was written after another; rows are untrusted here. */
function isNext(row: Row, last: { seq: number; digest: string }): boolean {
  const { seq, at, kind, plugin, line } = row;
  if (seq !== last.seq + 1 || digestOf(line) !== row.digest) return false;
  const record = parseLine(line);
  return (
    record?.previous === last.digest &&
    record.seq === seq &&
    record.kind === kind &&
    record.plugin === plugin &&
    Date.parse(record.at) === at
  );
}

function parseLine(line: string): AuditRecord | null {
  try {
    return JSON.parse(line);
  } catch {
    // Whoever wrote this line and its digest was not the audit.
    return null;
  }
}
