import { Resolver } from "node:dns/promises";
import { HostError } from "#manifests/errors.ts";
import { parseAddress } from "./addresses.ts";

/** Returns the addresses of a name, at least one. @throws NETWORK_FAILED */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Addresses of one name that are looked at; a name with more is served as well by these. */
const addressesMax = 16;
/** A name server that has not answered in this time is asked once more. */
const serverMs = 2_500;

/**
 * Returns what looks names up: first in the machine's own list, then by DNS, for both versions.
 *
 * Not by the system's own function: it holds one of the few threads that files and compression need
 * for as long as a name server likes to wait, and whoever owns a name decides that.
 *
 * @param hosts  addresses of the names that the machine itself knows
 */
export function createResolve(hosts: (name: string) => Promise<readonly string[]>): Resolve {
  return async (name, signal) => {
    const own = await hosts(name);
    const found = own.length > 0 ? own : await ask(name, signal);
    if (found.length > 0) return found.slice(0, addressesMax);
    throw new HostError("NETWORK_FAILED", { host: name, reason: "its name has no address" });
  };
}

async function ask(name: string, signal: AbortSignal): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: serverMs, tries: 2 });
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel);
  try {
    const both = [resolver.resolve4(name), resolver.resolve6(name)];
    const answers = await Promise.allSettled(both);
    return answers.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/**
 * Returns the addresses that a host of a URL has.
 *
 * An address is its own; `localhost` is this machine, whatever a name server says.
 *
 * @throws NETWORK_FAILED
 */
export async function addressesOf(
  host: string,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (host.startsWith("[")) return [host.slice(1, -1)];
  if (parseAddress(host) !== undefined) return [host];
  // @see https://www.rfc-editor.org/rfc/rfc6761#section-6.3
  if (host === "localhost" || host.endsWith(".localhost")) return ["127.0.0.1", "::1"];
  return resolve(host, signal);
}
