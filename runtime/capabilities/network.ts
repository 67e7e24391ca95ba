import Type from "typebox";
import { networkAsks } from "#manifests/capabilities/network.ts";
import { HostError } from "#manifests/errors.ts";
import { type Capability, hostFunction } from "./capability.ts";

/**
 * Requests to other hosts. No grant of this host covers any, so that each is refused and audited: the
 * function is linked because the Extism environment has it, whatever a plugin may do.
 */
export function createNetwork(): Capability {
  return {
    name: "network",
    functions: [
      hostFunction({
        import: "extism:host/env.http_request",
        capability: "network",
        act: "http_request",
        reads: false,
        about: "Sends a request; the function of the Extism environment.",
        response: Type.Object({ status: Type.Integer() }),
        request: Type.Object({ url: Type.String({ maxLength: 8_192 }) }),
        target: ({ url }: { url: string }) => originOf(url),
        grantFor: () => undefined,
        text: (target) => target,
        effect: (asker) => {
          const facts = { verb: "send a request", plugin: asker.plugin };
          return Promise.reject(new HostError("CAPABILITY_DENIED", facts));
        },
      }),
    ],
    asks: ({ network }) => networkAsks(network),
  };
}

/** The part of a URL that may be kept: never its path or query, which may hold secrets. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "(no URL)";
}
