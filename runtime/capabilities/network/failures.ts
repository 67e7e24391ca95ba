import { HostError } from "#manifests/errors.ts";

/** What went wrong on the way, in words of our own: what the far side says is not repeated. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was closed",
  ETIMEDOUT: "the connection took too long",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no way to it",
  EADDRNOTAVAIL: "there is no way to it",
  UND_ERR_SOCKET: "the connection was closed",
  UND_ERR_CONNECT_TIMEOUT: "the connection took too long",
  UND_ERR_INFO: "the connection was closed",
  UND_ERR_MAX_ORIGINS_REACHED: "connections to as many hosts are open as may be",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "its answer is not as long as it said",
  UND_ERR_HEADERS_OVERFLOW: "its headers are too long",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by nobody who is believed",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is signed by nobody who is believed",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is signed by nobody who is believed",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is signed by nobody who is believed",
};

/** Returns the error that a guest is told of for a failure on the way. */
export function networkError(host: string, error: unknown): HostError {
  if (error instanceof HostError) return error;
  const reason = codesOf(error)
    .map((code) => reasons[code] ?? ofKind(code))
    .find((each) => each !== undefined);
  return new HostError("NETWORK_FAILED", { host, reason: reason ?? "the connection failed" });
}

function ofKind(code: string): string | undefined {
  if (code.startsWith("HPE_")) return "its answer is not HTTP";
  if (code.startsWith("ERR_HTTP2")) return "its answer breaks the rules of HTTP/2";
  if (/^(?:ERR_SSL|EPROTO|ERR_TLS|CERT_)/.test(code)) return "no secure connection can be made";
  return undefined;
}

/** The codes of an error and of those that led to it; several addresses fail together. */
function codesOf(error: unknown): readonly string[] {
  const codes: string[] = [];
  for (let each = error as Partial<Failing> | undefined; each instanceof Error; each = each.cause) {
    if (typeof each.code === "string") codes.push(each.code);
    if (each instanceof AggregateError) codes.push(...each.errors.flatMap(codesOf));
    if (codes.length > 16) break;
  }
  return codes;
}

interface Failing extends Error {
  readonly code?: unknown;
  readonly cause: Failing | undefined;
}
