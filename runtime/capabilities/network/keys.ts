import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import type { Asker } from "../capability.ts";

/** Returns what one grant is told from another by: all that it says of where, without what it costs. */
export function grantKey({ scheme, host, port, methods, path, addresses }: NetworkGrant): string {
  const words = [scheme, host, String(port), path, methods.join(","), addresses.join(",")];
  return words.join(" ");
}

/** Returns whose connections and budgets they are: the owner's where a grant keeps owners apart. */
export function ownerOf({ owner }: Asker, { per }: Pick<NetworkGrant, "per">): string {
  return per === "caller" ? owner : "";
}
