import { type Method, methods } from "#manifests/capabilities/network.ts";
import { HostError } from "#manifests/errors.ts";
import { parseAddress } from "./addresses.ts";

/** What one request names, in the one form that is compared, connected to and sent. */
export interface Target {
  readonly method: Method;
  /** Without userinfo and fragment. */
  readonly url: URL;
  readonly scheme: "https" | "http";
  /** In lower case and punycode; an address of version 6 in brackets. */
  readonly host: string;
  /** Whether the host is an address, and not a name. */
  readonly isAddress: boolean;
  readonly port: number;
  readonly path: string;
  /** The address that the host was found to have, once that is asked about too. */
  readonly address?: string;
}

/** Longest URL; servers refuse longer ones. */
const urlCharsMax = 8_192;

const defaultPorts = { https: 443, http: 80 } as const;
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * Returns what a request names.
 *
 * Whatever programs read in different ways is refused: userinfo, backslashes, white space, encoded
 * hosts, dots at the end of a host, addresses in octal, hexadecimal or fewer than four parts.
 *
 * @param method  untrusted; any case
 * @param text    untrusted
 * @throws HOST_REQUEST_INVALID
 */
export function parseTarget(method: string, text: string): Target {
  const known = methods.find((each) => each === method.toUpperCase());
  if (known === undefined) throw invalid("method", `must be one of ${methods.join(", ")}`);
  const { url, scheme } = parseUrl(text);
  const port = url.port === "" ? defaultPorts[scheme] : Number(url.port);
  if (port === 0) throw invalid("url", "must not name the port 0");
  const { hostname: host, pathname: path } = url;
  return { method: known, url, scheme, host, isAddress: isAddress(host), port, path };
}

/** Returns the target as people read it, and as the audit keeps it: no query, it may hold secrets. */
export function targetText({ method, scheme, host, port, path, address }: Target): string {
  const at = address === undefined ? "" : ` at ${address}`;
  return `${method} ${scheme}://${host}:${port}${path}${at}`;
}

/** Returns what belongs together for credentials and connections. */
export function originOf({ scheme, host, port }: Target): string {
  return `${scheme}://${host}:${port}`;
}

function parseUrl(text: string): { url: URL; scheme: "https" | "http" } {
  if (text.length > urlCharsMax)
    throw invalid("url", `must be at most ${urlCharsMax} characters long`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\u0000-\u0020\u007f\\]/.test(text))
    throw invalid("url", "must have no white space, control character or backslash");
  const [, written = "", authority = ""] = /^(https?):\/\/([^/?#]+)/i.exec(text) ?? [];
  if (written === "") throw invalid("url", "must begin with https:// or http:// and a host");
  if (/[@%]/.test(authority)) throw invalid("url", "must have no user, password or encoded host");
  if (!URL.canParse(text)) throw invalid("url", "must be a URL");
  const url = new URL(text);
  url.hash = "";
  checkHost(url.hostname, authority.replace(/:[0-9]*$/, ""));
  if (url.href.length > urlCharsMax) throw invalid("url", "must be shorter");
  return { url, scheme: url.protocol === "https:" ? "https" : "http" };
}

/** @throws HOST_REQUEST_INVALID */
function checkHost(host: string, written: string): void {
  // The parser of URLs has checked it, and has given it its one form.
  if (host.startsWith("[")) return;
  if (isAddress(host)) {
    if (written === host) return;
    throw invalid("url", "must write an address as four decimal numbers");
  }
  const isName = host.length <= 253 && host.split(".").every((part) => label.test(part));
  if (!isName) throw invalid("url", "must name a host by labels with a dot between each two");
}

function isAddress(host: string): boolean {
  return host.startsWith("[") || parseAddress(host) !== undefined;
}

function invalid(path: string, problem: string): HostError {
  return new HostError("HOST_REQUEST_INVALID", { path, problem });
}
