import Type, { type Static } from "typebox";
import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import { plainTerms, type Terms } from "#manifests/capabilities/terms.ts";
import { type HostFunction, hostFunction } from "../capability.ts";
import { fixed } from "./limits.ts";
import { covering, type NetworkParts } from "./parts.ts";
import {
  bodyOf,
  bodyRequest,
  oneRequest,
  openAnswer,
  pieceAnswer,
  pieceRequest,
  targetOf,
  wishOf,
} from "./requests.ts";
import { send } from "./send.ts";
import { type Target, targetText } from "./target.ts";

/** Sends a request and gives the head of its answer. */
export function openOf(parts: NetworkParts): HostFunction {
  return hostFunction<Target, NetworkGrant>({
    import: "extism:host/user.network_open",
    capability: "network",
    act: "network_open",
    reads: false,
    about: "Sends a request and gives the head of the answer, whose body is then read in pieces.",
    request: oneRequest,
    response: openAnswer,
    target: targetOf,
    grantFor: covering(parts),
    text: targetText,
    async effect(asker, request: Static<typeof oneRequest>, message, check, grant) {
      parts.bodies.checkRoom(asker);
      const wish = wishOf(request, bodyOf(request, message), { ...parts, asker });
      const follows = request.redirect !== "manual";
      using undo = new DisposableStack();
      const room = undo.use(parts.held.room(asker.plugin));
      const answer = await send(parts, { asker, grant, check, room, follows }, wish);
      // What it takes is given back when the body is closed.
      const id = parts.bodies.open(asker, wish.target, answer);
      undo.move();
      const { status, headers, url } = answer;
      return { value: { id, status, headers, url } };
    },
  });
}

/** Gives the next bytes of a body. */
export function readOf(parts: NetworkParts): HostFunction {
  return hostFunction<Target, Terms>({
    ...ofOpen(parts),
    import: "extism:host/user.network_read",
    act: "network_read",
    about: "Gives bytes of an open body as soon as there are any; with the last of them it closes.",
    request: pieceRequest,
    response: pieceAnswer,
    async effect(asker, { id, maxBytes = fixed.pieceBytes }: Static<typeof pieceRequest>) {
      const piece = await parts.bodies.read(asker, id, maxBytes);
      const done = piece.length === 0;
      return { value: { done }, blocks: done ? [] : [piece] };
    },
  });
}

/** Closes a body that nobody wants to the end. */
export function closeOf(parts: NetworkParts): HostFunction {
  return hostFunction<Target, Terms>({
    ...ofOpen(parts),
    import: "extism:host/user.network_close",
    act: "network_close",
    about: "Closes an open body before its end, and its connection with it.",
    request: bodyRequest,
    response: Type.Object({ closed: Type.Boolean() }),
    async effect(asker, { id }: Static<typeof bodyRequest>) {
      parts.bodies.close(asker, id);
      return { value: { closed: true } };
    },
  });
}

/** A body that is open is asked for as long as what it was opened by is granted. */
function ofOpen({ bodies, ...parts }: NetworkParts) {
  const find = covering(parts);
  return {
    capability: "network",
    reads: false,
    target: ({ id }: { id: number }, asker: Parameters<typeof bodies.targetOf>[0]) =>
      bodies.targetOf(asker, id),
    // It was paid for when it was opened: pieces are no further uses.
    grantFor: (grants: Parameters<typeof find>[0], target: Target): Terms | undefined =>
      find(grants, target) && plainTerms("any"),
    text: targetText,
  };
}
