import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { HostError } from "#manifests/errors.ts";
import { type Owner, ownProcess, runs } from "./owner.ts";
import { socketPathOf } from "./socket.ts";
import { takeLock } from "./store/lock.ts";

/** The folder with everything that a host keeps; it has one owner process at a time. */
export interface Home extends AsyncDisposable {
  /** Absolute path, as all others here. */
  readonly path: string;
  readonly database: string;
  /** Copies of the database from before each migration. */
  readonly backups: string;
  readonly plugins: string;
  readonly modules: string;
  /** What is not in place yet; emptied at every start. */
  readonly staging: string;
  /** Packages that wait for consent. */
  readonly requests: string;
  readonly logs: string;
  /** Segments of the audit, and the key that signs their ends. */
  readonly audit: string;
  /** Folders of the plugins' own. */
  readonly data: string;
  readonly run: string;
  /** Where this host listens for the home's owner; its folder exists and is the owner's alone. */
  readonly socket: string;
  /** The process that owned the home last and did not give it back; null after a clean end. */
  readonly crashed: Owner | null;
}

const folders = [
  "backups",
  "plugins",
  "modules",
  "staging",
  "requests",
  "logs",
  "audit",
  "data",
  "run",
] as const;

/**
 * Opens a home for this process alone, and makes it when it is not there.
 *
 * From here on the process makes files that only their owner can read. What a killed install left
 * in `staging` is removed.
 *
 * @throws HOME_IN_USE, HOME_UNUSABLE
 */
export async function openHome(path: string): Promise<Home> {
  process.umask(0o077);
  const named = resolve(path);
  // The home itself may be a link, to a larger disk for instance; nothing in it may.
  const root = await realpath(named).catch(() => named);
  await makePrivate(root);
  for (const folder of folders) await makePrivate(join(root, folder));
  await using undo = new AsyncDisposableStack();
  const crashed = await takeOver(root, undo);
  await emptyFolder(join(root, "staging"));
  const socket = socketPathOf(named);
  await makePrivate(dirname(socket));
  const held = undo.move();
  return {
    path: root,
    database: join(root, "convergio.db"),
    ...(Object.fromEntries(folders.map((folder) => [folder, join(root, folder)])) as Record<
      (typeof folders)[number],
      string
    >),
    socket,
    crashed,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Makes a folder that only its owner can enter; one of somebody else's is refused. */
async function makePrivate(path: string): Promise<void> {
  const refuse = (reason: string, cause?: unknown): HostError =>
    new HostError("HOME_UNUSABLE", { reason }, { cause });
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw refuse(`${path} cannot be made`, cause);
  }
  // `lstat`: a link could be turned to another place after this check.
  const found = await lstat(path);
  if (!found.isDirectory()) throw refuse(`${path} is a link or a file, and must be a folder`);
  if (process.getuid !== undefined && found.uid !== process.getuid())
    throw refuse(`${path} belongs to another user`);
  if ((found.mode & 0o077) !== 0) await chmod(path, 0o700);
}

/** Takes the home for this process, and gives it back when `undo` is disposed. */
async function takeOver(root: string, undo: AsyncDisposableStack): Promise<Owner | null> {
  const file = join(root, "run", "owner.json");
  const lock = takeLock(join(root, "run", "lock"));
  if (lock === undefined) throw new HostError("HOME_IN_USE", { pid: await livingOwner(file) });
  undo.use(lock);
  const before = await readOwner(file);
  // Some network file systems have no locks: there the record of the owner is all there is.
  if (before !== null && before.pid !== process.pid && (await runs(before)))
    throw new HostError("HOME_IN_USE", { pid: before.pid });
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, JSON.stringify(await ownProcess()));
  await rename(fresh, file);
  undo.defer(() => rm(file, { force: true }));
  return before;
}

/** Returns the process that has the lock; it records itself just after it took it. */
async function livingOwner(file: string): Promise<number | "unknown"> {
  for (let tries = 0; tries < 20; tries++) {
    const owner = await readOwner(file);
    if (owner !== null && (await runs(owner))) return owner.pid;
    await setTimeout(25);
  }
  return "unknown";
}

async function readOwner(file: string): Promise<Owner | null> {
  try {
    const { pid, startedAt } = JSON.parse(await readFile(file, "utf8"));
    return Number.isSafeInteger(pid) && typeof startedAt === "string" ? { pid, startedAt } : null;
  } catch {
    // No record, or one that a power cut left half written: nobody is known to own the home.
    return null;
  }
}

async function emptyFolder(path: string): Promise<void> {
  for (const name of await readdir(path))
    await rm(join(path, name), { recursive: true, force: true });
}
