import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";

/** Names that mean this machine wherever a browser resolves them. */
const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];
/** The port that a URL of the scheme leaves out. */
const schemePort = { http: 80, https: 443 } as const;

/** Where the server is reached, for the names that requests may address. */
export interface Reach {
  readonly scheme: "http" | "https";
  readonly port: number;
  readonly allowedHosts: readonly string[];
}

/**
 * Returns every text that the header `host` may hold: loopback with our port, and what is allowed.
 *
 * A page of another site that made its own name resolve to this machine sends that name, and is
 * refused by this table.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.2
 */
export function hostNames({ scheme, port, allowedHosts }: Reach): ReadonlySet<string> {
  const local = loopbackNames.flatMap((name) => withPort(name, port, schemePort[scheme]));
  const own = allowedHosts.map((name) => name.toLowerCase());
  // An allowed name without a port is good for our port, and for none: a proxy may hide the port.
  const bare = own.filter((name) => !/:\d+$/.test(name)).map((name) => `${name}:${port}`);
  return new Set([...local, ...own, ...bare]);
}

/**
 * Returns the header `host` when it names this host.
 *
 * @param header  untrusted
 * @throws HOST_REFUSED
 */
export function checkHostHeader(header: string | undefined, names: ReadonlySet<string>): string {
  if (header !== undefined && (names.has(header) || names.has(header.toLowerCase()))) return header;
  throw new HostError("HOST_REFUSED", { found: header === undefined ? "nobody" : quote(header) });
}

/**
 * Returns the header `origin` when it is absent, as with programs, or one that is allowed.
 *
 * @param header  untrusted
 * @throws ORIGIN_REFUSED
 */
export function checkOrigin(
  header: string | undefined,
  origins: ReadonlySet<string>,
): string | undefined {
  if (header === undefined || origins.has(header)) return header;
  throw new HostError("ORIGIN_REFUSED", { found: quote(header) });
}

/** Returns whether an address is reached from this machine only. */
export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || /^127(?:\.\d{1,3}){3}$/.test(address);
}

function withPort(name: string, port: number, usual: number): readonly string[] {
  return port === usual ? [name, `${name}:${port}`] : [`${name}:${port}`];
}
