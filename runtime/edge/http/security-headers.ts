import type { FastifyReply } from "fastify";

/**
 * What keeps a browser from storing an answer, from taking it for a page, and from framing it.
 *
 * No more than these, because every answer pays for each of them: headers that speak of pages,
 * their links and their scripts say nothing about JSON that only a header with a key can fetch.
 */
const always = [
  ["cache-control", "no-store"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["x-content-type-options", "nosniff"],
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
