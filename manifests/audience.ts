import { HostError } from "./errors.ts";
import { quote } from "./quote.ts";
import { sharedReason } from "./shared-domains.ts";

/**
 * Where a secret may go: origins, each `https://host` with or without a port, `http://` for loopback
 * only, and `https://*.domain` for all names below a domain that is one person's. Empty for a secret
 * that goes nowhere, and can only be revealed.
 */
export type Audience = readonly string[];

/** More hosts than that are more than an operator can answer for. */
const originsMax = 32;
const originCharsMax = 300;
/** What stands for `*.` while the rest is read as a URL. */
const wildcardLabel = "any--name.";

/**
 * Returns an audience in canonical form: lower case, ASCII, no default port, each origin once.
 *
 * @param texts    untrusted
 * @param options.wildcard  whether the operator said that names below a domain are meant
 * @throws SECRET_INVALID
 */
export function parseAudience(
  texts: readonly string[],
  options: { readonly wildcard: boolean },
): Audience {
  if (texts.length > originsMax) throw refused(`must name at most ${originsMax} origins`);
  return [...new Set(texts.map((text) => parseOrigin(text, options.wildcard)))].sort();
}

/** Returns whether a secret with this audience may go to a URL. */
export function reaches(audience: Audience, url: URL): boolean {
  return audience.some((origin) => covers(origin, url));
}

function covers(origin: string, url: URL): boolean {
  const at = origin.indexOf("://*.");
  if (at < 0) return url.origin === origin;
  // No address is a name below a domain, and a colon begins the port of either.
  const host = url.hostname;
  const bare = `${url.protocol}//${url.port === "" ? "" : `:${url.port}`}`;
  const [domain = "", port] = origin.slice(at + "://*.".length).split(":");
  const own = `${origin.slice(0, at)}://${port === undefined ? "" : `:${port}`}`;
  return bare === own && host.endsWith(`.${domain}`) && !/^\.|\.\./.test(host);
}

/** @throws SECRET_INVALID */
function parseOrigin(text: string, wildcard: boolean): string {
  const isWild = /^https?:\/\/\*\./i.test(text);
  const plain = isWild ? text.replace("*.", wildcardLabel) : text;
  const bad = (problem: string): HostError => refused(`${problem}, found ${quote(text)}`);
  if (
    text.length > originCharsMax ||
    !URL.canParse(plain) ||
    !/^https?:\/\/[^\s\\*/]+\/?$/i.test(plain)
  )
    throw bad("must be an origin such as https://api.example.com");
  const url = new URL(plain);
  if (url.username !== "" || url.password !== "" || /[?#@]/.test(text))
    throw bad("must have no user, query or fragment");
  if (url.pathname !== "/") throw bad("must have no path");
  if (url.hostname === "" || url.hostname.endsWith("."))
    throw bad("must name a host without a dot at its end");
  checkScheme(url, bad);
  if (!isWild) return url.origin;
  if (!wildcard) throw bad("must be exact, or be given with the option for wildcards");
  const reason = isAddress(url.hostname.slice(wildcardLabel.length))
    ? "an address has no names below it"
    : sharedReason(url.hostname.slice(wildcardLabel.length));
  if (reason !== undefined) throw bad(`must not cover names of strangers: ${reason}`);
  return url.origin.replace(wildcardLabel, "*.");
}

/** Without TLS anybody on the way reads it, so that only this machine itself may be reached so. */
function checkScheme({ protocol, hostname }: URL, bad: (problem: string) => HostError): void {
  const isLoopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && isLoopback))
    throw bad("must begin with https://, or with http:// and a loopback address");
}

function isAddress(host: string): boolean {
  return /^[\d.]+$|^\[/.test(host);
}

function refused(problem: string): HostError {
  return new HostError("SECRET_INVALID", { part: "its audience", problem });
}
