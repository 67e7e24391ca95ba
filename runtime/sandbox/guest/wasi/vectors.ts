import { type Errno, errno } from "./errno.ts";
import type { GuestMemory } from "./memory.ts";

/** As many vectors as other hosts take (IOV_MAX). */
export const vectorsMax = 1024;

/** What looking at one vector costs, in bytes moved. */
export const vectorBytes = 128;

/** Checks that a list of vectors (untrusted) and all they point to are in the guest's memory. */
export function checkVectors(memory: GuestMemory, vectors: number, count: number): Errno {
  if (count >>> 0 > vectorsMax) return errno.inval;
  if (!memory.has(vectors, count * 8)) return errno.fault;
  for (let at = vectors >>> 0; at < (vectors >>> 0) + count * 8; at += 8)
    if (!memory.has(memory.u32(at), memory.u32(at + 4))) return errno.fault;
  return errno.success;
}

/** Returns a copy of what checked vectors point to, at most so many bytes of it. */
export function gather(
  memory: GuestMemory,
  vectors: number,
  count: number,
  bytesMax: number,
): Uint8Array {
  const pieces: Uint8Array[] = [];
  let room = bytesMax;
  for (let at = vectors >>> 0; at < (vectors >>> 0) + count * 8 && room > 0; at += 8) {
    const piece = memory.bytes(memory.u32(at), Math.min(memory.u32(at + 4), room));
    if (piece !== undefined) pieces.push(piece);
    room -= piece?.length ?? 0;
  }
  return Buffer.concat(pieces);
}

/** Returns how many bytes checked vectors hold. */
export function roomOf(memory: GuestMemory, vectors: number, count: number): number {
  let room = 0;
  for (let at = vectors >>> 0; at < (vectors >>> 0) + count * 8; at += 8)
    room += memory.u32(at + 4);
  return room;
}

/**
 * Copies bytes to where checked vectors point, one after the other.
 *
 * A guest can point a vector into the list of vectors: each is looked at, and checked, when it is its turn.
 */
export function scatter(
  memory: GuestMemory,
  vectors: number,
  count: number,
  bytes: Uint8Array,
): number {
  let done = 0;
  for (let at = vectors >>> 0; at < (vectors >>> 0) + count * 8 && done < bytes.length; at += 8) {
    const length = Math.min(memory.u32(at + 4), bytes.length - done);
    const place = memory.bytes(memory.u32(at), length);
    if (place === undefined) break;
    place.set(bytes.subarray(done, done + length));
    done += length;
  }
  return done;
}
