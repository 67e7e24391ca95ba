import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { HostError } from "#manifests/errors.ts";
import { untrustedLine } from "../../untrusted.ts";
import { hasBody } from "./content-type.ts";
import { httpLimits } from "./limits.ts";

/** A failure as clients get it. @see https://www.rfc-editor.org/rfc/rfc9457#section-3.1 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly hint: string;
  readonly requestId: string;
  readonly callId?: string;
}

/** Media type of a problem. */
export const problemType = "application/problem+json";

/** Failures that fastify and Node find by themselves, as ours. */
const foreign: Readonly<Record<string, (limitBytes: number) => HostError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: (limitBytes) => new HostError("BODY_TOO_LARGE", { limitBytes }),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new HostError("CONTENT_TYPE_REFUSED", { found: "unknown", expected: "one the route reads" }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => malformed("its body has another length than it says"),
  FST_ERR_BAD_URL: () => malformed("its path is not well-formed"),
  FST_ERR_MAX_PARAM_LENGTH: () => malformed("its path has a segment that is too long"),
  ECONNRESET: () => malformed("the connection ended before it was whole"),
  HPE_HEADER_OVERFLOW: () =>
    new HostError("HEADERS_TOO_LARGE", { limit: `${httpLimits.headerBytesMax} bytes` }),
  ERR_HTTP_REQUEST_TIMEOUT: () => new HostError("REQUEST_TIMEOUT", {}),
};

/**
 * Returns a failure as one of ours; INTERNAL for what nobody foresaw.
 *
 * @param limitBytes  bound of the body that was read
 */
export function toHostError(error: unknown, limitBytes = 0): HostError {
  if (error instanceof HostError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const known =
    typeof code === "string" && Object.hasOwn(foreign, code) ? foreign[code] : undefined;
  return known?.(limitBytes) ?? new HostError("INTERNAL", {}, { cause: error });
}

/**
 * Returns the body of a problem. What a guest or a client wrote is in its sentences, so they are
 * bounded and hold nothing that a reader cannot see.
 */
export function problemOf(error: HostError, requestId: string): Problem {
  const { callId } = error as { callId?: unknown };
  return {
    type: `/errors#${error.code}`,
    title: error.code,
    status: error.status,
    detail: untrustedLine(error.message),
    hint: untrustedLine(error.hint),
    requestId,
    ...(typeof callId === "string" ? { callId } : {}),
  };
}

/** Answers a request with a problem, and logs what is the host's own fault, whole. */
export function sendProblem(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): void {
  const error = toHostError(thrown, request.routeOptions.bodyLimit);
  if (error.code === "INTERNAL") logFault(thrown, request, logger);
  reply.code(error.status).headers(problemHeaders(error)).type(problemType);
  // Where much of the body is still to come, reading it away would serve whoever sends it.
  if (!request.raw.complete && !isSmall(request)) reply.header("connection", "close");
  reply.serializer(JSON.stringify).send(problemOf(error, request.id));
}

/** Returns the headers that a failure adds to its answer. */
export function problemHeaders(error: HostError): Readonly<Record<string, string>> {
  if (error.status === 401) return { "www-authenticate": challengeOf(error) };
  if (error.status !== 429 && error.status !== 503) return {};
  const facts: Readonly<Record<string, unknown>> = error.facts;
  const seconds = Number(facts["retryAfterSeconds"] ?? 1);
  const after = { "retry-after": String(seconds) };
  if (error.code !== "RATE_LIMITED") return after;
  return {
    ...after,
    "ratelimit-policy": `"requests";q=${Number(facts["limit"])};w=60`,
    ratelimit: `"requests";r=0;t=${seconds}`,
  };
}

/** @see https://www.rfc-editor.org/rfc/rfc6750#section-3 */
function challengeOf(error: HostError): string {
  const challenge = 'Bearer realm="convergio"';
  return error.code === "KEY_MISSING" ? challenge : `${challenge}, error="invalid_token"`;
}

function logFault(error: unknown, request: FastifyRequest, logger: Logger): void {
  const { id: requestId, traceId, method } = request;
  const route = request.routeOptions.url ?? null;
  logger.error({ requestId, traceId, method, route, err: error }, "a request met a fault");
}

function isSmall({ headers }: FastifyRequest): boolean {
  if (!hasBody(headers)) return true;
  return Number(headers["content-length"] ?? Number.NaN) <= httpLimits.drainBytesMax;
}

function malformed(reason: string): HostError {
  return new HostError("REQUEST_MALFORMED", { reason });
}
