import { isOwnHost } from "./capabilities/host-words.ts";
import type { Method, NetworkAsk, NetworkGrant } from "./capabilities/network.ts";

/** Where requests go: what asks and grants of the network have in common. */
type Place = Pick<NetworkAsk, "scheme" | "host" | "port" | "path" | "methods">;

/**
 * Returns whether one host pattern names all that another names: `*` what is on the internet,
 * `*.a.example` what ends in `.a.example`, and every pattern itself.
 *
 * To name a host of an own network means more than any pattern does, so that none covers it.
 */
export function hostCovers(wide: string, narrow: string): boolean {
  if (wide === narrow) return true;
  if (isOwnHost(narrow)) return false;
  if (wide === "*") return true;
  return wide.startsWith("*.") && narrow.endsWith(wide.slice(1)) && narrow.length > wide.length - 1;
}

/** Returns whether all paths under one prefix lie under another, at the border of a segment. */
export function pathCovers(wide: string, narrow: string): boolean {
  if (wide === narrow || wide === "/") return true;
  return narrow.startsWith(wide.endsWith("/") ? wide : `${wide}/`);
}

/** Returns whether one place holds another; its methods are not looked at. */
export function placeCovers(wide: Place, narrow: Place): boolean {
  return (
    wide.scheme === narrow.scheme &&
    wide.port === narrow.port &&
    hostCovers(wide.host, narrow.host) &&
    pathCovers(wide.path, narrow.path)
  );
}

/** Returns those methods of a place that none of some others covers. */
export function methodsBeyond(place: Place, others: readonly Place[]): readonly Method[] {
  const covering = others.filter((other) => placeCovers(other, place));
  return place.methods.filter(
    (method) => !covering.some((other) => other.methods.includes(method)),
  );
}

/** Returns what a grant and an ask have in common, in the terms of the grant; undefined for nothing. */
export function narrowedTo(grant: NetworkGrant, ask: Place): NetworkGrant | undefined {
  const methods = grant.methods.filter((method) => ask.methods.includes(method));
  const host = narrower(hostCovers, grant.host, ask.host);
  const path = narrower(pathCovers, grant.path, ask.path);
  if (grant.scheme !== ask.scheme || grant.port !== ask.port) return undefined;
  if (methods.length === 0 || host === undefined || path === undefined) return undefined;
  return { ...grant, methods, host, path };
}

function narrower(
  covers: (wide: string, narrow: string) => boolean,
  one: string,
  other: string,
): string | undefined {
  if (covers(one, other)) return other;
  return covers(other, one) ? one : undefined;
}
