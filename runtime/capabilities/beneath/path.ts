import { HostError } from "#manifests/errors.ts";

/** Bytes of a path, of one name in it, and names in it: what Linux takes, and far deeper than people go. */
const pathBytesMax = 4_096;
const nameBytesMax = 255;
const depthMax = 64;

/** How names of the host's own begin. No guest sees or names one. */
const hiddenPrefix = ".convergio-";

/** A path inside a folder. */
export interface InnerPath {
  /** Names from the folder down; empty for the folder itself. None is `.`, `..` or empty. */
  readonly names: readonly string[];
  /** Whether it was written as the path of a folder: with a slash or a dot at its end. */
  readonly isFolder: boolean;
  /** Whether it would lead out of the folder, so that nothing covers it. */
  readonly leadsOut: boolean;
}

/**
 * Returns the names that a path leads through, from the folder that was granted.
 *
 * A slash in front means that folder. `..` is resolved in the text, as there are no links, and never
 * is followed above the folder. Nothing is decoded, and no name is changed: `%2e%2e` and a backslash are
 * letters like others. File systems that take `A` for `a` may give two names one file.
 *
 * @param path    untrusted
 * @param folder  its purpose, for the error
 * @throws PATH_REFUSED
 */
export function parseInnerPath(path: string, folder: string): InnerPath {
  const refuse = (problem: string) => new HostError("PATH_REFUSED", { folder, problem });
  if (!path.isWellFormed()) throw refuse("is no Unicode text");
  if (path.includes("\0")) throw refuse("holds a NUL");
  if (Buffer.byteLength(path) > pathBytesMax) throw refuse(`is over ${pathBytesMax} bytes long`);
  const names: string[] = [];
  let leadsOut = false;
  const steps = path.split("/");
  for (const step of steps) {
    if (step === "" || step === ".") continue;
    if (step !== "..") names.push(step);
    else if (names.pop() === undefined) leadsOut = true;
  }
  if (names.length > depthMax) throw refuse(`leads through more than ${depthMax} folders`);
  if (names.some((name) => Buffer.byteLength(name) > nameBytesMax))
    throw refuse(`holds a name of over ${nameBytesMax} bytes`);
  if (names.some(isHidden)) throw refuse("holds a name that the host keeps for itself");
  return { names, isFolder: ["", ".", ".."].includes(steps.at(-1) ?? ""), leadsOut };
}

/** Whether a name is one of the host's own, also to a file system that sees no case. */
export function isHidden(name: string): boolean {
  // Nearly all names: a folder of ten thousand is looked through at every page of its listing.
  const first = name.charCodeAt(0);
  if (first !== 0x2e && first < 0x80) return false;
  return name
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .toLowerCase()
    .startsWith(hiddenPrefix);
}

/** Returns the name of what is written before it has its own; `fresh` is 24 hexadecimal digits. */
export function hiddenName(fresh: string): string {
  return `${hiddenPrefix}${fresh}.tmp`;
}

/** Whether a name is one that `hiddenName` gave: what else begins so is not ours to remove. */
export function isLeftover(name: string): boolean {
  return /^\.convergio-[0-9a-f]{24}\.tmp$/.test(name);
}
