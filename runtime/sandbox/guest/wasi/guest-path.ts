import { type Errno, errno } from "./errno.ts";

/** Where a path leads: the folder that was granted, and names from there. */
export interface GuestPath {
  readonly folder: string;
  /** With slashes between the names and none around them; empty for the folder itself. */
  readonly path: string;
}

/** Bytes of a path, as the host takes them. */
const pathBytesMax = 4_096;

/**
 * Returns where a path leads from a folder, or why it leads nowhere.
 *
 * Dots are resolved here, so that no path leads above the folder that it is looked up in; one that
 * would is answered ENOTCAPABLE, as the standard says. A slash at the end is kept: it names a folder.
 *
 * @param text  untrusted
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#path_open
 */
export function resolvePath(from: GuestPath, text: string): GuestPath | Errno {
  if (text === "") return errno.noent;
  if (text.startsWith("/")) return errno.notcapable;
  if (text.includes("\0")) return errno.inval;
  if (Buffer.byteLength(text) > pathBytesMax) return errno.nametoolong;
  const names: string[] = [];
  for (const step of text.split("/")) {
    if (step === "" || step === ".") continue;
    if (step !== "..") names.push(step);
    else if (names.pop() === undefined) return errno.notcapable;
  }
  const inner = names.join("/");
  const path = from.path === "" || inner === "" ? from.path + inner : `${from.path}/${inner}`;
  const isFolder = /(?:^|\/)\.{0,2}$/.test(text) && path !== "";
  return { folder: from.folder, path: isFolder ? `${path}/` : path };
}

/** Whether a path is another one, or in it. */
export function isUnder(one: GuestPath, other: GuestPath): boolean {
  const [path, above] = [one.path, other.path.replace(/\/$/, "")];
  if (one.folder !== other.folder) return false;
  return above === "" || path === above || path.startsWith(`${above}/`);
}

/**
 * Returns a number for a path, to be told as its inode: libraries compare them, and ask again when
 * there is none. FNV-1a of 64 bits, which is quick; nothing rests on it.
 */
export function inodeOf({ folder, path }: GuestPath): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(`${folder}:${path}`)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash;
}
