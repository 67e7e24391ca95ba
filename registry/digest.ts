import { hash } from "node:crypto";
import type { Digest } from "#manifests/names.ts";

/** Below this size hashing takes less than handing the bytes to another thread. */
const inlineBytesMax = 65_536;

/** Returns the digest of bytes; large ones are hashed beside the event loop. */
export async function digestOf(bytes: Uint8Array): Promise<Digest> {
  if (bytes.byteLength <= inlineBytesMax) return `sha256:${hash("sha256", bytes, "hex")}` as Digest;
  const sum = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return `sha256:${Buffer.from(sum).toString("hex")}` as Digest;
}
