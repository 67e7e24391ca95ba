import { isReading, type NetworkGrant } from "#manifests/capabilities/network.ts";
import type { Terms, Via } from "#manifests/capabilities/terms.ts";
import type { Grants } from "#manifests/grants.ts";
import { withMethods } from "../capabilities/network/keys.ts";

/** How a call is made, as far as it narrows what holds in it. */
export interface Manner {
  /** Ids of the plugins through which the call came; empty for a direct one. */
  readonly chain: readonly string[];
  /** Whether the tool that runs is marked `readOnly`. */
  readonly readOnly: boolean;
}

/** Calls that nothing narrows. */
export const plainly: Manner = { chain: [], readOnly: false };

/**
 * Returns the grants that pass a test.
 *
 * @param holds  is asked for each grant, with the name of its capability
 */
export function those(
  grants: Grants,
  holds: (grant: Terms, capability: keyof Grants) => boolean,
): Grants {
  const { network, secrets, files, kv, tools } = grants;
  return {
    network: network.filter((grant) => holds(grant, "network")),
    secrets: secrets.filter((grant) => holds(grant, "secrets")),
    files: files.filter((grant) => holds(grant, "files")),
    kv: kv !== null && holds(kv, "kv") ? kv : null,
    tools: tools.filter((grant) => holds(grant, "tools")),
  };
}

/** Returns each grant with the name of its capability. */
export function eachOf(
  grants: Grants,
): readonly { readonly capability: keyof Grants; readonly grant: Terms }[] {
  const { kv, ...lists } = grants;
  const entries = Object.entries({ ...lists, kv: kv === null ? [] : [kv] });
  return entries.flatMap(([capability, list]: [string, readonly Terms[]]) =>
    list.map((grant) => ({ capability: capability as keyof Grants, grant })),
  );
}

/**
 * Whether a grant holds in calls that came through other plugins.
 *
 * A list must hold every one of them: else a plugin that is not in it would reach the grant by way of
 * one that is.
 */
export function holdsThrough(via: Via, chain: readonly string[]): boolean {
  if (chain.length === 0 || via === "any") return true;
  return via !== "direct" && chain.every((id) => via.some((each) => each === id));
}

/**
 * Returns what holds in a call that is made in a certain manner.
 *
 * A tool that says it only reads is held to it: of the network it has the methods that read, files it
 * may only read, and no secret is handed to it, because such a tool is called without being asked for.
 * Whoever keeps values or calls tools looks at `readOnly` itself.
 *
 * @param share  hears which grant a narrower copy was made of
 */
export function narrowed(
  grants: Grants,
  { chain, readOnly }: Manner,
  share: (grant: Terms, copy: Terms) => void,
): Grants {
  const reached =
    chain.length === 0 ? grants : those(grants, ({ via }) => holdsThrough(via, chain));
  if (!readOnly) return reached;
  const shared = <Grant extends Terms>(grant: Grant, copy: Grant): Grant => {
    share(grant, copy);
    return copy;
  };
  return {
    ...reached,
    network: reached.network.flatMap((grant) => {
      const methods = readingOf(grant);
      return methods.length === 0 ? [] : [shared(grant, withMethods(grant, methods))];
    }),
    secrets: reached.secrets.filter(({ mode }) => mode === "inject"),
    files: reached.files.map((grant) => shared(grant, { ...grant, access: "read" })),
  };
}

/** What is sent over a socket is never only read. */
function readingOf({ scheme, methods }: NetworkGrant): NetworkGrant["methods"] {
  return scheme === "https" || scheme === "http" ? methods.filter(isReading) : [];
}
