import { type FileHandle, open } from "node:fs/promises";
import type { Segment } from "./segments.ts";

/** A stretch of one file. */
export interface Stretch {
  readonly offset: number;
  readonly bytes: number;
}

/** Bytes read at once: some hundred records, which take less than a millisecond to look through. */
const chunkBytes = 128 * 1024;
/** A record has 5 KiB at most; what is longer than this is none. */
const lineBytesMax = 64 * 1024;
const lineBreak = 0x0a;

/** The whole lines of a piece of a file, and what is left of it. */
export interface Piece {
  /** Without their line breaks. */
  readonly lines: readonly Uint8Array[];
  /** Where the first of them begins. */
  readonly offset: number;
}

/**
 * Gives the lines of a stretch, piece by piece; the next one is read when it is asked for, so whoever
 * reads gives the event loop its turns.
 *
 * A last line without a line break is left out. A line that is too long comes in parts.
 */
export async function* piecesOf(segment: Segment, stretch: Stretch): AsyncGenerator<Piece> {
  await using file = await open(segment.path, "r");
  const end = stretch.offset + stretch.bytes;
  for (let at = stretch.offset; at < end; ) {
    const read = await readAt(file, at, Math.min(chunkBytes, end - at));
    const whole = read.lastIndexOf(lineBreak) + 1;
    const used = whole > 0 ? whole : read.length > lineBytesMax ? read.length : 0;
    if (used === 0) return;
    yield { lines: linesIn(read.subarray(0, used)), offset: at };
    at += used;
  }
}

/** Returns the lines of a stretch that is short enough to be read at once. */
export async function linesOf(segment: Segment, stretch: Stretch): Promise<readonly Uint8Array[]> {
  await using file = await open(segment.path, "r");
  const read = await readAt(file, stretch.offset, stretch.bytes);
  return linesIn(read.subarray(0, read.lastIndexOf(lineBreak) + 1));
}

/** Returns the last whole line of a file; undefined when there is none. */
export async function lastLineOf(segment: Segment): Promise<Uint8Array | undefined> {
  await using file = await open(segment.path, "r");
  const { size } = await file.stat();
  const from = Math.max(0, size - lineBytesMax);
  const read = await readAt(file, from, size - from);
  return linesIn(read.subarray(0, read.lastIndexOf(lineBreak) + 1)).at(-1);
}

async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, at);
  return buffer.subarray(0, bytesRead);
}

function linesIn(bytes: Buffer): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(lineBreak, start);
    const end = found < 0 ? bytes.length : found;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}
