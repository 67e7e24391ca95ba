import type { IncomingHttpHeaders } from "node:http";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";

/**
 * Returns the media type of a body that a route reads, or undefined when there is no body.
 *
 * A page of another site can send `text/plain` without asking the browser first; no route reads it.
 *
 * @param headers  untrusted
 * @param allowed  media types in lower case; empty for a route without a body
 * @throws CONTENT_TYPE_REFUSED
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-8.3
 */
export function checkContentType(
  headers: IncomingHttpHeaders,
  allowed: readonly string[],
): string | undefined {
  const type = headers["content-type"];
  if (!hasBody(headers)) return undefined;
  if (headers["content-encoding"] !== undefined)
    throw refused(`encoded as ${quote(headers["content-encoding"])}`, "sent as it is");
  if (type !== undefined && allowed.includes(type)) return type;
  const found = type === undefined ? undefined : mediaTypeOf(type);
  if (found !== undefined && allowed.includes(found)) return found;
  const expected = allowed.length === 0 ? "absent, as the body" : allowed.join(" or ");
  throw refused(type === undefined ? "absent" : quote(type), expected);
}

/**
 * Returns the media type of a message that must have one.
 *
 * Without it no schema is chosen, and a route would get no body where it counts on one. An empty
 * body under a media type is for the schema, or the route, to judge.
 *
 * @param headers  untrusted
 * @throws REQUEST_INVALID
 */
export function checkPresent(headers: IncomingHttpHeaders): string {
  const type = headers["content-type"];
  if (type !== undefined) return type;
  throw new HostError("REQUEST_INVALID", {
    part: "body",
    path: "it",
    problem: "must be present, found nothing",
  });
}

/** Returns whether a message has a body; by RFC 9112 these two headers alone decide. */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

/** The media type of a header; undefined when it names another charset than UTF-8. */
function mediaTypeOf(header: string): string | undefined {
  const [type = "", ...parameters] = header.split(";");
  const charset = parameters.map((text) => text.trim().toLowerCase()).find(isCharset);
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset);
  return isUtf8 ? type.trim().toLowerCase() : undefined;
}

function isCharset(parameter: string): boolean {
  return parameter.startsWith("charset");
}

function refused(found: string, expected: string): HostError {
  return new HostError("CONTENT_TYPE_REFUSED", { found, expected });
}
