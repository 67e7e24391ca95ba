import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import type { Grants } from "#manifests/grants.ts";
import type { Bodies } from "./bodies.ts";
import type { SendParts } from "./send.ts";
import type { Target } from "./target.ts";

/** What the functions of the network share. */
export interface NetworkParts extends SendParts {
  readonly bodies: Bodies;
}

/** Returns what finds the grant that covers a target; a door of the host itself is covered by none. */
export function covering({ rules, doors }: Pick<SendParts, "rules" | "doors">) {
  return (grants: Grants, target: Target): NetworkGrant | undefined => {
    const { address, port } = target;
    if (address !== undefined && doors.has(address, port)) return undefined;
    return rules.find(grants, target);
  };
}
