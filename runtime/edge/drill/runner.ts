import { tryBreakOuts } from "../../break-outs.ts";
import { weakness } from "../../walls.ts";
import { broken, type Drill, held, type Outcome, skipped } from "./drill.ts";

/** Code in a runner that is no guest any more, against the walls of this machine, each apart. */
async function breakOut(): Promise<Outcome> {
  const outs = await tryBreakOuts();
  const through = outs.outcomes.filter((outcome) => !outcome.held);
  if (through.length > 0)
    return broken(through.map(({ wall, attempt }) => `${wall}: ${attempt}`).join(", "));
  const weak = weakness(outs);
  const count = `${outs.outcomes.length} attempts from inside a runner failed`;
  const isWalled = outs.standing.includes("namespaces") || outs.standing.includes("seatbelt");
  // What Node alone holds is no proof for code that broke out of Node's engine.
  if (!isWalled) return skipped(`${count}; ${weak}`);
  return held(weak === undefined ? count : `${count}; ${weak}`);
}

/** Attacks by arbitrary code in a runner. */
export const runnerDrills: readonly Drill[] = [
  {
    name: "escape from a runner",
    rule: "Code that broke out of the engine still has the walls of the system around it",
    run: breakOut,
  },
];
