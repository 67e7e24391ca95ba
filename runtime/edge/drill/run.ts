import type { Config } from "#manifests/config.ts";
import { HostError } from "#manifests/errors.ts";
import { capabilityDrills } from "./capabilities.ts";
import { broken, type Drill, type Outcome } from "./drill.ts";
import { doorDrills } from "./door.ts";
import { engineDrills } from "./engine.ts";
import { fileDrills } from "./files.ts";
import { type Ground, openGround } from "./ground.ts";
import { networkDrills } from "./network.ts";
import { packageDrills } from "./packages.ts";
import { runnerDrills } from "./runner.ts";
import { secretDrills } from "./secrets.ts";

/** How one drill went. */
export interface Drilled extends Outcome {
  readonly name: string;
  readonly rule: string;
  readonly tookMs: number;
}

/** Every drill, in the order in which they are held. */
export const drills: readonly Drill[] = [
  ...engineDrills,
  ...capabilityDrills,
  ...networkDrills,
  ...secretDrills,
  ...fileDrills,
  ...packageDrills,
  ...doorDrills,
  ...runnerDrills,
];

/**
 * Holds every drill, one after the other, in a home that is gone afterwards.
 *
 * @param config  the operator's own
 * @param onDrill hears the name of each as it begins, and how many were held before it
 */
export async function holdDrills(
  config: Config,
  onDrill: (name: string, before: number) => void = () => {},
  all: readonly Drill[] = drills,
): Promise<readonly Drilled[]> {
  await using ground = await openGround(config);
  const results: Drilled[] = [];
  for (const drill of all) {
    const { name, rule } = drill;
    onDrill(name, results.length);
    const startedAt = performance.now();
    const outcome = await runOne(drill, ground);
    results.push({ name, rule, ...outcome, tookMs: Math.round(performance.now() - startedAt) });
  }
  return results;
}

async function runOne(drill: Drill, ground: Ground): Promise<Outcome> {
  try {
    return await drill.run(ground);
  } catch (error) {
    const code = error instanceof HostError ? `${error.code}: ` : "";
    // It may have stopped the attack or the drill: nobody knows, so it does not count as held.
    return broken(`no proof, ${code}${error instanceof Error ? error.message : String(error)}`);
  }
}
