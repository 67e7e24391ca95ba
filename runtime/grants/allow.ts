import { isReading, type Method, methods } from "#manifests/capabilities/network.ts";
import { hostCovers, pathCovers } from "#manifests/cover.ts";
import type { Uses } from "#manifests/uses.ts";

/** Something that a plugin was denied, as it stands in the audit. */
export interface Denied {
  readonly plugin: string;
  readonly capability: string;
  /** What was named, as the capability wrote it; untrusted. */
  readonly target: string;
}

/** How it was asked, as far as that is known. */
export interface Asked {
  readonly chain: readonly string[];
  readonly readOnly: boolean;
}

/**
 * Returns what an operator does who wants to allow something that was denied: the command to type, or
 * why there is none. It is for the operator alone: whoever calls learns nothing of it.
 *
 * @param uses  what the version that runs asks for
 */
export function allowWords(uses: Uses, denied: Denied, { chain, readOnly }: Asked): string {
  const { plugin, capability, target } = denied;
  const entry = entryFor(uses, capability, target);
  if (entry === undefined) return `its manifest does not ask for it, so that it cannot be granted`;
  if (readOnly && isWriting(capability, target))
    return "the tool is marked readOnly, and is held to that";
  const via = chain.length === 0 ? "" : ` --via ${[...new Set(chain)].join(",")}`;
  const secret = capability === "secrets" ? ` --secret ${entry.slice("secrets.".length)}=NAME` : "";
  return `convergio plugin grants ${plugin} --allow ${entry}${secret}${via}`;
}

/** Returns the entry of a manifest that would cover a target, if any does. */
function entryFor(uses: Uses, capability: string, target: string): string | undefined {
  const [first = ""] = target.split(/[:/ ]/, 1);
  switch (capability) {
    case "network":
      return networkEntry(uses, target);
    case "secrets":
      return uses.secrets.some(({ name }) => name === first) ? `secrets.${first}` : undefined;
    case "files":
      return uses.files.some(({ name }) => name === first) ? `files.${first}` : undefined;
    case "kv":
      return uses.kv === null ? undefined : "kv";
    case "tools":
      return uses.tools.some(({ alias }) => alias === first) ? `tools.${first}` : undefined;
    default:
      return undefined;
  }
}

function networkEntry({ network }: Uses, target: string): string | undefined {
  const url = urlIn(target);
  if (url === undefined) return undefined;
  const method = methodIn(target);
  const at = network.findIndex(
    (ask) =>
      url.protocol === `${ask.scheme}:` &&
      Number(url.port || (/^(?:https|wss):$/.test(url.protocol) ? 443 : 80)) === ask.port &&
      hostCovers(ask.host, url.hostname) &&
      pathCovers(ask.path, url.pathname) &&
      (method === undefined || ask.methods.includes(method)),
  );
  return at < 0 ? undefined : `network[${at}]`;
}

function urlIn(target: string): URL | undefined {
  const text = target.split(" ").find((word) => /^[a-z]+:\/\//.test(word));
  return (text === undefined ? null : URL.parse(text)) ?? undefined;
}

function methodIn(target: string): Method | undefined {
  const [word = ""] = target.split(" ", 1);
  return methods.find((method) => method === word);
}

/** Of files and the network the target does not always say so; then it is no answer. */
function isWriting(capability: string, target: string): boolean {
  const method = methodIn(target);
  if (capability === "network") return method !== undefined && !isReading(method);
  return capability === "kv" || capability === "tools" || capability === "secrets";
}
