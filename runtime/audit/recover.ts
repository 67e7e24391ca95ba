import { open, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseLine } from "../audit-line.ts";
import { BlockBuilder, type BlockTable } from "./blocks.ts";
import { claimOf, digestOfLine, follow, type Head, origin } from "./chain.ts";
import { lastLineOf, linesOf, piecesOf } from "./lines.ts";
import { type Segment, type Segments, sizeOf } from "./segments.ts";

/** Where writing goes on. */
export interface Recovered {
  readonly segment: Segment;
  readonly head: Head;
  readonly open: BlockBuilder;
  /** Bytes that did not follow from what is before them; they are kept in a file beside it. */
  readonly cutBytes: number;
  /** What is not as it was when the host last looked, with the number of the record. */
  readonly damage: string | undefined;
}

/**
 * Finds the end of the chain, and cuts off what a killed host had half written.
 *
 * Only what has no row in the index is read: the rest was on the disk when its row was made, and `verify`
 * reads all of it.
 */
export async function recover(segments: Segments, table: BlockTable): Promise<Recovered> {
  const segment = segments.last ?? segments.begin(origin.seq + 1);
  const size = sizeOf(segment);
  const known = table.of(segment.first);
  const last = known.at(-1);
  const isShort = last !== undefined && last.offset + last.bytes > size;
  const saved = latest([table.head, isShort ? undefined : last, last]);
  if (isShort) table.drop(segment.first);
  const start =
    last === undefined || isShort
      ? { offset: 0, head: await headBefore(segments, segment) }
      : { offset: last.offset + last.bytes, head: { seq: last.lastSeq, digest: last.digest } };
  const walked = await walk(segment, start, { size, table, saved });
  const cutBytes = size - walked.open.end;
  if (cutBytes > 0) await cut(segment, walked.open.end, cutBytes, walked.head.seq);
  return { segment, ...walked, cutBytes };
}

type Saved = Head | undefined;

function latest(
  ends: readonly (
    | { seq: number; digest: string }
    | { lastSeq: number; digest: string }
    | undefined
  )[],
): Saved {
  const heads = ends.flatMap((end) => {
    if (end === undefined) return [];
    return [{ seq: "seq" in end ? end.seq : end.lastSeq, digest: end.digest }];
  });
  return heads.sort((a, b) => b.seq - a.seq)[0];
}

/** The head that the first record of a file claims to follow; that it does is for `verify` to say. */
async function headBefore(segments: Segments, segment: Segment): Promise<Head> {
  if (segment.first === origin.seq + 1) return origin;
  const seq = segment.first - 1;
  if (sizeOf(segment) > 0) {
    const [line] = await linesOf(segment, { offset: 0, bytes: Math.min(sizeOf(segment), 65_536) });
    const claim = line && claimOf(line);
    if (claim !== undefined) return { seq, digest: claim.previous };
  }
  const before = segments.all.at(-2);
  const line = before && (await lastLineOf(before));
  return { seq, digest: line === undefined ? origin.digest : digestOfLine(line) };
}

interface Walk {
  readonly size: number;
  readonly table: BlockTable;
  readonly saved: Saved;
}

async function walk(
  segment: Segment,
  start: { readonly offset: number; readonly head: Head },
  { size, table, saved }: Walk,
): Promise<Pick<Recovered, "head" | "open" | "damage">> {
  let { head } = start;
  let open = new BlockBuilder(segment.first, start.offset, head);
  let isOther = saved?.seq === head.seq && saved.digest !== head.digest;
  const stretch = { offset: start.offset, bytes: size - start.offset };
  const lines = size > start.offset ? piecesOf(segment, stretch) : [];
  walking: for await (const piece of lines) {
    for (const line of piece.lines) {
      const next = follow(head, line);
      if (next === undefined) break walking;
      head = next;
      isOther ||= saved?.seq === head.seq && saved.digest !== head.digest;
      open.add(batchOf(line, head));
      if (!open.isFull) continue;
      table.insert(open.toBlock());
      open = new BlockBuilder(segment.first, open.end, head);
    }
  }
  return { head, open, damage: damageOf(head, saved, isOther) };
}

function damageOf({ seq }: Head, saved: Saved, isOther: boolean): string | undefined {
  if (saved !== undefined && saved.seq > seq)
    return `record ${seq + 1}: records ${seq + 1} to ${saved.seq} are missing`;
  return isOther ? `record ${saved?.seq}: it is not what was written` : undefined;
}

/** A record of which only the line is known. */
function batchOf(line: Uint8Array, head: Head): Parameters<BlockBuilder["add"]>[0] {
  const record = parseLine(Buffer.from(line).toString());
  const records = record === null ? [] : [{ ...record, atMs: Date.parse(record.at) }];
  return { records, bytes: line.length + 1, head };
}

/** What is cut is kept: somebody may want to know what it was. */
async function cut(segment: Segment, end: number, bytes: number, seq: number): Promise<void> {
  await using file = await open(segment.path, "r+");
  const tail = Buffer.alloc(bytes);
  await file.read(tail, 0, bytes, end);
  const path = join(dirname(segment.path), `cut-after-${seq}.bin`);
  await writeFile(`${path}.part`, tail, { mode: 0o600 });
  await rename(`${path}.part`, path);
  await file.truncate(end);
  await file.datasync();
}

/** Makes the rows of finished files that have none, a piece of a file at a time. */
export async function indexOld(
  segments: Segments,
  table: BlockTable,
  goesOn: () => boolean,
): Promise<void> {
  for (const segment of segments.all.slice(0, -1)) {
    const size = sizeOf(segment);
    const last = table.of(segment.first).at(-1);
    const offset = last === undefined ? 0 : last.offset + last.bytes;
    if (offset >= size) continue;
    const head = { seq: last?.lastSeq ?? segment.first - 1, digest: last?.digest ?? "" };
    let open = new BlockBuilder(segment.first, offset, head);
    let { seq } = head;
    for await (const { lines } of piecesOf(segment, { offset, bytes: size - offset })) {
      if (!goesOn()) return;
      for (const line of lines) open.add(batchOf(line, { seq: ++seq, digest: "" }));
      const digest = digestOfLine(lines.at(-1) ?? new Uint8Array());
      open.add({ records: [], bytes: 0, head: { seq, digest } });
      if (!open.isFull) continue;
      table.insert(open.toBlock());
      open = new BlockBuilder(segment.first, open.end, { seq, digest });
    }
    if (!open.isEmpty) table.insert(open.toBlock());
  }
}
