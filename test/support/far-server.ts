import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { createSecureServer, type SecureServerOptions } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";

/** A server on loopback of which a test asks what reached it. */
export interface FarServer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:port` or `https://…`. */
  readonly origin: string;
  /** What reached it, oldest first. */
  readonly seen: readonly Seen[];
  /** Connections that were made to it. */
  readonly connections: number;
  /** Connections that are open. */
  readonly open: number;
}

/** A request as it came. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly version: string;
}

/** How a server answers; by default with what it saw, as JSON. */
export type Answering = (seen: Seen, response: ServerResponse, request: IncomingMessage) => unknown;

/** Starts a server on 127.0.0.1; with a certificate it speaks HTTPS, and HTTP/2 to those that can. */
export async function farServer(
  answering: Answering = echoing,
  tls?: Pick<SecureServerOptions, "key" | "cert">,
): Promise<FarServer> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const state = { connections: 0 };
  const listener: RequestListener = (request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("error", () => {}); // The host may cut what a test sends.
    request.on("end", () => {
      const { method = "", url = "", headers, httpVersion: version } = request;
      const one = { method, url, headers, version, body: Buffer.concat(pieces).toString() };
      seen.push(one);
      void answering(one, response, request);
    });
  };
  const server = (
    tls === undefined
      ? createServer({ keepAliveTimeout: 60_000 }, listener)
      : createSecureServer({ ...tls, allowHTTP1: true }, listener as never)
  ) as Server;
  server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    state.connections += 1;
    sockets.add(socket);
    socket.on("error", () => {}); // Cut connections are what many tests are about.
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {}); // Whoever does not believe the certificate goes away.
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ port, seen, origin: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}` },
    get connections() {
      return state.connections;
    },
    get open() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function echoing(seen: Seen, response: ServerResponse): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(seen));
}
