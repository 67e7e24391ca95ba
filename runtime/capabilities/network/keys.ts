import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import type { Asker } from "../capability.ts";

/** Returns what one grant is told from another by: all that it says of where, without what it costs. */
export function grantKey({ scheme, host, port, methods, path, addresses }: NetworkGrant): string {
  const words = [scheme, host, String(port), path, methods.join(","), addresses.join(",")];
  return words.join(" ");
}

/** Under this a narrower copy of a grant holds the grant that it was made of. */
const whole = Symbol("whole");

/** Returns a copy of a grant with fewer methods, which spends from the budgets of that grant. */
export function withMethods(grant: NetworkGrant, methods: NetworkGrant["methods"]): NetworkGrant {
  return Object.defineProperty({ ...grant, methods }, whole, { value: grant });
}

/** Returns what the budgets of a grant are told from others by; a narrower copy has none of its own. */
export function budgetKey(grant: NetworkGrant): string {
  return grantKey((grant as { readonly [whole]?: NetworkGrant })[whole] ?? grant);
}

/** Returns whose connections and budgets they are: the owner's where a grant keeps owners apart. */
export function ownerOf({ owner }: Asker, { per }: Pick<NetworkGrant, "per">): string {
  return per === "caller" ? owner : "";
}
