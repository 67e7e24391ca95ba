import { type BreakOuts, tryBreakOuts } from "../../../break-outs.ts";
import { weakness } from "../../../walls.ts";
import { failed, type Finding, fine, warning } from "./finding.ts";

/** Walls that are tried from inside, in the order in which they are shown. */
const tried = ["node-permission", "namespaces", "seccomp", "seatbelt"] as const;

/** Returns what is found of the walls around runners, each of them tried from inside. */
export async function lookAtWalls(): Promise<readonly Finding[]> {
  return wallFindings(await tryBreakOuts());
}

/** Returns what attempts to break out of the walls say of them. */
export function wallFindings(outs: BreakOuts): readonly Finding[] {
  const findings = tried.flatMap((wall) => (outs.standing.includes(wall) ? [one(wall, outs)] : []));
  const weak = weakness(outs);
  if (weak === undefined) return findings;
  const hint = "Install bubblewrap, or run the host in a container of its own";
  return [...findings, warning("second wall", weak, hint)];
}

function one(wall: string, { outcomes }: BreakOuts): Finding {
  const own = outcomes.filter((outcome) => outcome.wall === wall);
  if (own.length === 0) return warning(`wall ${wall}`, "it was not tried", "Run it again");
  const broken = own.filter(({ held }) => !held);
  if (broken.length === 0)
    return fine(`wall ${wall}`, `held against ${own.length} attempts from inside`);
  const how = broken.map(({ attempt, detail }) => `${attempt} (${detail})`).join(", ");
  const hint = "Do not run plugins that you do not trust; set security.requireWalls";
  return failed(`wall ${wall}`, `broken from inside: ${how}`, hint);
}
