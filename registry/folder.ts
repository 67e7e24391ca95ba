import { constants } from "node:fs";
import { type FileHandle, open, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "#manifests/errors.ts";
import { parseManifest } from "#manifests/manifest.ts";
import { quote } from "#manifests/quote.ts";
import { packageLimits } from "./limits.ts";
import { manifestPath } from "./paths.ts";

/** Files beside manifest and module that belong to a package, and folders of which all does. */
const besides = /^(?:README|LICENSE)(?:[._-].*)?$/;
const foldersIncluded = ["assets", "prompts", "samples"];

/**
 * Returns the files of a folder that belong to its package, by path.
 *
 * @param directory  on this machine, named by its owner; what it holds is untrusted
 * @throws PACKAGE_INVALID, PACKAGE_TOO_LARGE, MANIFEST_INVALID, JSON_INVALID
 */
export async function filesOfFolder(directory: string): Promise<Map<string, Uint8Array>> {
  const root = await realpath(directory).catch((cause) => {
    throw new HostError("PACKAGE_INVALID", { reason: "its folder is not there" }, { cause });
  });
  const room = { bytes: packageLimits.unpackedBytesMax };
  const manifest = await readInside(root, manifestPath, room);
  const files = new Map([[manifestPath, manifest]]);
  for (const path of [parseManifest(manifest).wasm, ...(await namesIn(root))])
    if (!files.has(path)) files.set(path, await readInside(root, path, room));
  return files;
}

/** Lists what belongs to the package of a folder, besides manifest and module. */
async function namesIn(root: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const isFolder = foldersIncluded.includes(entry.name);
    if (isFolder && entry.isDirectory()) await listFolder(root, entry.name, names);
    else if (isFolder || besides.test(entry.name)) names.push(entry.name);
  }
  return names;
}

async function listFolder(root: string, folder: string, names: string[]): Promise<void> {
  if (folder.split("/").length >= packageLimits.depthMax)
    throw new HostError("PACKAGE_INVALID", { reason: `${quote(folder)} is nested too deep` });
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) await listFolder(root, path, names);
    else if (names.push(path) > packageLimits.entriesMax)
      throw tooLarge("it has", `${packageLimits.entriesMax} entries`);
  }
}

/** Reads a regular file that no link leads to, and takes its size out of the room that is left. */
async function readInside(
  root: string,
  path: string,
  room: { bytes: number },
): Promise<Uint8Array> {
  const refuse = (how: string, cause?: unknown): HostError =>
    new HostError("PACKAGE_INVALID", { reason: `${quote(path)} ${how}` }, { cause });
  const full = join(root, path);
  if ((await realpath(full).catch(() => undefined)) !== full)
    throw refuse("is not there, or is reached by a link");
  try {
    // Without O_NONBLOCK a pipe would wait for somebody to write.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using file = await open(full, flags);
    const stats = await file.stat();
    if (!stats.isFile()) throw refuse("is not a regular file");
    room.bytes -= stats.size;
    if (room.bytes < 0) throw tooLarge("it holds", `${packageLimits.unpackedBytesMax} bytes`);
    return await readExactly(file, stats.size);
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    throw refuse("cannot be read", cause);
  }
}

/** Reads what a file held when its size was asked; it may grow meanwhile. */
async function readExactly(file: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at, size - at, at);
    if (bytesRead === 0) return bytes.subarray(0, at);
    at += bytesRead;
  }
  return bytes;
}

function tooLarge(what: string, limit: string): HostError {
  return new HostError("PACKAGE_TOO_LARGE", { what, limit });
}
