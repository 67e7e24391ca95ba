import type { FastifyRequest } from "fastify";
import type { Host } from "../../host.ts";
import { isOwnersDoor } from "./door-mark.ts";
import { toHostError } from "./problems.ts";
import { addressGroup } from "./rate-limit.ts";

const statuses: ReadonlySet<number> = new Set([401, 403, 421, 429]);

/**
 * Tells the host of a request that was turned away; those that became a call have a record already.
 *
 * @param thrown  what is answered
 */
export function tellRefusal(
  { refused }: Pick<Host, "refused">,
  thrown: unknown,
  request: FastifyRequest,
): void {
  const error = toHostError(thrown);
  if (!statuses.has(error.status) || "callId" in error) return;
  // Set by the gate, unless it was the gate that refused.
  const caller: FastifyRequest["caller"] | undefined = request.caller;
  refused({
    code: error.code,
    source: isOwnersDoor(request.raw) ? "the home's socket" : addressGroup(request.ip ?? ""),
    requestId: request.id,
    keyId: caller?.id ?? null,
    owner: caller?.owner ?? null,
    target: `${request.method} ${request.routeOptions.url ?? "no route"}`,
  });
}
