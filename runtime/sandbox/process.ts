import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { tame } from "./caps.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a sandboxed process reads: its own sources, the libraries that they name, the kernel. */
const readable = [
  "package.json",
  "manifests/",
  "plugin-sdk/abi.ts",
  "runtime/sandbox/",
  "node_modules/re2js/",
  "build/kernel.wasm",
].map((path) => `--allow-fs-read=${root}${path}${path.endsWith("/") ? "*" : ""}`);

/**
 * Node's own wall around a process: no disk but its sources, no network, no subprocess, no threads, no
 * native code, no code from strings, no debugger by signal.
 *
 * It is a seat belt and no sandbox of its own; SECURITY.md says what it leaves open.
 */
export const walls: readonly string[] = [
  "--permission",
  ...readable,
  "--no-experimental-sqlite",
  "--no-addons",
  "--disallow-code-generation-from-strings",
  "--disable-sigusr1",
  "--no-warnings",
];

/**
 * Starts a program of this folder behind the walls, with three pipes and an empty environment.
 *
 * @param engineFlags of V8, besides the limit of its heap
 */
export function startProcess(
  program: string,
  heapMiB: number,
  engineFlags: readonly string[] = [],
): ChildProcess {
  const flags = [...walls, `--max-old-space-size=${heapMiB}`, ...engineFlags];
  const child = spawn(process.execPath, [...flags, `${root}runtime/sandbox/${program}`], {
    cwd: "/",
    env: {},
    stdio: ["pipe", "pipe", "pipe"],
  });
  if (child.pid !== undefined) tame(child.pid);
  return child;
}
