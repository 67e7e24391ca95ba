import type { FileFacts } from "./folder-ports.ts";
import { type GuestPath, inodeOf } from "./guest-path.ts";
import type { GuestMemory } from "./memory.ts";
import { type Entry, filetypeOf } from "./open-folder.ts";
import { right } from "./opening.ts";

const filestatBytes = 64;
const fdstatBytes = 24;
const direntBytes = 24;
const nsAMs = 1_000_000;

/** Writes what a path names; false when it does not fit. @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#filestat */
export function writeFilestat(
  memory: GuestMemory,
  pointer: number,
  place: GuestPath,
  { kind, size, modified }: Omit<FileFacts, "file"> & Pick<Entry, "kind">,
): boolean {
  const bytes = memory.bytes(pointer, filestatBytes);
  if (bytes === undefined) return false;
  const view = viewOf(bytes.fill(0));
  const time = BigInt(Math.round(modified * nsAMs));
  view.setBigUint64(0, 1n, true);
  view.setBigUint64(8, inodeOf(place), true);
  view.setUint8(16, filetypeOf(kind));
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, BigInt(size), true);
  for (const at of [40, 48, 56]) view.setBigUint64(at, time, true);
  return true;
}

/** Writes what may be done with a descriptor; false when it does not fit. @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#fdstat */
export function writeFdstat(
  memory: GuestMemory,
  pointer: number,
  kind: Entry["kind"],
  fdflags: number,
): boolean {
  const bytes = memory.bytes(pointer, fdstatBytes);
  if (bytes === undefined) return false;
  const view = viewOf(bytes.fill(0));
  view.setUint8(0, filetypeOf(kind));
  view.setUint16(2, fdflags, true);
  // What a guest may do is decided at each act, by what was granted.
  view.setBigUint64(8, right.all, true);
  view.setBigUint64(16, right.all, true);
  return true;
}

/** Returns an entry of a listing with its name. @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#dirent */
export function direntOf(place: GuestPath, next: bigint, { name, kind }: Entry): Uint8Array {
  const text = Buffer.from(name);
  const bytes = new Uint8Array(direntBytes + text.length);
  const view = viewOf(bytes);
  const path = place.path === "" ? name : `${place.path}/${name}`;
  view.setBigUint64(0, next, true);
  view.setBigUint64(8, inodeOf({ folder: place.folder, path }), true);
  view.setUint32(16, text.length, true);
  view.setUint8(20, filetypeOf(kind));
  bytes.set(text, direntBytes);
  return bytes;
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}
