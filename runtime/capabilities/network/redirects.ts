import { HostError } from "#manifests/errors.ts";
import { credentialHeaders, type Headers } from "./headers.ts";
import { originOf, parseTarget, type Target } from "./target.ts";

/** A request of a guest, as it is sent and as it is sent on. */
export interface Wish {
  readonly target: Target;
  /** Checked; names in lower case. */
  readonly headers: Headers;
  readonly body: Uint8Array | null;
}

/** What the refusal of a URL says. */
interface Facts {
  readonly problem?: string | number;
}

const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Returns the request that a redirect asks for; undefined when an answer is no redirect.
 *
 * 303 becomes GET, and 301 and 302 do after POST; the others keep method and body. Credentials of the
 * guest stay with the origin that they were written for, and a body is never sent in the open that was
 * not meant to be.
 *
 * @param location  untrusted; without the values that were injected
 * @see https://fetch.spec.whatwg.org/#http-redirect-fetch
 * @throws NETWORK_ANSWER_REFUSED
 */
export function redirected(
  wish: Wish,
  status: number,
  location: string | undefined,
): Wish | undefined {
  if (!redirecting.has(status) || location === undefined) return undefined;
  const { method } = wish.target;
  const becomesGet =
    (status === 303 && method !== "GET" && method !== "HEAD") ||
    ((status === 301 || status === 302) && method === "POST");
  const target = targetOf(wish.target, becomesGet ? "GET" : method, location);
  const headers = headersFor(wish, target, becomesGet);
  return { target, headers, body: becomesGet ? null : wish.body };
}

/** @throws NETWORK_ANSWER_REFUSED */
function targetOf(from: Target, method: string, location: string): Target {
  const refuse = (reason: string) =>
    new HostError("NETWORK_ANSWER_REFUSED", { host: from.host, reason });
  // Bytes beyond ASCII are not a URL, and readers differ in what they make of them.
  if (!/^[!-~]{1,8192}$/.test(location) || location.includes("\\"))
    throw refuse("it redirects to what is no URL");
  if (!URL.canParse(location, from.url)) throw refuse("it redirects to what is no URL");
  const { href } = new URL(location, from.url);
  if (from.scheme === "https" && !href.startsWith("https:"))
    throw refuse("it redirects from https to what is not encrypted");
  // An absolute one is read as it was written: the parser repairs what is refused.
  const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(location);
  try {
    return parseTarget(method, isAbsolute ? location : href);
  } catch (cause) {
    const { problem = "" } = cause instanceof HostError ? (cause.facts as Facts) : {};
    throw refuse(`it redirects to a URL that is refused: it ${problem}`);
  }
}

function headersFor({ headers, target: from }: Wish, to: Target, becomesGet: boolean): Headers {
  const isElsewhere = originOf(from) !== originOf(to);
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) =>
        !(isElsewhere && credentialHeaders.has(name)) &&
        !(becomesGet && name.startsWith("content-")),
    ),
  );
}
