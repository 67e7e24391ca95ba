import { connect as connectTcp, type Socket } from "node:net";
import type { buildConnector } from "undici";
import { HostError } from "#manifests/errors.ts";

/** What a tunnel through a proxy is made of. */
export interface TunnelOptions {
  /** `http://host:port`, as the operator set it. */
  readonly proxy: string;
  /** The vetted address that the proxy is to connect to: it looks up no name for us. */
  readonly address: string;
  readonly timeoutMs: number;
  /** Hears of the connection before it is there. */
  readonly count: (socket: Socket) => void;
}

/** Bytes of the answer of a proxy. */
const answerBytesMax = 8 * 1024;

/**
 * Connects to a vetted address through a proxy, with TLS to the far end inside when asked for.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
 */
export function tunnelTo(
  { proxy, address, timeoutMs, count }: TunnelOptions,
  secure: buildConnector.connector,
  wish: buildConnector.Options,
  done: buildConnector.Callback,
): void {
  const { hostname, port } = new URL(proxy);
  const far = `${address.includes(":") ? `[${address}]` : address}:${wish.port || portOf(wish)}`;
  const socket = connectTcp({ host: hostname, port: Number(port || 80) });
  count(socket);
  const over = { isOver: false };
  const end = (reason: string): void => {
    if (over.isOver) return;
    over.isOver = true;
    clearTimeout(timer);
    socket.destroy();
    done(new HostError("NETWORK_FAILED", { host: wish.hostname, reason }), null);
  };
  const timer = setTimeout(() => end("the proxy did not answer in time"), timeoutMs);
  socket.once("error", () => end("the proxy cannot be reached"));
  socket.once("close", () => end("the proxy closed the connection"));
  socket.write(`CONNECT ${far} HTTP/1.1\r\nhost: ${far}\r\n\r\n`);
  onHead(socket, (head) => {
    if (!/^HTTP\/1\.[01] 2[0-9][0-9][ \r]/.test(head)) return end("the proxy refused");
    over.isOver = true;
    clearTimeout(timer);
    if (wish.protocol === "https:") secure({ ...wish, httpSocket: socket }, done);
    else done(null, socket);
  });
}

function portOf({ protocol }: buildConnector.Options): string {
  return protocol === "https:" ? "443" : "80";
}

/** Hears the head of an answer once it is whole; what is too long is told as it is. */
function onHead(socket: Socket, heard: (head: string) => void): void {
  const held = { bytes: Buffer.alloc(0) };
  const take = (piece: Buffer): void => {
    held.bytes = Buffer.concat([held.bytes, piece]);
    const end = held.bytes.indexOf("\r\n\r\n");
    if (end < 0 && held.bytes.length < answerBytesMax) return;
    socket.off("data", take);
    socket.pause();
    if (end >= 0) socket.unshift(held.bytes.subarray(end + 4));
    heard(end < 0 ? "" : held.bytes.subarray(0, end + 4).toString("latin1"));
  };
  socket.on("data", take);
}
