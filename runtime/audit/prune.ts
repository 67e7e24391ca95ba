import type { AuditEntry } from "../audit-line.ts";
import type { BlockTable } from "./blocks.ts";
import { claimOf, digestOfLine } from "./chain.ts";
import { lastLineOf } from "./lines.ts";
import { type Segments, sizeOf } from "./segments.ts";

/** How much of the audit is kept. */
export interface Retention {
  /** Days after which a finished file goes, counted from its last record; 0 for never. */
  readonly keepDays: number;
  /** Bytes beyond which the oldest finished file goes; 0 for never. */
  readonly keepBytes: number;
  /** Who asked for it; the host itself when left out. */
  readonly by?: { readonly owner: string; readonly id: string };
}

/** What pruning works with. */
export interface PruneParts {
  readonly segments: Segments;
  readonly table: BlockTable;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Resolves when the record is on the disk. */
  readonly record: (entry: AuditEntry) => Promise<void>;
}

const ofAudit = { kind: "audit", decision: "allowed" } as const;
const dayMs = 86_400_000;

/**
 * Removes the oldest finished files, one after the other, each after a record of it.
 *
 * That record holds the digest which the first record that stays refers to, so that the chain that is
 * left has a beginning that somebody vouches for.
 *
 * @returns the number of the last record that is gone; undefined when nothing went
 */
export async function pruneOld(
  { segments, table, now, record }: PruneParts,
  retention: Retention,
): Promise<number | undefined> {
  let last: number | undefined;
  while (segments.all.length > 1) {
    const [oldest] = segments.all;
    const line = oldest && (await lastLineOf(oldest));
    const claim = line && claimOf(line);
    if (oldest === undefined || line === undefined || claim === undefined) break;
    const bytes = segments.all.reduce((sum, segment) => sum + sizeOf(segment), 0);
    if (!isTooMuch(retention, { ageMs: now - claim.at, bytes })) break;
    const target = `records ${oldest.first} to ${claim.seq}`;
    const digest = digestOfLine(line);
    const { owner = null, id: keyId = null } = retention.by ?? {};
    await record({ ...ofAudit, act: "prune", target, digest, owner, keyId });
    await segments.dropFirst();
    table.drop(oldest.first);
    last = claim.seq;
  }
  return last;
}

function isTooMuch(
  { keepDays, keepBytes }: Retention,
  { ageMs, bytes }: { readonly ageMs: number; readonly bytes: number },
): boolean {
  const isOld = keepDays > 0 && ageMs > keepDays * dayMs;
  return isOld || (keepBytes > 0 && bytes > keepBytes);
}
