import { lstat, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";
import { HostError } from "#manifests/errors.ts";

/** What holds the machine's devices, settings and keys. */
const systemFolders = ["/proc", "/sys", "/dev", "/run", "/boot", "/etc", "/private/etc"];
/** Folders of keys in people's homes; whoever holds them holds more than files. */
const keyFolders = [".ssh", ".gnupg", ".aws", ".kube"];
/** The host's own code, and what it trusts as its own: who writes there is the host at its next start. */
const packageFolder = resolve(import.meta.dirname, "../../..");
const codeFolders = [
  ...["runtime", "registry", "manifests", "plugin-sdk", "plugins", "bin", ".tools", ".git"],
].map((name) => join(packageFolder, name));

/**
 * Returns the real path of a folder that an operator typed, when a plugin may have it.
 *
 * Never granted: the host's home with what all plugins keep, its code and keys, the system's own
 * folders, and a folder that holds one of these.
 *
 * @param path      absolute; links in it are followed now, and not later
 * @param home      of the host
 * @param keyFiles  other files of the host's that hold keys
 * @throws FOLDER_REFUSED
 */
export async function checkFolder(
  path: string,
  home: string,
  keyFiles: readonly string[] = [],
): Promise<string> {
  const refuse = (reason: string): HostError =>
    new HostError("FOLDER_REFUSED", { folder: JSON.stringify(path), reason });
  if (!isAbsolute(path)) throw refuse("it must be an absolute path");
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) throw refuse("it is not there, or cannot be reached");
  if (!(await lstat(real)).isDirectory()) throw refuse("it is no folder");
  const reason = (await whyNever(real, home, keyFiles)) ?? (await keysIn(real));
  if (reason !== undefined) throw refuse(reason);
  return real;
}

/**
 * Returns why a folder can never be a plugin's, or undefined.
 *
 * @param real  absolute, without links
 */
export async function whyNever(
  real: string,
  home: string,
  keyFiles: readonly string[] = [],
): Promise<string | undefined> {
  if (real === sep) return "it is the whole machine";
  for (const system of systemFolders)
    if (touches(real, system)) return `it is, holds or is in ${system}`;
  const names = real.split(sep);
  const named = names.find((name) => keyFolders.includes(name));
  if (named !== undefined) return `it is in a folder ${named}, which holds keys`;
  if (touches(real, home)) return "it is, holds or is in the host's home";
  if (await isAbove(real, home)) return "it holds the host's home";
  if (codeFolders.some((code) => touches(real, code)) || names.includes("node_modules"))
    return "it is, holds or is in the host's code";
  if (isIn(process.execPath, real)) return "it holds the program that runs the host";
  for (const file of keyFiles) {
    const key = await realpath(file).catch(() => file);
    if (touches(real, key)) return "it holds a key of the host";
  }
  return undefined;
}

/** A home of a person, say: all of it would be more than anybody means. */
async function keysIn(real: string): Promise<string | undefined> {
  for (const name of keyFolders) {
    const found = await lstat(join(real, name)).catch(() => undefined);
    if (found !== undefined) return `it holds ${name}, which holds keys`;
  }
  return undefined;
}

/** Whether one of two paths is the other, or holds it. */
function touches(one: string, other: string): boolean {
  return isIn(one, other) || isIn(other, one);
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === sep ? sep : folder + sep);
}

/** By device and inode: a folder may be mounted in a second place. */
async function isAbove(real: string, home: string): Promise<boolean> {
  const folder = await lstat(real, { bigint: true }).catch(() => undefined);
  if (folder === undefined) return false;
  for (let path = home; ; path = dirname(path)) {
    const found = await lstat(path, { bigint: true }).catch(() => undefined);
    if (found?.dev === folder.dev && found.ino === folder.ino) return true;
    if (path === dirname(path)) return false;
  }
}
