import { Header } from "tar";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { gzip } from "./gzip.ts";
import { checkPath } from "./paths.ts";

const blockBytes = 512;

/**
 * Returns the `.tgz` of some files; the same files in any order give the same bytes.
 *
 * Nothing of the machine is in it: no time, owner or mode.
 *
 * @throws PACKAGE_INVALID
 */
export function pack(files: ReadonlyMap<string, Uint8Array>): Promise<Buffer> {
  const blocks: Uint8Array[] = [];
  for (const path of [...files.keys()].sort()) {
    const bytes = files.get(path) ?? new Uint8Array();
    const padding = new Uint8Array(-bytes.byteLength & (blockBytes - 1));
    blocks.push(headerOf(checkPath(path), bytes.byteLength), bytes, padding);
  }
  return gzip(Buffer.concat([...blocks, new Uint8Array(2 * blockBytes)]));
}

function headerOf(path: string, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const [mode, uid, gid, mtime] = [0o644, 0, 0, new Date(0)];
  const header = new Header({ path, size, type: "File", mode, uid, gid, mtime });
  const isCut = header.encode(block);
  // A header holds 155 characters of folders and 100 of the rest, divided at a slash.
  if (isCut) throw new HostError("PACKAGE_INVALID", { reason: `${quote(path)} is too long` });
  return block;
}
