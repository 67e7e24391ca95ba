import { type BigIntStats, constants } from "node:fs";
import { HostError } from "#manifests/errors.ts";
import { refused } from "./faults.ts";

/** What is behind a name, without following it. */
export interface Found {
  /** `other` is a link, a pipe, a socket or a device: guests can do nothing with it. */
  readonly kind: "file" | "folder" | "other";
  readonly bytes: number;
  /** Since 1970. */
  readonly modifiedMs: number;
  /** Differs from that of another file which gets the same name later. */
  readonly id: string;
  /** Device and inode, to tell one folder from another. */
  readonly inode: string;
  readonly links: number;
  readonly mode: number;
}

/** Throws for what may not be opened so. @throws PATH_NOT_FILE, PATH_REFUSED */
export function checkFile({ kind, links }: Found, flags: number, purpose: string): void {
  if (kind === "folder") throw new HostError("PATH_NOT_FILE", { folder: purpose });
  if (kind === "other") throw refused(purpose, "names a link, a pipe, a socket or a device");
  const writes = (flags & (constants.O_WRONLY | constants.O_RDWR)) !== 0;
  if (writes && links > 1) throw manyNamed(purpose);
}

/** Returns the refusal to write a file that may be somebody else's by another of its names. */
export function manyNamed(purpose: string): HostError {
  return refused(purpose, "names a file that has a second name, perhaps elsewhere");
}

/** Returns what a handle or a name stands for. */
export function foundOf(stat: BigIntStats): Found {
  const inode = `${stat.dev.toString(36)}.${stat.ino.toString(36)}`;
  return {
    kind: stat.isFile() ? "file" : stat.isDirectory() ? "folder" : "other",
    bytes: Number(stat.size),
    modifiedMs: Number(stat.mtimeMs),
    id: `${inode}.${stat.birthtimeNs.toString(36)}`,
    inode,
    links: Number(stat.nlink),
    mode: Number(stat.mode) & 0o777,
  };
}
