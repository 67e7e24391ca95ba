import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Hot } from "../store/hot.ts";
import { digestOfLine, type Head, origin } from "./chain.ts";
import { lastLineOf } from "./lines.ts";
import type { Segments } from "./segments.ts";

/** Lines of one commit, as the first form of the database had them. */
interface Row {
  readonly seq: number;
  readonly lines: string;
}

/** Rows read in one turn of the event loop. */
const rowsMax = 64;

/**
 * Moves records out of the table in which the first form of the database kept them, into files.
 *
 * The lines stay as they are, and so does their chain. A file under its name is whole, and the rows stay
 * until `forgetRows`, so that a killed move is done again without a record twice.
 *
 * @returns the end of what was moved; undefined when there was nothing
 */
export async function moveRows(
  hot: Hot,
  segments: Segments,
  segmentBytesMax: number,
): Promise<Head | undefined> {
  const after = hot.prepare<[number, number], Row>(
    "SELECT seq, lines FROM audit WHERE seq > ? ORDER BY seq LIMIT ?",
  );
  if (after.get(0, 1) === undefined) return undefined;
  let end = await endOf(segments);
  for (let row = 0; ; await nextTurn()) {
    const { lines, last } = nextFile(after, row, segmentBytesMax);
    if (last === undefined) break;
    row = last.seq;
    // What a killed move has brought over already is there under its name.
    const fresh = lines.slice(Math.max(0, end.seq - firstSeqOf(lines) + 1));
    if (fresh.length === 0) continue;
    writeWhole(segments.begin(end.seq + 1).path, fresh);
    await segments.sync();
    const line = fresh.at(-1) ?? "";
    end = { seq: end.seq + fresh.length, digest: digestOfLine(Buffer.from(line)) };
  }
  return end;
}

/** Deletes what was moved. */
export async function forgetRows(hot: Hot): Promise<void> {
  await hot.run(() => void hot.prepare("DELETE FROM audit").run());
}

function nextFile(
  after: { all(seq: number, limit: number): Row[] },
  start: number,
  bytesMax: number,
): { lines: readonly string[]; last: Row | undefined } {
  const lines: string[] = [];
  let [bytes, seq] = [0, start];
  let last: Row | undefined;
  while (bytes < bytesMax) {
    const rows = after.all(seq, rowsMax);
    if (rows.length === 0) break;
    for (const row of rows) {
      for (const line of row.lines.split("\n")) lines.push(line);
      bytes += row.lines.length;
      seq = row.seq;
      last = row;
      if (bytes >= bytesMax) break;
    }
  }
  return { lines, last };
}

function firstSeqOf([line = "{}"]: readonly string[]): number {
  return Number(JSON.parse(line).seq);
}

async function endOf(segments: Segments): Promise<Head> {
  const line = segments.last && (await lastLineOf(segments.last));
  if (line === undefined) return origin;
  const { seq } = JSON.parse(Buffer.from(line).toString());
  return { seq, digest: digestOfLine(line) };
}

function writeWhole(path: string, lines: readonly string[]): void {
  const file = openSync(`${path}.part`, "w", 0o600);
  try {
    const bytes = Buffer.from(`${lines.join("\n")}\n`);
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.part`, path);
}
