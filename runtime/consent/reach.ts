import { type NetworkGrant, networkWords } from "#manifests/capabilities/network.ts";
import type { ToolsGrant } from "#manifests/capabilities/tools.ts";
import { hostCovers } from "#manifests/cover.ts";
import type { Grants } from "#manifests/grants.ts";
import type { PluginId } from "#manifests/names.ts";
import type { Uses } from "#manifests/uses.ts";
import { holdsThrough, those } from "../grants/narrow.ts";

/** Plugins that one leads to by way of others; calls go no deeper than people can follow. */
const depthMax = 4;
/** Lines that a person reads about one thing. */
const linesMax = 24;

/** What is known of an installed plugin here. */
export interface Neighbor {
  readonly uses: Uses;
  readonly signer: string;
  readonly grants: Grants;
}

/** What a plugin gets at by calling another. */
export interface Reached {
  readonly plugin: PluginId;
  /** What of its grants holds when it is called this way. */
  readonly grants: Grants;
  readonly uses: Uses;
}

/**
 * Returns the plugins that calls of some tools lead to, with what holds of their grants on that way.
 *
 * @param find   what is installed under an id
 * @param chain  ids of the plugins that the calls come through, outermost first
 */
export function reachedBy(
  find: (id: string) => Neighbor | undefined,
  edges: readonly ToolsGrant[],
  chain: readonly PluginId[],
): readonly Reached[] {
  if (chain.length > depthMax) return [];
  const found = edges.flatMap(({ plugin, signer }): Reached[] => {
    const neighbor = find(plugin);
    if (neighbor === undefined || neighbor.signer !== signer || chain.includes(plugin)) return [];
    const grants = those(neighbor.grants, ({ via }) => holdsThrough(via, chain));
    const own: Reached = { plugin, grants, uses: neighbor.uses };
    return [own, ...reachedBy(find, grants.tools, [...chain, plugin])];
  });
  // By several ways one is reached with the most that any of them gives; each is a line.
  return found.slice(0, linesMax);
}

/** Returns in words what is reached: `through github-issues: POST https://… with GITHUB_TOKEN`. */
export function reachWords(reached: readonly Reached[]): readonly string[] {
  const lines = reached.flatMap(({ plugin, grants, uses }) => {
    const { network, files, kv } = grants;
    const kept = [
      ...files.map(({ name }) => `files "${name}"`),
      ...(kv ? ["values it keeps"] : []),
    ];
    const sent = network.map(
      (grant) => `${networkWords(grant)}${withSecrets(grant, grants, uses)}`,
    );
    return [...sent, ...kept].map((words) => `through ${plugin}: ${words}`);
  });
  const shown = [...new Set(lines)];
  const rest = shown.length - linesMax;
  return rest > 0 ? [...shown.slice(0, linesMax), `and ${rest} more`] : shown;
}

function withSecrets({ host }: NetworkGrant, { secrets }: Grants, uses: Uses): string {
  const names = uses.secrets
    .filter(({ name, hosts }) => {
      const isThere = hosts.some((each) => hostCovers(host, each) || hostCovers(each, host));
      return isThere && secrets.some((grant) => grant.name === name && grant.mode === "inject");
    })
    .map(({ name }) => name);
  return names.length === 0 ? "" : ` with ${names.join(", ")}`;
}
