import { HostError } from "#manifests/errors.ts";
import { fixed } from "./limits.ts";

/** Headers by lower-case name; one that came several times has its values joined. */
export type Headers = Readonly<Record<string, string>>;

/** Names that say how a message is framed, or speak of the connection; they are the host's own. */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);
const ownToHost: ReadonlySet<string> = new Set(["host", "content-length", "expect", "via"]);

/** Some servers take the method or the path from these: grants speak of what is sent. */
const overriding: ReadonlySet<string> = new Set([
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
  "x-original-url",
  "x-rewrite-url",
]);

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
/** Visible characters, spaces and tabs; bytes above 127 as they are. */
const value = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/** Guest headers that are credentials: they stay with the origin that they were written for. */
export const credentialHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "cookie2",
]);

/**
 * Returns the headers of a guest with names in lower case.
 *
 * @param headers  untrusted
 * @param reserved  names in lower case that hold injected values
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5
 * @throws HOST_REQUEST_INVALID
 */
export function checkedHeaders(headers: Headers, reserved: ReadonlySet<string>): Headers {
  const entries = Object.entries(headers);
  if (entries.length > fixed.headersMax) throw invalid(`must be at most ${fixed.headersMax}`);
  const checked = new Map<string, string>();
  for (const [written, text] of entries) {
    // Also of pseudo headers, which begin with a colon.
    if (!token.test(written)) throw invalid("must have names that are tokens");
    const name = written.toLowerCase();
    if (isForHost(name) || reserved.has(name))
      throw invalid(`must not hold ${name}: the host sets it`);
    if (overriding.has(name)) throw invalid(`must not hold ${name}: it speaks of another request`);
    if (!value.test(text)) throw invalid(`must have no control character in ${name}`);
    if (checked.has(name)) throw invalid(`must have ${name} once`);
    checked.set(name, text);
  }
  const bytes = [...checked].reduce((sum, [name, text]) => sum + name.length + text.length + 4, 0);
  if (bytes > fixed.headerBytesMax) throw invalid(`must be at most ${fixed.headerBytesMax} bytes`);
  return Object.fromEntries(checked);
}

function isForHost(name: string): boolean {
  return hopByHop.has(name) || ownToHost.has(name) || name.startsWith("proxy-");
}

function invalid(problem: string): HostError {
  return new HostError("HOST_REQUEST_INVALID", { path: "headers", problem });
}

/** Headers as they came: a name that came several times has a list. */
export type Received = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Returns the headers of an answer as a guest gets them: without those of the connection, and without
 * those that speak of the body as it came. `set-cookie` stays: the host keeps no cookies, a guest may.
 *
 * @throws NETWORK_ANSWER_REFUSED
 */
export function receivedHeaders(host: string, received: Received, isDecoded: boolean): Headers {
  const entries = Object.entries(received).map(
    ([name, found]) => [name.toLowerCase(), valuesOf(found)] as const,
  );
  checkAmount(host, entries);
  const listed = entries.filter(([name]) => name === "connection").flatMap(([, found]) => found);
  const named = new Set(listed.flatMap((text) => text.toLowerCase().split(/\s*,\s*/)));
  const isKept = (name: string): boolean =>
    !hopByHop.has(name) &&
    !named.has(name) &&
    !name.startsWith("proxy-") &&
    !(isDecoded && (name === "content-encoding" || name === "content-length"));
  return Object.fromEntries(
    entries.filter(([name]) => isKept(name)).map(([name, found]) => [name, found.join(", ")]),
  );
}

/** Returns the values of one header. */
export function valuesOf(found: Received[string]): readonly string[] {
  return found === undefined ? [] : typeof found === "string" ? [found] : found;
}

/** @throws NETWORK_ANSWER_REFUSED */
function checkAmount(
  host: string,
  entries: readonly (readonly [string, readonly string[]])[],
): void {
  const count = entries.reduce((sum, [, found]) => sum + found.length, 0);
  const bytes = entries.reduce(
    (sum, [name, found]) => sum + found.reduce((all, each) => all + name.length + each.length, 0),
    0,
  );
  if (count <= fixed.headersMax && bytes <= fixed.headerBytesMax) return;
  const reason = `it has more than ${fixed.headersMax} headers or ${fixed.headerBytesMax} bytes of them`;
  throw new HostError("NETWORK_ANSWER_REFUSED", { host, reason });
}
