import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { HostError } from "#manifests/errors.ts";

/** Bytes of a path that every system takes for a socket: macOS has 104 with the final zero. */
const socketPathBytesMax = 103;

/**
 * Makes a server listen on a socket that only its owner can open.
 *
 * A file left behind by a host that was killed is removed; a socket that answers is not.
 *
 * @throws SOCKET_TAKEN, BIND_FAILED
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > socketPathBytesMax)
    throw failed(`its path has more than ${socketPathBytesMax} bytes`);
  if (isThere(path)) await removeStale(path);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", (cause: NodeJS.ErrnoException) => reject(failed(`${cause.code}`, cause)));
  // The mode must be right from the first moment: a connection made before a chmod would stay.
  const mask = process.umask(0o177);
  try {
    server.listen({ path }, resolve);
  } finally {
    process.umask(mask);
  }
  await promise;
  chmodSync(path, 0o600);
}

function isThere(path: string): boolean {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return false;
  if (facts.isSocket()) return true;
  throw failed("another file is in its place");
}

async function removeStale(path: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect(path);
  probe.once("connect", () => resolve(true)).once("error", () => resolve(false));
  const isLive = await promise;
  probe.destroy();
  if (isLive) throw new HostError("SOCKET_TAKEN", {});
  unlinkSync(path);
}

function failed(reason: string, cause?: unknown): HostError {
  return new HostError("BIND_FAILED", { address: "the home's socket", reason }, { cause });
}
