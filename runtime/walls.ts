import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import type { ApartOptions } from "./sandbox/preparer.ts";
import { startPreparer } from "./sandbox/preparer.ts";
import { projectRoot, type SandboxedProcess, startNode, startProcess } from "./sandbox/process.ts";
import { raiseWall, type Trial, wallsOf } from "./sandbox/walls/raise.ts";

/** The walls of a host, and what starts processes behind them. */
export interface Walls {
  /** Names of those that stand. */
  readonly standing: readonly string[];
  /** Every wall that was tried, strongest first; the last one stands. */
  readonly trials: readonly Trial[];
  readonly startRunner: (heapMiB: number) => SandboxedProcess;
  readonly startPreparer: NonNullable<ApartOptions["start"]>;
}

/**
 * Raises the strongest walls that this system offers, each tried once.
 *
 * @param required  names of walls without which the host is not to start
 * @throws WALLS_MISSING
 */
export async function raiseWalls(required: readonly string[]): Promise<Walls> {
  const { wall, standing, trials } = await raiseWall(wallsOf(projectRoot), projectRoot, startNode);
  const missing = required.filter((name) => !standing.some((stands) => stands === name));
  if (missing.length > 0)
    throw new HostError("WALLS_MISSING", { walls: missing.join(", "), reason: reasonOf(trials) });
  return {
    standing,
    trials,
    startRunner: (heapMiB) => startProcess("runner-main.ts", heapMiB, { wall }),
    startPreparer: () => startPreparer(wall),
  };
}

/** Why there is no stronger wall, in one line; holds words of the system. */
function reasonOf(trials: readonly Trial[]): string {
  const failed = trials.flatMap(({ by, problem }) =>
    problem === undefined ? [] : [`${by}: ${quote(problem, 200)}`],
  );
  return failed.length === 0 ? "nothing here offers more" : failed.join("; ");
}

/** Returns what an operator should know of walls that do not stand, or undefined when the best do. */
export function weakness({
  standing,
  trials,
}: Pick<Walls, "standing" | "trials">): string | undefined {
  if (standing.includes("seccomp") || standing.includes("seatbelt")) return undefined;
  const what = standing.includes("namespaces")
    ? "runners have no filter of system calls"
    : "runners are held by Node's permission model alone, which is no wall against an escaped guest";
  return `${what} (${reasonOf(trials)})`;
}
