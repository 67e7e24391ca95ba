import { constants } from "node:fs";
import { HostError } from "#manifests/errors.ts";
import type { HeldFolder } from "../beneath.ts";
import { type Found, foundOf } from "../beneath/found.ts";
import { refused } from "../beneath/faults.ts";
import type { InnerPath } from "../beneath/path.ts";
import { beside, within } from "./walk.ts";

/** Bytes that one operation moves at most. */
export const operationBytesMax = 8 * 1024 * 1024;
/** Names that are looked at to list a folder: they have to be put in order, and so held at once. */
const listedMax = 100_000;

/** What guests are told of a file or a folder. */
export interface Told {
  readonly kind: Found["kind"];
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** Differs from that of another file which gets the same name later. */
  readonly file: string;
}

/** Returns what a guest is told. */
export function tell({ kind, bytes, modifiedMs, id }: Found): Told {
  return { kind, size: kind === "file" ? bytes : 0, modified: modifiedMs, file: id };
}

/** Some bytes of a file. */
export interface Piece extends Omit<Told, "kind"> {
  readonly bytes: Uint8Array;
}

/**
 * Reads a part of a file.
 *
 * @param length  most bytes, at most `operationBytesMax`
 * @param file    whose bytes they must be, when another may have its name by now
 * @throws PATH_CHANGED, PATH_NOT_FILE, PATH_NOT_FOUND, PATH_REFUSED
 */
export function readPiece(
  root: HeldFolder,
  path: InnerPath,
  { offset, length, file }: { offset: number; length: number; file?: string | undefined },
): Promise<Piece> {
  return beside(root, path, "file", async (folder, name) => {
    await using handle = await folder.file(name, constants.O_RDONLY);
    const { kind: _, ...told } = tell(foundOf(await handle.stat({ bigint: true })));
    if (file !== undefined && file !== told.file)
      throw new HostError("PATH_CHANGED", { folder: root.purpose });
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, told.size - offset)));
    let end = 0;
    while (end < bytes.length) {
      const { bytesRead } = await handle.read(bytes, end, bytes.length - end, offset + end);
      if (bytesRead === 0) break;
      end += bytesRead;
    }
    return { ...told, bytes: bytes.subarray(0, end) };
  });
}

/** Returns what a path names. @throws PATH_NOT_FOUND, PATH_NOT_FOLDER, PATH_REFUSED */
export async function statOf(root: HeldFolder, path: InnerPath): Promise<Told> {
  if (path.names.length === 0) return tell(await root.self());
  return beside(root, path, "any", async (folder, name) => {
    const found = await folder.find(name);
    if (found === undefined) throw new HostError("PATH_NOT_FOUND", { folder: root.purpose });
    if (path.isFolder && found.kind !== "folder")
      throw new HostError("PATH_NOT_FOLDER", { folder: root.purpose });
    return tell(found);
  });
}

/** One thing in a folder; size and time only when they were asked for. */
export interface Listed extends Partial<Told> {
  readonly name: string;
  readonly kind: Found["kind"];
}

/**
 * Lists a folder in the order of names, a page at a time.
 *
 * @param after    the last name of the page before; empty for the first page
 * @param details  whether to look at each
 * @throws PATH_NOT_FOUND, PATH_NOT_FOLDER, PATH_REFUSED
 */
export function listOf(
  root: HeldFolder,
  path: InnerPath,
  { after, limit, details }: { after: string; limit: number; details: boolean },
): Promise<{ readonly entries: readonly Listed[]; readonly cursor: string | null }> {
  return within(root, path.names, async (folder) => {
    const all: Listed[] = [];
    for await (const { name, kind, isHidden } of folder.names()) {
      if (!isHidden && name > after) all.push({ name, kind });
      if (all.length > listedMax) throw refused(root.purpose, `holds over ${listedMax} names`);
    }
    all.sort((a, b) => (a.name < b.name ? -1 : 1));
    const page = all.slice(0, limit);
    const cursor = all.length > limit ? (page.at(-1)?.name ?? null) : null;
    return { entries: details ? await detailsOf(folder, page) : page, cursor };
  });
}

async function detailsOf(folder: HeldFolder, page: readonly Listed[]): Promise<readonly Listed[]> {
  const entries: Listed[] = [];
  for (const { name } of page) {
    const found = await folder.find(name);
    // Gone since it was listed.
    if (found !== undefined) entries.push({ name, ...tell(found) });
  }
  return entries;
}
