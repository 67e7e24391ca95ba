import type { Descriptors } from "./descriptors.ts";
import { type Errno, errno } from "./errno.ts";
import { type Answered, askHost, type FileFacts } from "./folder-ports.ts";
import type { GuestPath } from "./guest-path.ts";
import { aheadBytesMin, OpenFile, type OpenManner } from "./open-file.ts";
import { type Entry, OpenFolder } from "./open-folder.ts";

/** @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#oflags */
const oflag = { create: 1, folder: 2, exclusive: 4, cut: 8 } as const;
/** @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#fdflags */
export const fdflagAppend = 1;
/** @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#rights */
export const right = { read: 1n << 1n, write: 1n << 6n, all: (1n << 29n) - 1n } as const;

/** How `path_open` is to open; untrusted. */
export interface OpenWish {
  readonly oflags: number;
  readonly rights: bigint;
  readonly fdflags: number;
}

/**
 * Opens a path with one question to the host: a file that is only read comes with its first bytes, one
 * that may be written is checked to be writable, and made when that was asked for.
 *
 * O_CREAT makes an empty file at once, O_EXCL refuses when there is one, O_TRUNC cuts with the first
 * piece that is written, or when the file is closed. A folder is opened to be listed.
 */
export async function openPath(
  descriptors: Descriptors,
  place: GuestPath,
  { oflags, rights, fdflags }: OpenWish,
): Promise<OpenFile | OpenFolder | Errno> {
  const has = (flag: number): boolean => (oflags & flag) !== 0;
  const { ports } = descriptors;
  const flushed = await descriptors.flushUnder(place);
  if (flushed !== errno.success) return flushed;
  if (has(oflag.folder)) return has(oflag.create) ? errno.inval : openFolder(descriptors, place);
  const appends = (fdflags & fdflagAppend) !== 0;
  const writes = (rights & right.write) !== 0n || has(oflag.cut) || appends;
  const manner = { reads: (rights & right.read) !== 0n, writes, cuts: false, appends };
  if (!writes && !has(oflag.create)) return openToRead(descriptors, place, manner);
  const create = has(oflag.create);
  const mode = create && has(oflag.exclusive) ? { mode: "create" } : { mode: "update", create };
  const answer: Answered<FileFacts> = await askHost(ports, "files_write", { ...place, ...mode });
  if (typeof answer === "number") return answer;
  const cuts = writes && (has(oflag.cut) || answer.ok.size === 0);
  return new OpenFile(descriptors, place, { ...manner, cuts }, answer.ok);
}

async function openToRead(
  descriptors: Descriptors,
  place: GuestPath,
  manner: OpenManner & { readonly appends: boolean },
): Promise<OpenFile | OpenFolder | Errno> {
  const part = { offset: 0, length: aheadBytesMin };
  const answer = await askHost<FileFacts>(descriptors.ports, "files_read", { ...place, ...part });
  if (answer === errno.isdir) return openFolder(descriptors, place);
  if (typeof answer === "number") return answer;
  return new OpenFile(descriptors, place, manner, answer.ok, { at: 0, bytes: answer.bytes });
}

async function openFolder({ ports }: Descriptors, place: GuestPath): Promise<OpenFolder | Errno> {
  const answer = await askHost<Pick<Entry, "kind">>(ports, "files_stat", place);
  if (typeof answer === "number") return answer;
  if (answer.ok.kind !== "folder") return errno.notdir;
  return new OpenFolder(ports, { ...place, path: place.path.replace(/\/$/, "") });
}
