import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { HostError } from "#manifests/errors.ts";

/** Bytes of a file with a few keys in it. */
const fileBytesMax = 4_096;

/**
 * Returns the text of a key file; undefined when it is not there.
 *
 * @param name  what people call it; errors do not tell its path
 * @param options.isOurs  ours must be closed to all but its owner, and no link; what others mount
 *   may be readable by a group, but writable by nobody but the system and us
 * @throws VAULT_KEY_REFUSED
 */
export async function readKeyFile(
  path: string,
  name: string,
  { isOurs }: { readonly isOurs: boolean },
): Promise<string | undefined> {
  const refuse = (why: string, cause?: unknown): HostError =>
    new HostError("VAULT_KEY_REFUSED", { reason: `${name} ${why}` }, { cause });
  // Mounted secrets are links to the newest of several versions.
  const flags = constants.O_RDONLY | (isOurs ? constants.O_NOFOLLOW : 0);
  const file = await open(path, flags).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw refuse(cause.code === "ELOOP" ? "is a link" : "cannot be read", cause);
  });
  if (file === undefined) return undefined;
  await using _ = file;
  const { mode, uid, size } = await file.stat();
  const strangers = isOurs ? 0o077 : 0o022;
  // What is opened is what is asked: the file could be another one a moment later.
  if (process.getuid !== undefined) {
    if ((mode & strangers) !== 0)
      throw refuse(`is open to others: its mode is ${(mode & 0o777).toString(8)}, it must be 600`);
    if (uid !== process.getuid() && (isOurs || uid !== 0)) throw refuse("belongs to another user");
  }
  if (size > fileBytesMax) throw refuse(`is larger than ${fileBytesMax} bytes`);
  return file.readFile("utf8");
}

/**
 * Writes a key file that only its owner can read, whole or not at all, and on the disk when this
 * resolves: what is sealed with a key that was lost is lost too.
 *
 * @throws VAULT_KEY_REFUSED
 */
export async function writeKeyFile(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  try {
    // Left by a process that was killed here; O_EXCL then makes a file and follows no link.
    await rm(fresh, { force: true });
    await using file = await open(fresh, "wx", 0o600);
    await file.writeFile(text);
    await file.sync();
    await rename(fresh, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    const reason = "its file cannot be written";
    throw new HostError("VAULT_KEY_REFUSED", { reason }, { cause });
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder: FileHandle = await open(path, constants.O_RDONLY);
  await folder.sync();
  await folder.close();
}
