import { constants } from "node:fs";
import { mkdir, open, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HostError } from "#manifests/errors.ts";
import type { Digest, PluginId } from "#manifests/names.ts";
import { digestOf } from "#registry/digest.ts";
import type { Clock } from "#runtime/clock.ts";
import { Holds } from "./holds.ts";
import { bytesIn, foundIn } from "./found.ts";
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
  /**
   * Removes what no version refers to any more, but what an install or a backup is about to need.
   *
   * @param isUsed  is asked about each at the last moment
   * @returns the bytes that were freed
   */
  remove(unreferenced: Unreferenced, isUsed?: IsUsed): Promise<number>;
  /** Keeps files that versions refer to now until what it gives is disposed. */
  keep(versions: readonly Kept[]): Disposable;
  /** Everything that lies in the store, with its size and when it was put there. */
  list(): Promise<readonly StoredEntry[]>;
  /** Removes something that is staged and that nobody works on. @returns the bytes that were freed */
  removeStaged(name: string): Promise<number>;
  /** Bytes of all files in the store. */
  usedBytes(): Promise<number>;
}

/** What one version has in the store. */
export interface Kept {
  readonly plugin: PluginId;
  readonly digest: Digest;
  readonly meteredDigest: Digest;
}

/** Whether something refers to a package, or to a module. */
export type IsUsed = (
  what:
    | { readonly kind: "package"; readonly plugin: PluginId; readonly digest: Digest }
    | { readonly kind: "module"; readonly digest: Digest },
) => boolean;

/** Something that lies in the store. */
export type StoredEntry = {
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
} & (
  | { readonly kind: "package"; readonly plugin: PluginId; readonly digest: Digest }
  | { readonly kind: "module"; readonly digest: Digest }
  | { readonly kind: "staged"; readonly name: string }
);

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
  const holds = new Holds();
  const newStage = (): Promise<Stage> => {
    const name = Buffer.from(clock.random(12)).toString("hex");
    return openStage(places, holds, join(home.staging, name));
  };
  return {
    stage: newStage,
    readFile: ({ plugin, digest }, path, expected) =>
      readChecked(join(places.package(plugin, digest), path), expected, `${path} of ${plugin}`),
    readModule: (digest) => readChecked(places.module(digest), digest, "a module"),
    writeModule: async (bytes) => {
      await using stage = await newStage();
      const digest = await stage.writeModule(bytes);
      await holds.alone(() => commitModule(places, stage.path, digest));
      return digest;
    },
    remove: async ({ packages, modules }, isUsed = () => false) => {
      let freed = 0;
      const take = (path: string, isKept: () => boolean): Promise<void> =>
        holds.alone(async () => {
          if (!holds.has(path) && !isKept()) freed += await removeAll(path);
        });
      for (const each of packages) {
        const path = places.package(each.plugin, each.digest);
        await take(path, () => isUsed({ kind: "package", ...each }));
        await holds.alone(() => removeEmpty(dirname(path), home.plugins));
      }
      for (const digest of modules)
        await take(places.module(digest), () => isUsed({ kind: "module", digest }));
      return freed;
    },
    keep: (versions) => holds.keep(versions.flatMap((each) => pathsOf(places, each))),
    list: () => foundIn(home),
    removeStaged: (name) =>
      holds.alone(async () => {
        const path = join(home.staging, name);
        return holds.has(path) ? 0 : removeAll(path);
      }),
    usedBytes: async () =>
      (await bytesIn(home.plugins)) + (await bytesIn(home.modules)) + (await bytesIn(home.staging)),
  };
}

function pathsOf(places: Places, { plugin, digest, meteredDigest }: Kept): string[] {
  return [places.package(plugin, digest), places.module(meteredDigest)];
}

async function removeAll(path: string): Promise<number> {
  const bytes = await bytesIn(path);
  await rm(path, { recursive: true, force: true });
  return bytes;
}

/** Removes the folders of a plugin whose last package is gone. */
async function removeEmpty(folder: string, root: string): Promise<void> {
  for (let path = folder; path !== root; path = dirname(path)) {
    const isGone = await rmdir(path).then(
      () => true,
      () => false, // Something is in it, or it is not there.
    );
    if (!isGone) return;
  }
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

async function openStage(places: Places, holds: Holds, path: string): Promise<Stage> {
  using undo = new DisposableStack();
  undo.use(holds.keep([path]));
  const modules: Digest[] = [];
  const written = new Map<string, Digest>();
  await mkdir(join(path, "package"), { recursive: true, mode: 0o700 });
  const held = undo.move();
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
      const target = places.package(plugin, digest);
      // Until the install is over: nothing refers to them yet.
      held.use(holds.keep([target, ...modules.map(places.module)]));
      await holds.alone(async () => {
        for (const module of modules) await commitModule(places, path, module);
        // What is whole stays: between two renames an active version would be nowhere.
        if (!(await isWhole(target, written))) await replaceFolder(path, target);
      });
    },
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true });
      held.dispose();
    },
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
