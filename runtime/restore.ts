import { createHash } from "node:crypto";
import { copyFile, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BackupList, parseBackupList } from "#manifests/backup.ts";
import type { Config } from "#manifests/config.ts";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { readArchive, type Unpacked } from "./archive.ts";
import { assemble, hostVersion } from "./assemble.ts";
import { listName } from "./backup.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type HalfRestored, halfRestored, markName } from "./half-restored.ts";
import { type Home, openHome } from "./home.ts";
import { owner } from "./keys.ts";
import { openDatabase } from "./store/database.ts";
import { carryForward } from "./store/forward.ts";
import { damageIn, readCopy } from "./store/snapshot.ts";

/** What is restored, and where. */
export interface RestoreWish {
  /** Absolute path of the home; nobody uses it, and it may not be there yet. */
  readonly home: string;
  /** A backup, named by the home's owner. */
  readonly file: string;
  /** Whether keys that were good when the backup was made are good again. */
  readonly keepKeys: boolean;
  readonly config: Config;
  readonly clock?: Clock;
  /** Hears how many files are read. */
  readonly onProgress?: (files: number) => void;
}

/** What came of it. */
export interface Restored {
  readonly createdAt: string;
  readonly files: number;
  readonly plugins: number;
  /** Folder in the home with what was replaced; null when nothing was. */
  readonly before: string | null;
  readonly keysRevoked: boolean;
}

/** Bytes of the list: a million files have less. */
const listBytesMax = 256 * 1024 * 1024;
const databaseName = "convergio.db";
/** What is replaced as a whole; packages and modules lie under their digests, and are added. */
const replaced: readonly string[] = ["convergio.json", "data", databaseName];

/**
 * Lets a home be what it was when a backup was made, all of which is read and checked before anything is
 * replaced. What was there is kept in a folder of the home; a restore that is cut short is done again.
 *
 * The clock, what was used and spent, the highest versions, revoked keys and grants that were taken away
 * do not go back, nor does the audit: the home's own goes on. All keys are revoked unless they are kept.
 *
 * @throws HOME_IN_USE, BACKUP_INVALID, FILE_UNUSABLE, SCHEMA_NEWER, STORE_DAMAGED, STORAGE_FULL
 */
export async function restoreHome(wish: RestoreWish): Promise<Restored> {
  const clock = wish.clock ?? systemClock();
  const restored = await (async () => {
    await using home = await openHome(wish.home);
    const stage = join(home.staging, "restore");
    await mkdir(stage, { mode: 0o700 });
    const list = await unpack(wish, stage);
    const plugins = checkDatabase(list, stage);
    const place = placeOf(home, clock);
    await bringForward(wish, { home, stage, clock, before: join(home.path, place.before) });
    const isKept = await putInPlace(home, stage, list, place);
    await rm(stage, { recursive: true, force: true });
    const { createdAt, files } = list;
    const before = isKept ? place.before : null;
    return { createdAt, files: files.length, plugins, before, keysRevoked: !wish.keepKeys };
  })();
  await record(wish, restored);
  return restored;
}

/** Writes every file under its path, and compares it with the list. @throws BACKUP_INVALID */
async function unpack(wish: RestoreWish, stage: string): Promise<BackupList> {
  const found: { bytes: number; digest: string }[] = [];
  for await (const entry of readArchive(wish.file)) {
    if (entry.name === listName) return compared(await listOf(entry), found, stage);
    if (entry.name !== String(found.length)) throw invalid("a file is not in its place");
    found.push(await keep(entry, join(stage, entry.name)));
    wish.onProgress?.(found.length);
  }
  throw invalid("it has no list of what is in it");
}

async function keep(entry: Unpacked, path: string): Promise<{ bytes: number; digest: string }> {
  const hash = createHash("sha256");
  try {
    await using file = await open(path, "wx", 0o600);
    for await (const chunk of entry.chunks) {
      hash.update(chunk);
      await file.write(chunk);
    }
    await file.sync();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOSPC") throw cause;
    throw new HostError("STORAGE_FULL", {}, { cause });
  }
  return { bytes: entry.bytes, digest: `sha256:${hash.digest("hex")}` };
}

async function listOf({ bytes, chunks }: Unpacked): Promise<BackupList> {
  if (bytes > listBytesMax) throw invalid("its list is too long");
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  try {
    return parseBackupList(JSON.parse(Buffer.concat(parts).toString("utf8")));
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    throw new HostError("BACKUP_INVALID", { reason: "its list is no JSON" }, { cause });
  }
}

async function compared(
  list: BackupList,
  found: readonly { bytes: number; digest: string }[],
  stage: string,
): Promise<BackupList> {
  if (list.files.length !== found.length) throw invalid("a file is missing");
  for (const [index, { path, digest, bytes }] of list.files.entries()) {
    const is = found[index];
    if (is?.digest !== digest || is.bytes !== bytes)
      throw invalid(`${quote(path)} is not what was packed`);
    const target = join(stage, "home", path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rename(join(stage, String(index)), target);
  }
  return list;
}

/** Returns how many plugins there are. @throws BACKUP_INVALID, SCHEMA_NEWER */
function checkDatabase({ files, host, form }: BackupList, stage: string): number {
  const paths = new Set(files.map(({ path }) => path));
  if (!paths.has(databaseName)) throw invalid("it has no database");
  const path = join(stage, "home", databaseName);
  const damage = damageIn(path);
  if (damage !== undefined) throw invalid(`its database is damaged: ${quote(damage)}`);
  const copy = readCopy(path);
  if (copy.form !== form) throw invalid("its database is not the one that was packed");
  for (const version of copy.versions) {
    const folder = `plugins/${version.plugin}/${version.digest.replace(":", "-")}`;
    const wanted = [
      `modules/${version.meteredDigest.replace(":", "-")}.wasm`,
      ...Object.keys(version.files).map((name) => `${folder}/${name}`),
    ];
    const missing = wanted.find((each) => !paths.has(each));
    if (missing !== undefined) throw invalid(`${quote(missing)} is missing`);
  }
  bringToForm(path, stage, host);
  return new Set(copy.versions.map(({ plugin }) => plugin)).size;
}

/** An older form becomes the one of this host; a newer one is refused. @throws SCHEMA_NEWER */
function bringToForm(path: string, stage: string, made: string): void {
  const clock = systemClock();
  const { durable, hot } = openDatabase({ path, backups: stage, clock, hostVersion: made });
  hot.close();
  durable.close();
}

/** Where what is replaced goes: where an earlier restore put it that was cut short, if there was one. */
function placeOf(home: Home, clock: Clock): HalfRestored {
  const at = new Date(clock.now()).toISOString().replaceAll(/[:.]/g, "-");
  return halfRestored(home.path) ?? { before: `before-restore-${at}` };
}

interface Forward {
  readonly home: Home;
  readonly stage: string;
  readonly clock: Clock;
  /** Where an earlier restore that was cut short may have put the database. */
  readonly before: string;
}

async function bringForward(
  wish: RestoreWish,
  { home, stage, clock, before }: Forward,
): Promise<void> {
  const present = (await isThere(home.path, databaseName))
    ? home.database
    : (await isThere(before, databaseName))
      ? join(before, databaseName)
      : undefined;
  const looked = present && (await copied(present, stage));
  carryForward({
    restored: join(stage, "home", databaseName),
    present: looked,
    keepKeys: wish.keepKeys,
    now: clock.now(),
  });
}

/** A copy in the form of this host, so that the home itself is only read. */
async function copied(present: string, stage: string): Promise<string> {
  const path = join(stage, "present.db");
  for (const end of ["", "-wal"])
    if (await isThere(dirname(present), databaseName + end))
      await copyFile(present + end, path + end);
  bringToForm(path, stage, hostVersion);
  return path;
}

async function isThere(folder: string, name: string): Promise<boolean> {
  const names: readonly string[] = await readdir(folder).catch(() => []);
  return names.includes(name);
}

/** Returns whether anything was there before. */
async function putInPlace(
  home: Home,
  stage: string,
  { files }: BackupList,
  place: HalfRestored,
): Promise<boolean> {
  const from = join(stage, "home");
  const before = join(home.path, place.before);
  await writeSynced(join(home.path, markName), JSON.stringify({ before: place.before }));
  await addFiles(home, from, files);
  const isKept = await moveAway(home, before);
  for (const name of replaced)
    if (await isThere(from, name)) await rename(join(from, name), join(home.path, name));
  await mkdir(home.data, { recursive: true, mode: 0o700 });
  await sync(home.path);
  await rm(join(home.path, markName));
  await sync(home.path);
  return isKept;
}

/** Files under their digests stand beside others; the audit only where there is none. */
async function addFiles(home: Home, from: string, files: BackupList["files"]): Promise<void> {
  const hasAudit = (await readdir(home.audit)).some((name) => name.endsWith(".jsonl"));
  for (const { path } of files) {
    const [first = ""] = path.split("/", 1);
    if (!["plugins", "modules", "audit"].includes(first) || (first === "audit" && hasAudit))
      continue;
    const target = join(home.path, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rename(join(from, path), target);
  }
}

/**
 * Moves what is to be replaced into a folder of its own; what lies there already is what was there
 * before a restore that was cut short. Returns whether anything lies there.
 */
async function moveAway(home: Home, before: string): Promise<boolean> {
  const isEmpty = (await readdir(home.data)).length === 0;
  if (isEmpty) await rm(home.data, { recursive: true });
  for (const name of [`${databaseName}-wal`, `${databaseName}-shm`, ...replaced]) {
    if (!(await isThere(home.path, name))) continue;
    await mkdir(before, { recursive: true, mode: 0o700 });
    const target = (await isThere(before, name)) ? undefined : join(before, name);
    if (target === undefined) await rm(join(home.path, name), { recursive: true });
    else await rename(join(home.path, name), target);
  }
  const isKept = await readdir(before).then(
    () => true,
    () => false,
  );
  if (isKept) await sync(before);
  return isKept;
}

async function writeSynced(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, text, { mode: 0o600, flush: true });
  await rename(`${path}.part`, path);
  await sync(dirname(path));
}

async function sync(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

/** Opens what was restored, so that whoever did it hears of a fault now, and writes down that it was. */
async function record(wish: RestoreWish, { createdAt }: Restored): Promise<void> {
  const { home, config, clock } = wish;
  await using parts = await assemble({ home, config, ...(clock && { clock }) });
  parts.audit.append({
    ...{ kind: "host", act: "restore", decision: "allowed" },
    ...{ owner: owner.owner, keyId: owner.id, target: createdAt },
  });
  await parts.audit.committed();
}

function invalid(reason: string): HostError {
  return new HostError("BACKUP_INVALID", { reason });
}
