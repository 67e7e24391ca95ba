import { type ChildProcess, spawn } from "node:child_process";
import { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { tame } from "./caps.ts";
import { bareWall, readable, type Wall } from "./walls/wall.ts";

/** Folder of the project, with a slash at its end. */
export const projectRoot = fileURLToPath(new URL("../../", import.meta.url));

/** What `--info-fd` tells is shorter. @see https://manpages.debian.org/bwrap */
const toldBytesMax = 4_096;

/** A process behind a wall: what was started may be the wall, with the process as its child. */
export interface SandboxedProcess extends ChildProcess {
  /** Number of the process itself, when it is another than that of what was started. */
  readonly innerPid?: number | undefined;
}

/**
 * Node's own wall around a process: no disk but its sources, no network, no subprocess, no threads, no
 * native code, no code from strings, no debugger by signal.
 *
 * It is a seat belt and no sandbox of its own; SECURITY.md says what it leaves open.
 *
 * @param root  folder of the project as the process sees it, with a slash at its end
 */
export function nodeWall(root: string): readonly string[] {
  return [
    "--permission",
    ...readable.map((path) => `--allow-fs-read=${root}${path}${path.endsWith("/") ? "*" : ""}`),
    "--no-experimental-sqlite",
    "--no-experimental-ffi",
    "--no-addons",
    "--disallow-code-generation-from-strings",
    "--disable-sigusr1",
    "--no-warnings",
  ];
}

/** How a sandboxed process is started. */
export interface StartOptions {
  /** Node's own wall alone when left out. */
  readonly wall?: Wall;
  /** Flags of V8, besides the limit of its heap. */
  readonly engineFlags?: readonly string[];
}

/** Starts a program of this folder behind the walls, with three pipes and an empty environment. */
export function startProcess(
  program: string,
  heapMiB: number,
  { wall = bareWall(projectRoot), engineFlags = [] }: StartOptions = {},
): SandboxedProcess {
  const flags = [...nodeWall(wall.root), `--max-old-space-size=${heapMiB}`, ...engineFlags];
  return startNode(wall, [...flags, `${wall.root}runtime/sandbox/${program}`]);
}

/** Starts Node behind a wall, with arguments that are all it is told. */
export function startNode(wall: Wall, nodeArguments: readonly string[]): SandboxedProcess {
  const [program = wall.node, ...before] = wall.before;
  const own = wall.before.length === 0 ? nodeArguments : [...before, wall.node, ...nodeArguments];
  const pipes = ["pipe", "pipe", "pipe"] as const;
  const more = [wall.filter ? "pipe" : "ignore", wall.tellsPid ? "pipe" : "ignore"] as const;
  const stdio = wall.before.length === 0 ? [...pipes] : [...pipes, ...more];
  // In a group of its own: Ctrl-C is the host's to hear, and the group can be ended as one.
  const child = spawn(program, own, { cwd: "/", env: {}, stdio, detached: true });
  if (child.pid !== undefined) tame(child.pid);
  const started: Started = Object.assign(child, { innerPid: undefined });
  endTogether(started);
  const [, , , filterPipe, toldPipe] = child.stdio;
  if (filterPipe instanceof Writable) give(filterPipe, wall.filter);
  if (toldPipe instanceof Readable) hearInnerPid(started, toldPipe);
  return started as SandboxedProcess;
}

type Started = ChildProcess & { innerPid: number | undefined };

/**
 * Makes `kill` reach the process behind the wall and the wall: while a wall is being raised, its part
 * inside waits for the one outside, and nothing ends it when that is gone.
 */
function endTogether(child: Started): void {
  const killAlone = child.kill.bind(child);
  child.kill = (signal) => {
    const { pid, innerPid, exitCode, signalCode } = child;
    // Once it has ended, its numbers are anybody's.
    if (pid === undefined || exitCode !== null || signalCode !== null) return killAlone(signal);
    for (const target of innerPid === undefined ? [-pid] : [innerPid, -pid]) {
      try {
        process.kill(target, signal);
      } catch {
        // It has just ended by itself.
      }
    }
    return killAlone(signal);
  };
}

function give(pipe: Writable, bytes: Uint8Array | undefined): void {
  // It may end before it has read: how it ends says so.
  pipe.on("error", () => {});
  pipe.end(bytes);
}

/** Reads which process the wall has started. Only the wall holds the other end, and closes it first. */
function hearInnerPid(child: Started, pipe: Readable): void {
  let text = "";
  pipe.on("error", () => {});
  pipe.on("data", (chunk: Buffer) => {
    text = (text + chunk.toString("latin1")).slice(0, toldBytesMax);
    const pid = /"child-pid": *(\d+)\D/.exec(text)?.[1];
    if (pid === undefined || child.innerPid !== undefined) return;
    child.innerPid = Number(pid);
    tame(child.innerPid);
  });
}
