import { HostError } from "#manifests/errors.ts";
import { parseStrictJson } from "#manifests/strict-json.ts";
import type { Injection } from "./injection.ts";

/** An outgoing request as far as secrets can be put into it. */
export interface Injectable {
  readonly url: URL;
  /** Names in any case; a name may stand twice. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Null when there is none, and for one that comes in pieces: no field can be set in that. */
  readonly body: Uint8Array | null;
}

/** Bytes of a body in which a field is set: it is read and written as a whole. */
const bodyBytesMax = 1_048_576;

/**
 * Returns a request with secrets in it; the one that was given stays as it was.
 *
 * Everything that the guest wrote is untrusted. What it put in the place of a secret is taken away:
 * a header of that name in any case, or a query parameter whose decoded name is the same. A field is
 * set in the value that the body means, so that no text of the guest is ever a template, and only at
 * the top of an object that does not have it. The rest of query and body stays byte for byte as it
 * was; content-length must be counted after this.
 *
 * Call it once for each hop, just before sending, with what `injectionsFor` gave for that hop's URL.
 *
 * @throws INJECTION_REFUSED when a value cannot stand in its place; the message has no value in it
 */
export function applyInjections(request: Injectable, injections: readonly Injection[]): Injectable {
  return injections.reduce(inject, request);
}

function inject(request: Injectable, { name, place, value }: Injection): Injectable {
  if ("header" in place) {
    const { header, template = "{}" } = place;
    const full = template.replace("{}", () => value);
    return { ...request, headers: withHeader(request.headers, header, full, name) };
  }
  if ("query" in place) return { ...request, url: withParameter(request.url, place.query, value) };
  return { ...request, body: withField(request.body, place.field, value, name) };
}

/** @throws INJECTION_REFUSED */
function withHeader(
  headers: Injectable["headers"],
  header: string,
  value: string,
  name: string,
): Injectable["headers"] {
  // Printable ASCII and tabs between: anything else could end the field or be read two ways.
  if (!/^[!-~](?:[\t -~]*[!-~])?$/.test(value))
    throw refused(name, "its value holds characters that no header may have");
  const own = header.toLowerCase();
  return [...headers.filter(([other]) => other.toLowerCase() !== own), [own, value]];
}

function withParameter(url: URL, parameter: string, value: string): URL {
  const kept = url.search
    .slice(1)
    .split("&")
    .filter((pair) => pair !== "" && parameterName(pair) !== parameter);
  const next = new URL(url);
  next.search = [...kept, `${parameter}=${encodeURIComponent(value)}`].join("&");
  return next;
}

/** Returns the name in a pair of a query as servers read it. */
function parameterName(pair: string): string {
  const [name = ""] = new URLSearchParams(pair).keys();
  return name;
}

/**
 * Puts a member in front of those that the guest wrote, whose text stays as it was: numbers too long
 * for this host must not change on their way.
 *
 * @throws INJECTION_REFUSED
 */
function withField(
  body: Uint8Array | null,
  field: string,
  value: string,
  name: string,
): Uint8Array {
  const text = Buffer.from(body ?? []).toString();
  const object = objectIn(text, name);
  if (Object.hasOwn(object, field))
    throw refused(name, "the body has a field of that name already");
  const rest = text.slice(text.indexOf("{") + 1);
  const comma = Object.keys(object).length > 0 ? "," : "";
  return Buffer.from(`{${JSON.stringify(field)}:${JSON.stringify(value)}${comma}${rest}`);
}

/** @throws INJECTION_REFUSED */
function objectIn(text: string, name: string): object {
  const problem = `the body must be a JSON object of at most ${bodyBytesMax} bytes`;
  try {
    const found = parseStrictJson(text, { bytesMax: bodyBytesMax });
    if (typeof found === "object" && found !== null && !Array.isArray(found)) return found;
  } catch (cause) {
    throw refused(name, problem, cause);
  }
  throw refused(name, problem);
}

function refused(name: string, problem: string, cause?: unknown): HostError {
  return new HostError("INJECTION_REFUSED", { secret: name, problem }, { cause });
}
