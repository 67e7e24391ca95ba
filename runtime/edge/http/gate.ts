import type { FastifyReply, FastifyRequest, onRequestHookHandler } from "fastify";
import { HostError } from "#manifests/errors.ts";
import type { Host } from "../../host.ts";
import type { Caller } from "../../keys.ts";
import type { Access } from "./access.ts";
import type { AddressRules } from "./addresses.ts";
import { checkHostHeader, checkOrigin } from "./allowed.ts";
import { authenticate, homeOwner } from "./authenticate.ts";
import { checkContentType, checkPresent } from "./content-type.ts";
import { isOwnersDoor } from "./door-mark.ts";
import { httpLimits } from "./limits.ts";
import { pluginOf, type PluginParams } from "./plugin-path.ts";
import { addressGroup, type RateLimit } from "./rate-limit.ts";
import { traceIdOf } from "./request-ids.ts";
import { type HeaderList, setHeaders } from "./security-headers.ts";

const slash = 0x2f;

/** What the gate looks things up in. */
export interface GateParts {
  readonly keys: Host["keys"];
  /** Who may ask, and what the headers `host` and `origin` may hold; others after a reload. */
  readonly allowed: {
    addresses: AddressRules;
    hosts: ReadonlySet<string>;
    origins: ReadonlySet<string>;
  };
  /** What every answer carries. */
  readonly headers: HeaderList;
  /** Requests of each key. */
  readonly requests: RateLimit;
  /** Requests without a valid key of each address. */
  readonly refusals: RateLimit;
  readonly refusalsPerMinute: number;
}

/**
 * Returns the hook before every route: address, host, origin, key, rate; nothing of the body is read yet.
 *
 * An address pays for requests without a valid key only. Whoever floods the host from behind the
 * same proxy or household must not shut out those who have one.
 *
 * @throws HEADERS_TOO_LARGE, REQUEST_MALFORMED, ADDRESS_REFUSED, HOST_REFUSED, ORIGIN_REFUSED, KEY_MISSING,
 *   KEY_UNKNOWN, KEY_EXPIRED, RATE_LIMITED
 */
export function createKeyGate(parts: GateParts): onRequestHookHandler {
  return (request, reply, done) => {
    try {
      const isOwner = checkPlace(parts, request, reply);
      request.caller = isOwner ? homeOwner : callerOf(parts, request);
      checkRate(parts.requests, request.caller);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
}

/** Returns the hook before routes that need no key: host, origin, rate of the address. */
export function createOpenGate(parts: GateParts): onRequestHookHandler {
  return (request, reply, done) => {
    try {
      if (!checkPlace(parts, request, reply)) checkAddress(parts, request);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
}

/**
 * Returns the hook of one route after the key: content type, then scope, then that there is a body.
 *
 * @throws CONTENT_TYPE_REFUSED, SCOPE_MISSING, REQUEST_INVALID
 */
export function createAccessGate(keys: Host["keys"], access: Access): onRequestHookHandler {
  return (request, reply, done) => {
    try {
      checkContentType(request.headers, access.bodies);
      checkScope(keys, access.scope, request);
      if (access.bodies.length > 0) checkPresent(request.headers);
      // Only now is a client that asked first told to send its body.
      if (request.headers.expect !== undefined) reply.raw.writeContinue();
      done();
    } catch (error) {
      done(error as Error);
    }
  };
}

function checkPlace(
  { allowed, headers: headersOut }: GateParts,
  request: FastifyRequest,
  reply: FastifyReply,
): boolean {
  const { headers, raw } = request;
  request.traceId = traceIdOf(headers["traceparent"]) ?? request.id;
  reply.header("convergio-request-id", request.id);
  setHeaders(reply, headersOut);
  if (raw.rawHeaders.length > 2 * httpLimits.headersMax)
    throw new HostError("HEADERS_TOO_LARGE", { limit: `${httpLimits.headersMax} fields` });
  // A target with a name in it would be routed by its path, whatever host it names.
  if (raw.url?.charCodeAt(0) !== slash)
    throw new HostError("REQUEST_MALFORMED", { reason: "its target is not a path" });
  const isOwner = isOwnersDoor(raw);
  // No name leads to a socket of the file system, so there is none to check.
  if (!isOwner) {
    allowed.addresses.check(request.ip ?? "");
    checkHostHeader(headers.host, allowed.hosts);
  }
  checkOrigin(headers.origin, allowed.origins);
  return isOwner;
}

function callerOf(parts: GateParts, request: FastifyRequest): Caller {
  try {
    return authenticate(parts.keys, request.headers.authorization);
  } catch (error) {
    checkAddress(parts, request);
    throw error;
  }
}

function checkAddress({ refusals, refusalsPerMinute }: GateParts, request: FastifyRequest): void {
  const seconds = refusals.spend(addressGroup(request.ip ?? ""), refusalsPerMinute);
  if (seconds > 0) throw rateLimited("this address", refusalsPerMinute, seconds);
}

function checkRate(requests: RateLimit, { id, ratePerMinute }: Caller): void {
  if (ratePerMinute === 0) return;
  const seconds = requests.spend(id, ratePerMinute);
  if (seconds > 0) throw rateLimited("this key", ratePerMinute, seconds);
}

function rateLimited(who: string, limit: number, retryAfterSeconds: number): HostError {
  return new HostError("RATE_LIMITED", { who, limit, retryAfterSeconds });
}

function checkScope(keys: Host["keys"], scope: Access["scope"], request: FastifyRequest): void {
  if (scope === "own") return;
  if (scope !== "invoke") return void keys.checkScope(request.caller, scope);
  const plugin = pluginOf(request.params as PluginParams);
  const at = plugin.indexOf("@");
  const action = `invoke:${at < 0 ? plugin : plugin.slice(0, at)}`;
  // A key for one tool passes here for its plugin; the call checks the tool once it is known.
  if (!reaches(request.caller.scopes, action)) keys.checkScope(request.caller, action);
}

function reaches(scopes: readonly string[], action: string): boolean {
  for (const scope of scopes)
    if (scope === "admin" || scope === "invoke" || isWithin(scope, action)) return true;
  return false;
}

/** Whether a scope is an action or one of its parts: `invoke:a:b` is within `invoke:a`. */
function isWithin(scope: string, action: string): boolean {
  if (!scope.startsWith(action)) return false;
  return scope.length === action.length || scope[action.length] === ":";
}
