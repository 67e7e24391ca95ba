import { HostError } from "#manifests/errors.ts";
import type { Caller, Keys } from "../../keys.ts";
import { httpLimits } from "./limits.ts";

/** Who comes through the socket in the home: only its owner can open it. */
export const homeOwner: Caller = Object.freeze({
  kind: "owner",
  id: "owner",
  owner: "owner",
  scopes: Object.freeze(["admin"]),
  ratePerMinute: 0,
});

/**
 * Returns the caller whose key a request carries.
 *
 * Only the header is read: a key in a URL would stand in logs and histories.
 *
 * @param header  `authorization`; untrusted
 * @throws KEY_MISSING, KEY_UNKNOWN, KEY_EXPIRED
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export function authenticate(keys: Keys, header: string | undefined): Caller {
  const secret = header === undefined ? undefined : bearerOf(header);
  if (secret === undefined) throw new HostError("KEY_MISSING", {});
  return keys.authenticate(secret);
}

function bearerOf(header: string): string | undefined {
  if (header.length > httpLimits.secretCharsMax) return undefined;
  if (header.startsWith("Bearer ")) return header.slice(7);
  return header.slice(0, 7).toLowerCase() === "bearer " ? header.slice(7) : undefined;
}
