import type { Terms } from "#manifests/capabilities/terms.ts";
import type { BoundGrants, Grants } from "#manifests/grants.ts";
import { predecessorOf } from "#manifests/within.ts";

/**
 * Returns grants with what is left of those that they replace: a number of uses is counted from when a
 * grant is given, and an update gives it anew. What is spent is left out.
 *
 * @param usedOf  how often one of the grants of before was used until now
 */
export function settled(
  grants: Grants,
  before: BoundGrants | null,
  usedOf: (capability: string, grant: Terms, given: BoundGrants) => number,
): Grants {
  if (before === null) return grants;
  const left = <Grant extends Terms>(capability: keyof Grants, grant: Grant): Grant[] => {
    const old = predecessorOf(before.grants, capability, grant);
    if (grant.uses === null || !old || old.uses === null) return [grant];
    const uses = Math.min(grant.uses, old.uses - usedOf(capability, old, before));
    return uses > 0 ? [{ ...grant, uses }] : [];
  };
  const { network, secrets, files, kv, tools } = grants;
  return {
    network: network.flatMap((grant) => left("network", grant)),
    secrets: secrets.flatMap((grant) => left("secrets", grant)),
    files: files.flatMap((grant) => left("files", grant)),
    kv: kv === null ? null : (left("kv", kv)[0] ?? null),
    tools: tools.flatMap((grant) => left("tools", grant)),
  };
}
