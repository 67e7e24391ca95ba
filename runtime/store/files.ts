import { constants } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HostError } from "#manifests/errors.ts";
import type { Digest, PluginId } from "#manifests/names.ts";
import { digestOf } from "#registry/digest.ts";
import type { Clock } from "#runtime/clock.ts";
import type { Unreferenced } from "./plugins.ts";

/** Folders of the home that hold them; on one file system, so that files can be moved. */
export interface FilePlaces {
  readonly plugins: string;
  readonly modules: string;
  readonly staging: string;
}

/** The packages and modules of the installed plugins, under the digests of their bytes. */
export interface Files {
  /** Begins an install; what was not committed is removed when the stage is disposed. */
  stage(): Promise<Stage>;
  /**
   * Returns a file of a package.
   *
   * @param path      as the package names it
   * @param expected  digest of the file when it was installed
   * @throws MODULE_ALTERED
   */
  readFile(
    place: { readonly plugin: PluginId; readonly digest: Digest },
    path: string,
    expected: Digest,
  ): Promise<Uint8Array>;
  /** Returns a metered module. @throws MODULE_ALTERED */
  readModule(digest: Digest): Promise<Uint8Array>;
  /** Keeps a module that was metered again. @throws STORAGE_FULL */
  writeModule(bytes: Uint8Array): Promise<Digest>;
  /** Removes what no version refers to any more. */
  remove(unreferenced: Unreferenced): Promise<void>;
}

/** Files on their way into the store. */
export interface Stage extends AsyncDisposable {
  /** Absolute path, for tools that read the staged files. */
  readonly path: string;
  /** Writes the files of a package. @throws STORAGE_FULL */
  writePackage(files: ReadonlyMap<string, Uint8Array>): Promise<void>;
  /** Writes a metered module. @throws STORAGE_FULL */
  writeModule(bytes: Uint8Array): Promise<Digest>;
  /**
   * Puts everything in its place, on the disk before it resolves; a power cut leaves all of a
   * package or nothing.
   */
  commit(plugin: PluginId, digest: Digest): Promise<void>;
}

/** Returns the file store of a home. */
export function createFiles(home: FilePlaces, clock: Clock): Files {
  const places = placesOf(home);
  const newStage = (): string => join(home.staging, Buffer.from(clock.random(12)).toString("hex"));
  return {
    stage: () => openStage(places, newStage()),
    readFile: ({ plugin, digest }, path, expected) =>
      readChecked(join(places.package(plugin, digest), path), expected, `${path} of ${plugin}`),
    readModule: (digest) => readChecked(places.module(digest), digest, "a module"),
    writeModule: async (bytes) => {
      await using stage = await openStage(places, newStage());
      const digest = await stage.writeModule(bytes);
      await commitModule(places, stage.path, digest);
      return digest;
    },
    remove: async ({ packages, modules }) => {
      for (const { plugin, digest } of packages)
        await rm(places.package(plugin, digest), { recursive: true, force: true });
      for (const digest of modules) await rm(places.module(digest), { force: true });
    },
  };
}

interface Places {
  /** No id, of at most 64 characters, ends in the name of a digest, which has 71. */
  package(plugin: PluginId, digest: Digest): string;
  module(digest: Digest): string;
}

function placesOf(home: FilePlaces): Places {
  return {
    package: (plugin, digest) => join(home.plugins, plugin, digest.replace(":", "-")),
    module: (digest) => join(home.modules, `${digest.replace(":", "-")}.wasm`),
  };
}

async function openStage(places: Places, path: string): Promise<Stage> {
  const modules: Digest[] = [];
  const written = new Map<string, Digest>();
  await mkdir(join(path, "package"), { recursive: true, mode: 0o700 });
  return {
    path,
    writePackage: async (files) => {
      for (const [name, bytes] of files) {
        await writeSynced(join(path, "package", name), bytes);
        written.set(name, await digestOf(bytes));
      }
      const folders = new Set([...files.keys()].map((name) => dirname(join("package", name))));
      for (const folder of folders) await syncFolder(join(path, folder));
    },
    writeModule: async (bytes) => {
      const digest = await digestOf(bytes);
      await writeSynced(join(path, moduleName(digest)), bytes);
      modules.push(digest);
      return digest;
    },
    commit: async (plugin, digest) => {
      for (const module of modules) await commitModule(places, path, module);
      const target = places.package(plugin, digest);
      // What is whole stays: between two renames an active version would be nowhere.
      if (!(await isWhole(target, written))) await replaceFolder(path, target);
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

function moduleName(digest: Digest): string {
  return `${digest.replace(":", "-")}.wasm`;
}

/** A file takes the place of its like in one step. */
async function commitModule(places: Places, stage: string, digest: Digest): Promise<void> {
  const target = places.module(digest);
  await rename(join(stage, moduleName(digest)), target);
  await syncFolder(dirname(target));
}

/** Returns whether a folder holds certain files. */
async function isWhole(folder: string, files: ReadonlyMap<string, Digest>): Promise<boolean> {
  if (files.size === 0) return false;
  for (const [name, expected] of files) {
    const bytes = await readFile(join(folder, name)).catch(() => undefined);
    if (bytes === undefined || (await digestOf(bytes)) !== expected) return false;
  }
  return true;
}

/** A folder takes no place of one that is not empty: an old one moves into the stage first. */
async function replaceFolder(stage: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const isThere = await stat(target).then(
    () => true,
    () => false,
  );
  if (isThere) await rename(target, join(stage, "replaced"));
  await rename(join(stage, "package"), target);
  for (const folder of [dirname(target), dirname(dirname(target))]) await syncFolder(folder);
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await using file = await open(path, "wx", 0o400);
    await file.writeFile(bytes);
    await file.chmod(0o444);
    await file.sync();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOSPC") throw cause;
    throw new HostError("STORAGE_FULL", {}, { cause });
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync();
}

/** Reads a file and says who it is by its bytes: whoever can write to the home could alter it. */
async function readChecked(path: string, expected: Digest, what: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes !== undefined && (await digestOf(bytes)) === expected) return bytes;
  throw new HostError("MODULE_ALTERED", { what, digest: expected });
}
