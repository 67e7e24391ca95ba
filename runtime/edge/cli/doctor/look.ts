import type { World } from "../world.ts";
import type { Finding } from "./finding.ts";
import { lookAtHome } from "./home.ts";
import { lookAtHost } from "./host.ts";
import { lookAtMachine } from "./machine.ts";
import { lookAtWalls } from "./walls.ts";

/** Returns what is found; of a remote host only what it says of itself. */
export async function look(world: World): Promise<readonly Finding[]> {
  const { environment, options } = world;
  if (options().url !== undefined) return lookAtHost(world.openDoor);
  return [
    ...(await lookAtMachine(world.now())),
    ...(await lookAtWalls()),
    ...(await lookAtHome({ home: world.home(), environment })),
    ...(await lookAtHost(world.openDoor)),
  ];
}
