/**
 * A wall by name, as health and settings know it.
 *
 * `process` and `node-permission` stand everywhere. `namespaces`: processes, network, files and users
 * of the machine are out of sight. `seccomp`: the kernel answers only what the table names.
 * `no-new-privileges`: no program lends it more than it has. `seatbelt`: the sandbox of macOS.
 */
export const wallNames = [
  "process",
  "node-permission",
  "no-new-privileges",
  "namespaces",
  "seccomp",
  "seatbelt",
] as const;

/** One of `wallNames`. */
export type WallName = (typeof wallNames)[number];

/** A way of starting a sandboxed process. */
export interface Wall {
  /** What does it, in words for the operator. */
  readonly by: string;
  /** What stands when it works, besides the process and Node's own wall. */
  readonly gives: readonly WallName[];
  /** Program and arguments that come before Node; none where nothing stands between. */
  readonly before: readonly string[];
  /** Node, and the project's folder with a slash at its end, as the process sees them. */
  readonly node: string;
  readonly root: string;
  /** Written to descriptor 3 of the program. */
  readonly filter?: Uint8Array;
  /** Whether the program tells the number of the process behind it on descriptor 4. */
  readonly tellsPid: boolean;
}

/** What a sandboxed process reads: its own sources, the libraries that they name, the kernel. */
export const readable = [
  "package.json",
  "manifests/",
  "plugin-sdk/abi.ts",
  "runtime/sandbox/",
  "node_modules/re2js/",
  "build/kernel.wasm",
] as const;

/** Returns no wall but Node's own. */
export function bareWall(root: string): Wall {
  const node = process.execPath;
  return { by: "Node alone", gives: [], before: [], node, root, tellsPid: false };
}
