import type { SandboxedProcess } from "../process.ts";
import { linuxWalls } from "./linux.ts";
import { macosWalls } from "./macos.ts";
import { bareWall, type Wall, type WallName } from "./wall.ts";

/**
 * How long a process may take to come up behind a wall, in milliseconds. A busy machine needs a second;
 * it is far more, because a wall that is late is taken for one that does not stand.
 */
const trialMs = 30_000;
/** What is kept of the words that a wall fails with, in characters. */
const complaintMax = 300;

/** What it exits with when it came up: a number that nothing else ends with. */
const trialExit = 73;

/** What the process does to show that it lives there: what every runner needs of its kernel. */
const trial = `
const memory = new WebAssembly.Memory({ initial: 1, maximum: 16 });
memory.grow(1);
setTimeout(() => process.exit(${trialExit}), 1);
`;

/** A wall that was tried, and what became of it. */
export interface Trial {
  readonly by: string;
  readonly gives: readonly WallName[];
  /** Why it does not stand, in the words of who failed; untrusted. Undefined when it stands. */
  readonly problem: string | undefined;
}

/** The walls that stand around the sandboxed processes of a host. */
export interface Raised {
  readonly wall: Wall;
  /** Those that were not needed because it stands. */
  readonly weaker: readonly Wall[];
  /** Everything that stands, Node's own included. */
  readonly standing: readonly WallName[];
  /** Every wall that was tried, strongest first; the last one is the one that stands. */
  readonly trials: readonly Trial[];
}

/** Starts Node behind a wall. */
export type StartNode = (wall: Wall, nodeArguments: readonly string[]) => SandboxedProcess;

/** Returns the walls that this system may have, strongest first; whether they stand is to be tried. */
export function wallsOf(root: string): readonly Wall[] {
  if (process.platform === "linux") return linuxWalls(root);
  return process.platform === "darwin" ? macosWalls(root) : [];
}

/**
 * Tries each wall once, strongest first, and returns the first that stands.
 *
 * @param candidates  see `wallsOf`
 */
export async function raiseWall(
  candidates: readonly Wall[],
  root: string,
  start: StartNode,
): Promise<Raised> {
  const trials: Trial[] = [];
  for (const [index, wall] of [...candidates, bareWall(root)].entries()) {
    const { by, gives } = wall;
    const isBare = wall.before.length === 0;
    const problem = isBare ? undefined : await problemOf(wall, start);
    trials.push({ by, gives, problem });
    if (problem === undefined)
      return {
        ...{ wall, weaker: candidates.slice(index + 1), trials },
        standing: ["process", "node-permission", ...gives],
      };
  }
  throw new TypeError("a process without any wall always stands");
}

/** Why nothing comes up behind a wall, or undefined when it does. */
async function problemOf(wall: Wall, start: StartNode): Promise<string | undefined> {
  const child = start(wall, ["--disable-sigusr1", "--no-warnings", "-e", trial]);
  const said = { words: "" };
  child.stderr?.on("data", (chunk: Buffer) => {
    said.words = (said.words + chunk.toString()).slice(0, complaintMax);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), trialMs);
  try {
    const how = await new Promise<string>((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => resolve(`it ended with ${signal ?? code}`));
    });
    if (how === `it ended with ${trialExit}`) return undefined;
    return said.words.trim() === "" ? how : `${how}: ${said.words.trim()}`;
  } finally {
    clearTimeout(timer);
  }
}
