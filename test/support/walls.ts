import { projectRoot, startNode } from "#runtime/sandbox/process.ts";
import { raiseWall, type Raised, wallsOf } from "#runtime/sandbox/walls/raise.ts";
import type { WallName } from "#runtime/sandbox/walls/wall.ts";

/** Raises the walls that this machine has, as a host does. */
export function raiseHere(): Promise<Raised> {
  return raiseWall(wallsOf(projectRoot), projectRoot, startNode);
}

/**
 * Returns false where a wall stands, else the reason for which a test that needs it is skipped; it is
 * printed too, so that nobody takes a test that did not run for one that passed.
 */
export function unlessStands({ standing, trials }: Raised, name: WallName): string | false {
  if (standing.includes(name)) return false;
  const why = trials.flatMap(({ by, problem }) => (problem ? [`${by}: ${problem}`] : []));
  const reason = `NOT TESTED, no ${name} here (${why.join("; ") || "nothing offers it"})`;
  process.stderr.write(`${reason}\n`);
  return reason;
}
