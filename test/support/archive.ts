import { gzipSync } from "node:zlib";
import { Header } from "tar";

/** An entry of an archive, honest or not. */
export interface ArchiveEntry {
  readonly path: string;
  readonly content?: string | Uint8Array;
  /** As `tar` names types; a file when left out. */
  readonly type?: string;
  readonly linkpath?: string;
  /** Changes the header before its checksum is made. */
  readonly forge?: (block: Buffer) => void;
  /** Changes the header after that. */
  readonly damage?: (block: Buffer) => void;
  /** Stands after the content instead of zeros. */
  readonly padding?: number;
}

const blockBytes = 512;

/** Returns an archive of entries, however they contradict each other. */
export function archiveOf(entries: readonly ArchiveEntry[], end = 2 * blockBytes): Buffer {
  return Buffer.concat([...entries.flatMap(blocksOf), Buffer.alloc(end)]);
}

/** Returns a package of entries. */
export function packed(entries: readonly ArchiveEntry[]): Buffer {
  return gzipSync(archiveOf(entries));
}

function blocksOf(entry: ArchiveEntry): Buffer[] {
  const { path, content = "", type = "File", linkpath = "", padding = 0 } = entry;
  const bytes = Buffer.from(content);
  const header = new Header({ path, size: bytes.length, mode: 0o644, mtime: new Date(0) });
  header.type = type as "File";
  header.linkpath = linkpath;
  const block = Buffer.alloc(blockBytes);
  header.encode(block);
  // The library writes only the types that are digits.
  block.write(header.typeKey, 156, "latin1");
  entry.forge?.(block);
  sign(block);
  entry.damage?.(block);
  return [block, bytes, Buffer.alloc(-bytes.length & (blockBytes - 1), padding)];
}

function sign(block: Buffer): void {
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}
