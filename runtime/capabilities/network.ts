import type { Static } from "typebox";
import {
  type NetworkAsk,
  type NetworkGrant,
  networkAsks,
} from "#manifests/capabilities/network.ts";
import { HostError } from "#manifests/errors.ts";
import { type Capability, type HostFunction, hostFunction } from "./capability.ts";
import { Bodies, wholeBody } from "./network/bodies.ts";
import { fetchOf } from "./network/fetch.ts";
import { covering, type NetworkParts } from "./network/parts.ts";
import { closeOf, openOf, readOf } from "./network/pieces.ts";
import { plainAnswer, plainRequest, targetOf, wishOf } from "./network/requests.ts";
import { send } from "./network/send.ts";
import { type Target, targetText } from "./network/target.ts";

/**
 * Requests to other hosts: the function of the Extism environment, several at once, and bodies in
 * pieces. All of them go one way, `network/send.ts`, and nothing goes another.
 *
 * `asks` @throws CAPABILITY_UNKNOWN for sockets, which no function here opens
 */
export function createNetwork(parts: Omit<NetworkParts, "bodies">): Capability {
  const own = { ...parts, bodies: new Bodies() };
  return {
    name: "network",
    functions: [plainOf(own), fetchOf(own), openOf(own), readOf(own), closeOf(own)],
    asks: ({ network }) => networkAsks(checkSent(network)),
  };
}

/** No function of this host opens a socket: an ask for one is refused, and not granted for nothing. */
function checkSent(asks: readonly NetworkAsk[]): readonly NetworkAsk[] {
  const other = asks.find(({ scheme }) => scheme === "ws" || scheme === "wss");
  if (other === undefined) return asks;
  throw new HostError("CAPABILITY_UNKNOWN", { capability: `network over ${other.scheme}` });
}

function plainOf(parts: NetworkParts): HostFunction {
  return hostFunction<Target, NetworkGrant>({
    import: "extism:host/env.http_request",
    capability: "network",
    act: "http_request",
    reads: false,
    about: "Sends a request and gives the whole answer; the function of the Extism environment.",
    request: plainRequest,
    response: plainAnswer,
    target: targetOf,
    grantFor: covering(parts),
    text: targetText,
    async effect(asker, request: Static<typeof plainRequest>, { blocks }, check, grant) {
      const wish = wishOf(request, blocks[0], { ...parts, asker });
      using room = parts.held.room(asker.plugin);
      const answer = await send(parts, { asker, grant, check, room, follows: true }, wish);
      const body = await wholeBody(answer, parts.limits().bodyBytesMax);
      const { status, headers } = answer;
      return { value: { status, headers }, blocks: body.length === 0 ? [] : [body] };
    },
  });
}
