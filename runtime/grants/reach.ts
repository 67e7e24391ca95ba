import { networkWords } from "#manifests/capabilities/network.ts";
import { hostCovers } from "#manifests/cover.ts";
import type { Grants } from "#manifests/grants.ts";
import { nothingGranted } from "#manifests/grants.ts";
import type { PluginId } from "#manifests/names.ts";
import type { Uses } from "#manifests/uses.ts";
import { beyond } from "#manifests/within.ts";
import type { Installed } from "../installed.ts";
import { activeVersion, signerName } from "../views.ts";
import { holdsThrough, narrowed } from "./narrow.ts";
import { boundOf, type ViewParts } from "./view.ts";
import { eachGrant, type Granted, grantWords } from "./words.ts";

/** Longest chain of calls between plugins, and of what is told here. */
const depthMax = 8;
/** Plugins looked at for one answer: a net of edges has more ways than anybody reads. */
const waysMax = 1_000;

/** What may be done in calls that come to a plugin by one way. */
export interface Way {
  /** Ids from the plugin that is called first to the one whose grants these are. */
  readonly chain: readonly PluginId[];
  readonly grants: Grants;
  /** What the plugin at the end asks for. */
  readonly uses: Uses;
}

/** Returns all ways on from a plugin, itself first, with what of each one's grants holds that way. */
export function waysFrom(parts: ViewParts, installed: Installed): readonly Way[] {
  const ways: Way[] = [];
  const walk = (each: Installed, before: readonly PluginId[], readOnly: boolean): void => {
    if (ways.length >= waysMax || before.length > depthMax) return;
    const version = activeVersion(each);
    const held = parts.grants.held(each, version);
    const grants = narrowed(held, { chain: before, readOnly }, () => {});
    const chain = [...before, version.plugin];
    ways.push({ chain, grants, uses: version.manifest.uses });
    for (const { plugin, signer, tools } of grants.tools) {
      const next = parts.shelf.find(plugin);
      if (next === undefined || chain.includes(plugin)) continue;
      const callee = activeVersion(next);
      if (signerName(callee.signer) !== signer) continue;
      const called = callee.manifest.provides.tools.filter(({ name }) => tools.includes(name));
      walk(next, chain, called.length > 0 && called.every((tool) => tool.annotations.readOnly));
    }
  };
  walk(installed, [], false);
  return ways;
}

/** Returns what a way opens, one line a grant: `POST https://api.github.com/… with GITHUB_TOKEN`. */
export function wayWords({ grants, uses }: Way): readonly (Granted & { readonly words: string })[] {
  return eachGrant(grants).map((each) => {
    const { capability, grant } = each;
    if (capability !== "network") return { ...each, words: grantWords(each) };
    const secrets = uses.secrets.filter(
      ({ name, hosts }) =>
        hosts.some((host) => hostCovers(grant.host, host) || hostCovers(host, grant.host)) &&
        grants.secrets.some((secret) => secret.name === name && secret.mode === "inject"),
    );
    const names = secrets.map(({ name }) => name).join(", ");
    return { ...each, words: `${networkWords(grant)}${names === "" ? "" : ` with ${names}`}` };
  });
}

/**
 * Returns the plugins that could do more than now when a plugin had other grants, because calls lead from
 * them to it.
 */
export function gainersOf(parts: ViewParts, callee: Installed, after: Grants): readonly string[] {
  const { id } = callee.plugin;
  const more = beyond(boundOf(callee)?.grants ?? nothingGranted, after);
  const gainers = parts.shelf.all().filter((installed) => {
    if (installed.plugin.id === id) return false;
    const chains = waysFrom(parts, installed).filter(({ chain }) => chain.at(-1) === id);
    return chains.some(({ chain }) =>
      more.some(({ via }) => holdsThrough(via, chain.slice(0, -1))),
    );
  });
  return gainers.map(({ plugin }) => plugin.id);
}
