import { open } from "node:fs/promises";
import { parseLine } from "../audit-line.ts";
import type { SignedHead } from "./host-key.ts";
import { lastLineOf } from "./lines.ts";
import type { Segment } from "./segments.ts";

/** Bytes given away at once. */
const chunkBytes = 256 * 1024;

/** Returns what the seals of finished files say, oldest first; files that were moved here have none. */
export async function sealedHeads(segments: readonly Segment[]): Promise<readonly SignedHead[]> {
  const heads: SignedHead[] = [];
  for (const segment of segments.slice(0, -1)) {
    const line = await lastLineOf(segment);
    const record = line && parseLine(Buffer.from(line).toString());
    if (record?.kind !== "audit" || record.act !== "seal") continue;
    const { seq, at, previous: digest, signer, target } = record;
    heads.push({ seq: seq - 1, digest, at, key: signer ?? "", signature: target ?? "" });
  }
  return heads;
}

/** Gives the bytes of files as they are at this moment, in whole lines. */
export async function* exportFiles(segments: readonly Segment[]): AsyncGenerator<Uint8Array> {
  for (const { path } of segments) {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    for (let at = 0; at < size; ) {
      const bytes = Math.min(chunkBytes, size - at);
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, at);
      if (bytesRead === 0) break;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }
}
