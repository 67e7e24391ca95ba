import type { FastifyReply } from "fastify";

/** What a browser must not do with an answer of a host: keep, run, frame, share or guess at it. */
const always = [
  ["cache-control", "no-store"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
  ["referrer-policy", "no-referrer"],
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
] as const;
/** A year, as browsers ask of names they are to remember. */
const overTls = ["strict-transport-security", "max-age=31536000"] as const;

/** Names and values of headers. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** Returns the headers that every answer has. */
export function securityHeaders(scheme: "http" | "https"): HeaderList {
  return scheme === "https" ? [...always, overTls] : always;
}

/** Sets headers on an answer. */
export function setHeaders(reply: FastifyReply, headers: HeaderList): void {
  for (const [name, value] of headers) reply.header(name, value);
}
