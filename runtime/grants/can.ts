import { hostCovers, pathCovers } from "#manifests/cover.ts";
import { activeVersion } from "../views.ts";
import type { ViewParts } from "./view.ts";
import { type Way, waysFrom, wayWords } from "./reach.ts";
import { boundOf } from "./view.ts";
import { type Granted, termsWords } from "./words.ts";

/** One thing that a plugin can do, by itself or through others. */
export interface CanLine {
  /** Ids of the plugins that do it on its behalf, the next one first; empty when it does it itself. */
  readonly through: readonly string[];
  readonly capability: string;
  readonly words: string;
  /** Under which conditions. */
  readonly terms: readonly string[];
}

/** All that a plugin can do now. */
export interface CanView {
  readonly plugin: string;
  readonly version: string;
  readonly digest: string;
  readonly can: readonly CanLine[];
}

/** All plugins that can do one kind of thing now. */
export interface WhoCanView {
  readonly capability: string;
  /** What was asked about; null for anything. */
  readonly target: string | null;
  readonly plugins: readonly (CanLine & { readonly plugin: string })[];
}

/** Lines of one answer: beyond it nobody reads. */
const linesMax = 1_000;

/** Returns what a plugin can do now, through the tools of others too. @throws PLUGIN_NOT_FOUND */
export function can(parts: ViewParts, id: string): CanView {
  const installed = parts.shelf.get(id);
  const { plugin, version, digest } = activeVersion(installed);
  const lines = waysFrom(parts, installed).flatMap((way) =>
    linesOf(parts, way).map(({ line }) => line),
  );
  return { plugin, version, digest, can: lines.slice(0, linesMax) };
}

/**
 * Returns which plugins can do something now.
 *
 * @param capability  `network`, `secrets`, `files`, `kv`, `tools`; untrusted
 * @param target      a host, a URL, the name of a secret, a folder or a plugin; null for anything;
 *                    untrusted
 */
export function whoCan(parts: ViewParts, capability: string, target: string | null): WhoCanView {
  const plugins = parts.shelf.all().flatMap((installed) =>
    waysFrom(parts, installed).flatMap((way) =>
      linesOf(parts, way)
        .filter(({ each }) => each.capability === capability && isAbout(each, target))
        .map(({ line }) => ({ plugin: installed.plugin.id as string, ...line })),
    ),
  );
  return { capability, target, plugins: plugins.slice(0, linesMax) };
}

function linesOf(
  { shelf, grants: book }: ViewParts,
  way: Way,
): readonly { readonly each: Granted; readonly line: CanLine }[] {
  const [, ...through] = way.chain;
  const owner = shelf.find(way.chain.at(-1) ?? "");
  const bound = owner && boundOf(owner);
  return wayWords(way).map(({ words, ...each }) => {
    const used = bound ? book.uses.used(each.capability, each.grant, bound) : 0;
    const terms = termsWords(each.grant, used);
    return { each, line: { through, capability: each.capability, words, terms } };
  });
}

function isAbout(each: Granted, target: string | null): boolean {
  if (target === null) return true;
  switch (each.capability) {
    case "network":
      return isAboutPlace(each.grant, target);
    case "secrets":
      return each.grant.name === target || each.grant.secret === target;
    case "files":
      return each.grant.name === target || isInFolder(each.grant.folder, target);
    case "kv":
      return false;
    case "tools":
      return each.grant.plugin === target || each.grant.alias === target;
  }
}

function isAboutPlace(
  grant: Extract<Granted, { capability: "network" }>["grant"],
  target: string,
): boolean {
  const isUrl = /^[a-z]+:\/\//.test(target);
  const url = isUrl ? URL.parse(target) : null;
  if (isUrl && url === null) return false;
  const host = (url?.hostname ?? target.replace(/:\d+$/, "")).toLowerCase().replace(/\.$/, "");
  const isHost = hostCovers(grant.host, host) || hostCovers(host, grant.host);
  if (url === null) return isHost;
  const port = Number(url.port || (/^(?:https|wss):$/.test(url.protocol) ? 443 : 80));
  const isOpen = url.protocol === `${grant.scheme}:` && port === grant.port;
  return isHost && isOpen && pathCovers(grant.path, url.pathname);
}

/** A folder is about all that lies in it, and about those that it lies in. */
function isInFolder(folder: string | null, target: string): boolean {
  if (folder === null) return false;
  const [one, other] = [folder, target].map((path) => `${path.replace(/\/+$/, "")}/`) as [
    string,
    string,
  ];
  return one.startsWith(other) || other.startsWith(one);
}
