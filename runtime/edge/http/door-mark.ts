import type { IncomingMessage, RequestListener } from "node:http";

/** How a request came in. */
export type DoorKind = "tcp" | "owner";

/** A symbol, because nothing that comes over a wire can set one. */
const door = Symbol("door");
/** No peer of a socket has this address: the system gives numbers, and a Unix socket has none. */
export const insideAddress = "inside this process, by its owner";

interface Marked extends IncomingMessage {
  [door]?: DoorKind;
}

/** Returns a listener that marks requests with the door they came through. */
export function marked(kind: DoorKind, listener: RequestListener): RequestListener {
  return (request: Marked, response) => {
    request[door] = kind;
    listener(request, response);
  };
}

/** Returns whether the home's owner asks: through the socket of the home, or inside this process. */
export function isOwnersDoor(request: IncomingMessage): boolean {
  const kind = (request as Marked)[door];
  if (kind !== undefined) return kind === "owner";
  return request.socket.remoteAddress === insideAddress;
}
