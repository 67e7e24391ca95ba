import { setImmediate as nextTurn } from "node:timers/promises";
import type { AuditRecord } from "#manifests/audit.ts";
import { parseLine } from "../audit-line.ts";
import type { Block } from "./blocks.ts";
import type { LiveIndex } from "./index-keeper.ts";
import { linesOf } from "./lines.ts";
import type { Segments } from "./segments.ts";
import { mayHold, type Terms, termNames } from "./terms.ts";

/** Which records somebody wants to see. */
export interface AuditQuery extends Terms {
  /** Milliseconds since 1970, both inclusive. */
  readonly since?: number;
  readonly until?: number;
  /** Only records with lower numbers: the first of the page before goes on with older ones. */
  readonly before?: number;
  /** Of those that fit the newest; at least 1. */
  readonly limit: number;
}

/** Where records are. */
export interface Sources {
  readonly segments: Segments;
  readonly index: LiveIndex;
}

/** Returns the newest records that fit, in the order in which they were made. */
export async function queryFiles(sources: Sources, query: AuditQuery): Promise<AuditRecord[]> {
  const found: AuditRecord[] = [];
  const marks = marksOf(query);
  for await (const block of newestFirst(sources, query)) {
    const segment = sources.segments.all.find(({ first }) => first === block.segment);
    if (segment === undefined) continue; // It was pruned meanwhile.
    const lines = await linesOf(segment, block);
    for (const line of lines.toReversed()) {
      const record = recordIn(line, marks);
      if (record === null || !fits(record, query)) continue;
      if (found.push(record) === query.limit) return found.reverse();
    }
  }
  return found.reverse();
}

/** Returns whether a record is one of those that somebody wants, whatever their number. */
export function fits(record: AuditRecord, query: Omit<AuditQuery, "limit">): boolean {
  const { since = 0, until = Number.POSITIVE_INFINITY, before = Number.POSITIVE_INFINITY } = query;
  const at = Date.parse(record.at);
  if (record.seq >= before || at < since || at > until) return false;
  return termNames.every((name) => query[name] === undefined || query[name] === record[name]);
}

async function* newestFirst({ index }: Sources, query: AuditQuery): AsyncGenerator<Block, void> {
  const { since = 0, until = Number.MAX_SAFE_INTEGER } = query;
  let end = query.before ?? Number.MAX_SAFE_INTEGER;
  for (const block of index.unsettled()) {
    const isNear = block.firstSeq < end && block.toMs >= since && block.fromMs <= until;
    if (isNear && mayHold(block.terms, query)) yield block;
    end = Math.min(end, block.firstSeq);
  }
  for (let next: number | undefined = end; next !== undefined; await nextTurn()) {
    const found: ReturnType<LiveIndex["before"]> = index.before(next, query);
    yield* found.blocks;
    next = found.next;
  }
}

/** What the line of a record that fits has in it; it may stand in a line that does not fit as well. */
function marksOf(query: AuditQuery): readonly Uint8Array[] {
  return termNames.flatMap((name) => {
    const value = query[name];
    if (value === null || value === undefined) return [];
    return [Buffer.from(`"${name}":${JSON.stringify(value)}`)];
  });
}

function recordIn(line: Uint8Array, marks: readonly Uint8Array[]): AuditRecord | null {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  return marks.every((mark) => bytes.includes(mark)) ? parseLine(bytes.toString()) : null;
}
