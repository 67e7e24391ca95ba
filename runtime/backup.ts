import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BackupFile, BackupList } from "#manifests/backup.ts";
import { HostError } from "#manifests/errors.ts";
import type { Version } from "#manifests/names.ts";
import { quote } from "#manifests/quote.ts";
import { type Packed, writeArchive } from "./archive.ts";
import type { Audit } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { Home } from "./home.ts";
import type { Shelf } from "./installed.ts";
import type { Caller } from "./keys.ts";
import type { Files } from "./store/files.ts";
import { type CopiedVersion, readCopy } from "./store/snapshot.ts";
import type { Store } from "./store/store.ts";

/** What making a backup needs of the host. */
export interface BackupParts {
  readonly clock: Clock;
  readonly home: Home;
  readonly store: Store;
  readonly files: Files;
  readonly shelf: Shelf;
  readonly audit: Audit;
  readonly hostVersion: Version;
}

/** Where a backup goes, and who hears of it. */
export interface BackupWish {
  /** Absolute path of a file that is not there yet, named by the home's owner. */
  readonly path: string;
  readonly by: Caller;
  /** Hears how many bytes of all are written. */
  readonly onProgress?: (done: number, all: number) => void;
}

/** A backup that was made. */
export interface BackupView {
  readonly path: string;
  readonly files: number;
  /** Of the files in it. */
  readonly bytes: number;
  readonly createdAt: string;
}

/** The name of the list, which is the last of the archive. */
export const listName = "backup.json";
const auditForm = /^[0-9]{16}\.jsonl$/;
const configName = "convergio.json";

/** A file of the home that is to be packed. */
interface Source {
  readonly path: string;
  readonly bytes: number;
  readonly chunks: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/**
 * Writes everything that a home needs to be the same elsewhere into one file, while the host serves: the
 * database as it is at one moment, packages and modules, plugins' folders, audit and settings. Of the
 * vault it has what is sealed; no key of anything, and no secret of an API key, is in it.
 *
 * @throws OWNER_ONLY, FILE_UNUSABLE, STORAGE_FULL, MODULE_ALTERED
 */
export async function backUp(parts: BackupParts, wish: BackupWish): Promise<BackupView> {
  const { path, by } = wish;
  if (by.kind !== "owner") throw new HostError("OWNER_ONLY", { act: "make a backup" });
  await checkFree(path);
  await auditBackup(parts, wish);
  await using stage = await parts.files.stage();
  // Until the copy says which versions there are: none of those of now may go meanwhile.
  using _ = parts.files.keep(parts.shelf.all().flatMap(({ versions }) => versions));
  const copy = join(stage.path, "convergio.db");
  await parts.store.copyTo(copy, () => {});
  const { versions, form } = readCopy(copy);
  const sources = await sourcesOf(parts, copy, versions);
  const createdAt = new Date(parts.clock.now()).toISOString();
  const head = { backup: 1, host: parts.hostVersion, form, createdAt } as const;
  const fresh = `${path}.${Buffer.from(parts.clock.random(6)).toString("hex")}.part`;
  try {
    await writeArchive(fresh, packedOf(sources, head, wish));
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
  await using folder = await open(dirname(path), "r");
  await folder.sync();
  return { path, files: sources.length, bytes: bytesOf(sources), createdAt };
}

/** @throws FILE_UNUSABLE */
async function checkFree(path: string): Promise<void> {
  const refuse = (problem: string): HostError =>
    new HostError("FILE_UNUSABLE", { file: quote(path, 200), problem });
  if ((await lstat(path).catch(() => undefined)) !== undefined) throw refuse("it is there already");
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory()) throw refuse("its folder is not there");
}

async function auditBackup({ audit }: BackupParts, { by }: BackupWish): Promise<void> {
  const { owner, id: keyId } = by;
  audit.append({ kind: "host", act: "backup", decision: "allowed", owner, keyId });
  await audit.committed();
}

async function sourcesOf(
  { home, files }: BackupParts,
  copy: string,
  versions: readonly CopiedVersion[],
): Promise<readonly Source[]> {
  const stored = versions.flatMap((version) =>
    Object.entries(version.files).map(([path, digest]) => ({ version, path, digest })),
  );
  const packages = stored.map(async ({ version, path, digest }) => {
    const place = `plugins/${version.plugin}/${version.digest.replace(":", "-")}/${path}`;
    return sized(place, join(home.path, place), () =>
      one(() => files.readFile(version, path, digest)),
    );
  });
  const digests = [...new Set(versions.map(({ meteredDigest }) => meteredDigest))];
  const modules = digests.map(async (digest) => {
    const place = `modules/${digest.replace(":", "-")}.wasm`;
    return sized(place, join(home.path, place), () => one(() => files.readModule(digest)));
  });
  return [
    await fromDisk("convergio.db", copy),
    ...(await configOf(home)),
    ...(await Promise.all([...packages, ...modules])),
    ...(await filesIn(home.audit, "audit", (name) => auditForm.test(name))),
    ...(await filesIn(home.data, "data", () => true)),
  ];
}

/** Read whole, its digest checked on the way. */
async function* one(read: () => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await read();
}

async function sized(path: string, full: string, chunks: Source["chunks"]): Promise<Source> {
  const found = await stat(full).catch((cause: unknown) => {
    throw new HostError("MODULE_ALTERED", { what: path, digest: "it had" }, { cause });
  });
  return { path, bytes: found.size, chunks };
}

/** A file that may grow meanwhile: so many bytes of it as there are now. */
async function fromDisk(path: string, full: string): Promise<Source> {
  const { size } = await stat(full);
  const chunks = () => (size === 0 ? [] : createReadStream(full, { end: size - 1 }));
  return { path, bytes: size, chunks };
}

async function configOf(home: Home): Promise<Source[]> {
  const full = join(home.path, configName);
  const isThere = (await lstat(full).catch(() => undefined))?.isFile() ?? false;
  return isThere ? [await fromDisk(configName, full)] : [];
}

/** Files below a folder, links left out: a link leads to what is not the home's. */
async function filesIn(
  folder: string,
  place: string,
  isWanted: (name: string) => boolean,
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const [full, path] = [join(folder, entry.name), `${place}/${entry.name}`];
    if (entry.isDirectory() && place.startsWith("data"))
      sources.push(...(await filesIn(full, path, isWanted)));
    else if (entry.isFile() && isWanted(entry.name)) sources.push(await fromDisk(path, full));
  }
  return sources;
}

function bytesOf(sources: readonly Source[]): number {
  return sources.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The files under numbers, then the list of what they are. */
async function* packedOf(
  sources: readonly Source[],
  head: Omit<BackupList, "files">,
  { onProgress = () => {} }: BackupWish,
): AsyncGenerator<Packed> {
  const all = bytesOf(sources);
  const state = { done: 0 };
  const listed: BackupFile[] = [];
  for (const [index, { path, bytes, chunks }] of sources.entries()) {
    const hash = createHash("sha256");
    const counted = exactly(path, bytes, chunks(), (chunk) => {
      hash.update(chunk);
      state.done += chunk.byteLength;
      onProgress(state.done, all);
    });
    yield { name: String(index), bytes, chunks: counted };
    listed.push({ path, bytes, digest: `sha256:${hash.digest("hex")}` });
  }
  const list: BackupList = { ...head, files: listed };
  const text = Buffer.from(JSON.stringify(list));
  yield { name: listName, bytes: text.byteLength, chunks: [text] };
}

/** @throws FILE_UNUSABLE when a file has become shorter meanwhile */
async function* exactly(
  path: string,
  bytes: number,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  hear: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of chunks) {
    left -= chunk.byteLength;
    hear(chunk);
    yield chunk;
  }
  if (left === 0) return;
  const problem = "it changed while it was copied; run the backup again";
  throw new HostError("FILE_UNUSABLE", { file: quote(path, 200), problem });
}
