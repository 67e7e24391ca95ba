import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { HostError } from "#manifests/errors.ts";
import { isLoopback } from "./allowed.ts";
import { answerClientError } from "./client-error.ts";
import { marked } from "./door-mark.ts";
import { listenOnSocket } from "./home-socket.ts";
import { httpLimits } from "./limits.ts";
import { portHolder } from "./port-holder.ts";
import { readTls, type TlsFiles } from "./tls.ts";

/** Where the doors are. */
export interface DoorOptions {
  readonly host: string;
  readonly port: number;
  readonly socketPath: string | undefined;
  readonly tls: TlsFiles | undefined;
  /** Proxies in front; TLS may end there. */
  readonly behindProxy: readonly string[];
}

/** The two ways in: TCP, and a socket in the home. */
export interface Doors {
  /** Opens both. Returns the port that was got. */
  open(listener: RequestListener): Promise<number>;
  /** Takes no more connections, and ends each one after its answer. */
  shut(): Promise<void>;
  /** Ends every connection now. */
  cut(): void;
  /** Reads certificate and key again. @throws TLS_INVALID */
  reloadTls(): void;
}

const settings: ServerOptions = {
  maxHeaderSize: httpLimits.headerBytesMax,
  headersTimeout: httpLimits.headersTimeoutMs,
  requestTimeout: httpLimits.requestTimeoutMs,
  keepAliveTimeout: httpLimits.keepAliveTimeoutMs,
  // Time-outs are looked for this often; Node's 30 s would triple those of slow headers.
  connectionsCheckingInterval: 2_000,
};

/**
 * Creates the doors, closed.
 *
 * @throws BIND_NEEDS_TLS
 */
export function createDoors(options: DoorOptions): Doors {
  const { host, port, socketPath, tls, behindProxy } = options;
  if (!isLoopback(host) && tls === undefined && behindProxy.length === 0)
    throw new HostError("BIND_NEEDS_TLS", { address: `${host}:${port}` });
  const state = { isShut: false };
  const servers: { tcp?: Server | TlsServer; owner?: Server } = {};
  return { open, shut, cut, reloadTls };

  async function open(listener: RequestListener): Promise<number> {
    const answer = endingWhen(() => state.isShut, listener);
    const tcp = createTcp(tls, marked("tcp", answer));
    await listenOnTcp(tcp, host, port);
    servers.tcp = tcp;
    if (socketPath !== undefined) {
      const owner = prepared(createServer(settings), marked("owner", answer));
      servers.owner = owner;
      await listenOnSocket(owner, socketPath).catch((error) => {
        cut();
        tcp.close();
        throw error;
      });
    }
    return (tcp.address() as AddressInfo).port;
  }

  async function shut(): Promise<void> {
    state.isShut = true;
    const open = [servers.tcp, servers.owner].filter((server) => server?.listening);
    await Promise.all(open.map((server) => new Promise((resolve) => server?.close(resolve))));
  }

  function cut(): void {
    servers.tcp?.closeAllConnections();
    servers.owner?.closeAllConnections();
  }

  function reloadTls(): void {
    if (tls !== undefined && servers.tcp !== undefined && "setSecureContext" in servers.tcp)
      servers.tcp.setSecureContext(readTls(tls));
  }
}

function createTcp(tls: TlsFiles | undefined, listener: RequestListener): Server | TlsServer {
  if (tls === undefined) return prepared(createServer(settings), listener);
  const options = { ...settings, ...readTls(tls), handshakeTimeout: httpLimits.headersTimeoutMs };
  return prepared(createTlsServer(options), listener);
}

function prepared<Kind extends Server | TlsServer>(server: Kind, listener: RequestListener): Kind {
  server.on("request", listener);
  // Without this Node itself would tell every client to send its body, before it has shown a key.
  server.on("checkContinue", listener);
  server.on("clientError", answerClientError);
  server.maxConnections = httpLimits.connectionsMax;
  return server;
}

function endingWhen(isShut: () => boolean, listener: RequestListener): RequestListener {
  return (request, response) => {
    if (isShut()) response.shouldKeepAlive = false;
    listener(request, response);
  };
}

async function listenOnTcp(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host, port }, resolve);
  await promise.catch(async (cause: NodeJS.ErrnoException) => {
    if (cause.code === "EADDRINUSE")
      throw new HostError("PORT_TAKEN", { port, holder: await portHolder(port) }, { cause });
    throw new HostError(
      "BIND_FAILED",
      { address: `${host}:${port}`, reason: bindReasons[cause.code ?? ""] ?? String(cause.code) },
      { cause },
    );
  });
  server.removeListener("error", reject);
}

const bindReasons: Readonly<Record<string, string>> = {
  EACCES: "this user may not use the port; ports below 1024 are the system's",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "the name has no address",
};
