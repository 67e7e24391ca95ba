import type { InjectOptions, LightMyRequestResponse } from "fastify";
import type { Host } from "../../host.ts";
import { addressRules } from "./addresses.ts";
import { hostNames } from "./allowed.ts";
import { createApp, type RouteView } from "./app.ts";
import { insideAddress } from "./door-mark.ts";
import { createDoors, type Doors } from "./doors.ts";
import type { GateParts } from "./gate.ts";
import { httpLimits } from "./limits.ts";
import { type HttpServerOptions, type Settled, settle } from "./options.ts";
import { createRateLimit } from "./rate-limit.ts";
import { securityHeaders } from "./security-headers.ts";

/** The HTTP door of a host: TCP for keys, and a socket in the home for its owner. */
export interface HttpServer {
  /** Every route, for lists and tests. */
  readonly routes: readonly RouteView[];
  /** Where it listens once it does: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** @throws PORT_TAKEN, BIND_FAILED, SOCKET_TAKEN, TLS_INVALID */
  listen(): Promise<void>;
  /** Reads certificate and key again; on failure the old ones stay. @throws TLS_INVALID */
  reloadTls(): void;
  /** Holds other names, origins and grace from now on. */
  configure(options: Reloadable): void;
  /**
   * Answers a request that came over no wire: as one of a key, which it must carry, or as one of
   * the home's owner, for commands that run the host inside themselves.
   */
  inject(request: InjectOptions, as?: "key" | "owner"): Promise<LightMyRequestResponse>;
  /** Takes no more connections, lets calls end within the grace, then closes what is left. */
  close(): Promise<void>;
}

/** What a server takes over while it runs. */
export type Reloadable = Pick<
  Settled,
  "allowedHosts" | "allowedOrigins" | "allowedAddresses" | "refusedAddresses" | "graceMs"
>;

/**
 * Creates the HTTP door of a host; it listens only after `listen`.
 *
 * @throws BIND_NEEDS_TLS, SETTINGS_INVALID
 */
export function createHttpServer(host: Host, options: HttpServerOptions): HttpServer {
  const settled = settle(options);
  const doors = createDoors(settled);
  const at = {
    port: settled.port,
    held: settled as Reloadable,
    closed: undefined as Disposable | undefined,
  };
  const gate = createGateParts(host, settled);
  const { app, listener, routes } = createApp(host, settled, gate);
  return {
    routes,
    get url() {
      const name = settled.host.includes(":") ? `[${settled.host}]` : settled.host;
      return `${schemeOf(settled)}://${name}:${at.port}`;
    },
    async listen() {
      await app.ready();
      at.port = await doors.open(listener);
      // A plugin that comes in by the host's own door would be a caller of its operator's making.
      at.closed = host.network.listensAt(at.port);
      gate.allowed.hosts = namesAt(settled, at.held, at.port);
    },
    reloadTls: doors.reloadTls,
    configure(options) {
      at.held = options;
      gate.allowed.hosts = namesAt(settled, options, at.port);
      gate.allowed.origins = new Set(options.allowedOrigins);
      gate.allowed.addresses = addressRules(options);
    },
    inject(request, as = "key") {
      const headers = { host: `localhost:${at.port}`, ...request.headers };
      const from = as === "owner" ? { remoteAddress: insideAddress } : {};
      return app.inject({ ...request, ...from, headers });
    },
    async close() {
      // First the streams that would go on for ever, then the calls that end by themselves.
      await app.close();
      const shut = doors.shut();
      await host.drain(at.held.graceMs);
      await ended(shut, doors);
      at.closed?.[Symbol.dispose]();
    },
  };
}

/** Answers that are on their way get this long after the drain; then connections are cut. */
async function ended(shut: Promise<void>, doors: Doors): Promise<void> {
  const cut = setTimeout(() => doors.cut(), httpLimits.lastAnswersMs);
  await shut;
  clearTimeout(cut);
}

function createGateParts({ keys }: Host, settled: Settled): GateParts {
  const { clock, allowedOrigins, refusalsPerMinute, port } = settled;
  return {
    keys,
    allowed: {
      addresses: addressRules(settled),
      hosts: namesAt(settled, settled, port),
      origins: new Set(allowedOrigins),
    },
    headers: securityHeaders(schemeOf(settled)),
    requests: createRateLimit(httpLimits.keysMax, clock),
    refusals: createRateLimit(httpLimits.addressesMax, clock),
    refusalsPerMinute,
  };
}

function namesAt(
  settled: Settled,
  { allowedHosts }: Reloadable,
  port: number,
): ReadonlySet<string> {
  return hostNames({ scheme: schemeOf(settled), port, allowedHosts });
}

function schemeOf({ tls }: Settled): "http" | "https" {
  return tls === undefined ? "http" : "https";
}
