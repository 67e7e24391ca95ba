import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { HostError } from "#manifests/errors.ts";
import type { HeldFolder } from "../beneath.ts";
import { type Found, foundOf, manyNamed } from "../beneath/found.ts";
import { faultOf, refused } from "../beneath/faults.ts";
import { hiddenName, type InnerPath } from "../beneath/path.ts";
import type { Books } from "./quota.ts";
import { type Told, tell } from "./reading.ts";
import { beside } from "./walk.ts";

/** What a writer works with. */
export interface Writer {
  readonly root: HeldFolder;
  readonly books: Books;
  /** Throws when the call is over or its grant is gone: asked right before the disk is changed. */
  readonly still: () => void;
  /** Makes a name that nobody else has. */
  readonly fresh: () => string;
}

/** Where a file's bytes go, and how. */
export interface Update {
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** Bytes that the file has afterwards, cut or filled with zeros. */
  readonly size?: number | undefined;
  /** Whether to make a file that is not there. */
  readonly create: boolean;
}

/**
 * Puts bytes in the place of a file, or makes it, in one step: whoever reads it meanwhile, and whoever
 * looks after a crash or a power cut, finds the old content or the new, whole.
 *
 * @throws FILES_FULL, PATH_NOT_FILE, PATH_NOT_FOUND, PATH_REFUSED
 */
export function replaceFile(writer: Writer, path: InnerPath, bytes: Uint8Array): Promise<Told> {
  return onFile(writer, path, (folder, name, old) => {
    const added = bytes.length - (old?.bytes ?? 0);
    return writer.books.add(added, old === undefined ? 1 : 0, () =>
      beneathName(writer, folder, bytes, old?.mode, (hidden) =>
        folder.rename(hidden, folder, name),
      ),
    );
  });
}

/** Makes a file with all its bytes in one step. @throws PATH_EXISTS, FILES_FULL, PATH_REFUSED */
export function createFile(writer: Writer, path: InnerPath, bytes: Uint8Array): Promise<Told> {
  return onFile(writer, path, async (folder, name, old) => {
    if (old !== undefined) throw new HostError("PATH_EXISTS", { folder: writer.root.purpose });
    return create(writer, folder, name, bytes);
  });
}

/**
 * Writes at the end of a file, or makes it. Two who append at once do not overwrite each other; what a
 * killed host was writing may be there in part.
 *
 * @throws FILES_FULL, PATH_NOT_FILE, PATH_NOT_FOUND, PATH_REFUSED
 */
export function appendFile(writer: Writer, path: InnerPath, bytes: Uint8Array): Promise<Told> {
  return onFile(writer, path, (folder, name, old) => {
    if (old === undefined) return create(writer, folder, name, bytes);
    return writer.books.add(bytes.length, 0, async () => {
      await using file = await folder.file(name, constants.O_WRONLY | constants.O_APPEND);
      writer.still();
      await writeAll(file, bytes, null);
      return await toldOf(file);
    });
  });
}

/**
 * Writes into a file as it is, at a place, and gives it a size. What a killed host was writing may be
 * there in part.
 *
 * @throws FILES_FULL, PATH_NOT_FILE, PATH_NOT_FOUND, PATH_REFUSED
 */
export function updateFile(writer: Writer, path: InnerPath, update: Update): Promise<Told> {
  return onFile(writer, path, async (folder, name, old) => {
    const { bytes, offset, size } = update;
    if (old === undefined && !update.create)
      throw new HostError("PATH_NOT_FOUND", { folder: writer.root.purpose });
    if (old === undefined) await create(writer, folder, name, new Uint8Array());
    const before = old?.bytes ?? 0;
    const after = size ?? (bytes.length === 0 ? before : Math.max(before, offset + bytes.length));
    return writer.books.add(after - before, 0, async () => {
      await using file = await folder.file(name, constants.O_WRONLY);
      writer.still();
      await writeAll(file, bytes, offset);
      if (size !== undefined) await file.truncate(size);
      return await toldOf(file);
    });
  });
}

/** Finds the file that is to be written, and refuses what is none of the guest's to write. */
function onFile<Result>(
  { root }: Writer,
  path: InnerPath,
  act: (folder: HeldFolder, name: string, old: Found | undefined) => Promise<Result>,
): Promise<Result> {
  return beside(root, path, "file", async (folder, name) => {
    const old = await folder.find(name);
    if (old?.kind === "folder") throw new HostError("PATH_NOT_FILE", { folder: root.purpose });
    if (old?.kind === "other")
      throw refused(root.purpose, "names a link, a pipe, a socket or a device");
    if (old !== undefined && old.links > 1) throw manyNamed(root.purpose);
    try {
      return await act(folder, name, old);
    } catch (error) {
      throw faultOf(error, root.purpose);
    }
  });
}

function create(
  writer: Writer,
  folder: HeldFolder,
  name: string,
  bytes: Uint8Array,
): Promise<Told> {
  return writer.books.add(bytes.length, 1, async () => {
    writer.still();
    // An empty file is whole as soon as it is there.
    if (bytes.length === 0) return written(writer, await folder.create(name), bytes);
    return beneathName(writer, folder, bytes, undefined, async (hidden) => {
      if (await folder.link(hidden, name)) await folder.removeFile(hidden);
      else await folder.rename(hidden, folder, name);
    });
  });
}

/** Writes under a name of the host's own, and then has it put in its place. */
async function beneathName(
  writer: Writer,
  folder: HeldFolder,
  bytes: Uint8Array,
  mode: number | undefined,
  place: (hidden: string) => Promise<void>,
): Promise<Told> {
  const hidden = hiddenName(writer.fresh());
  const file = await folder.create(hidden);
  try {
    const told = await written(writer, file, bytes, mode);
    writer.still();
    await place(hidden);
    return told;
  } catch (error) {
    await folder.removeFile(hidden).catch(() => undefined); // Gone already, or found at the next count.
    throw error;
  }
}

async function written(
  writer: Writer,
  handle: FileHandle,
  bytes: Uint8Array,
  mode?: number,
): Promise<Told> {
  await using file = handle;
  writer.still();
  await writeAll(file, bytes, 0);
  if (mode !== undefined) await file.chmod(mode);
  // Else a power cut could leave the new name with nothing behind it.
  if (bytes.length > 0) await file.sync();
  return await toldOf(file);
}

async function writeAll(
  file: FileHandle,
  bytes: Uint8Array,
  position: number | null,
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const place = position === null ? null : position + at;
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, place);
    at += bytesWritten;
  }
}

async function toldOf(file: FileHandle): Promise<Told> {
  return tell(foundOf(await file.stat({ bigint: true })));
}
