import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
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
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly logger: Logger;
}

/** The two ways in: TCP, and a socket in the home. */
export interface Doors {
  /**
   * Opens both, and returns the port that was got.
   * @throws PORT_TAKEN, BIND_FAILED, SOCKET_TAKEN, TLS_INVALID
   */
  open(listener: RequestListener): Promise<number>;
  /** Takes no more connections, and ends each one after its answer. */
  shut(): Promise<void>;
  /** Ends every connection now. */
  cut(): void;
  /** Reads certificate and key again. @throws TLS_INVALID */
  reloadTls(): void;
}

/** Milliseconds between two looks for idle connections during a stop. */
const sweepMs = 25;

function settingsOf({ headersTimeoutMs, requestTimeoutMs }: DoorOptions): ServerOptions {
  return {
    maxHeaderSize: httpLimits.headerBytesMax,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: httpLimits.keepAliveTimeoutMs,
    // Requests that are too slow are looked for this often; Node's 30 s would let them stay longer.
    connectionsCheckingInterval: Math.ceil(headersTimeoutMs / 5),
  };
}

/**
 * Creates the doors, closed.
 *
 * @throws BIND_NEEDS_TLS
 */
export function createDoors(options: DoorOptions): Doors {
  const { host, port, socketPath, tls, behindProxy } = options;
  if (!isLoopback(host) && tls === undefined && behindProxy.length === 0)
    throw new HostError("BIND_NEEDS_TLS", { address: `${host}:${port}` });
  const settings = settingsOf(options);
  const state = { isShut: false };
  const servers: { tcp?: Server | TlsServer; owner?: Server } = {};
  return { open, shut, cut, reloadTls };

  async function open(listener: RequestListener): Promise<number> {
    const answer = endingWhen(() => state.isShut, listener);
    const tcp = createTcp(tls, settings, marked("tcp", answer));
    await listenOnTcp(tcp, host, port);
    servers.tcp = tcp;
    tcp.on("error", heard);
    if (socketPath !== undefined) {
      const owner = prepared(createServer(settings), marked("owner", answer));
      servers.owner = owner;
      await listenOnSocket(owner, socketPath).catch((error) => {
        cut();
        tcp.close();
        throw error;
      });
      owner.on("error", heard);
    }
    return (tcp.address() as AddressInfo).port;
  }

  /** Nobody can be told of a connection that was not accepted; the next one may be. */
  function heard(error: Error): void {
    options.logger.warn({ err: error }, "a connection was not accepted");
  }

  async function shut(): Promise<void> {
    state.isShut = true;
    const open = [servers.tcp, servers.owner].filter((server) => server?.listening);
    // A connection whose last answer went out after the stop began would idle on.
    const sweep = setInterval(() => {
      for (const each of open) each?.closeIdleConnections();
    }, sweepMs);
    await Promise.all(open.map((each) => new Promise((resolve) => each?.close(resolve))));
    clearInterval(sweep);
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

function createTcp(
  tls: TlsFiles | undefined,
  settings: ServerOptions,
  listener: RequestListener,
): Server | TlsServer {
  if (tls === undefined) return prepared(createServer(settings), listener);
  const handshakeTimeout = settings.headersTimeout ?? 0;
  return prepared(createTlsServer({ ...settings, ...readTls(tls), handshakeTimeout }), listener);
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
