import { type Logger, pino } from "pino";
import { type Clock, systemClock } from "../../clock.ts";
import { addressRules, toRanges } from "./addresses.ts";
import type { TlsFiles } from "./tls.ts";

/** What the HTTP server is told when it is made. */
export interface HttpServerOptions {
  /** Address to listen on; `127.0.0.1` by default. */
  readonly host?: string;
  /** 0 to 65535; 0 lets the system choose. */
  readonly port: number;
  /** Path of the socket for the home's owner; no such door when left out. */
  readonly socketPath?: string | undefined;
  /** Files in PEM, read at `listen` and again at `reloadTls`. */
  readonly tls?: TlsFiles | undefined;
  /** Addresses of proxies in CIDR whose forwarded headers are believed; nobody's by default. */
  readonly behindProxy?: readonly string[];
  /** Addresses in CIDR that may ask; all when it is empty. The home's owner always may. */
  readonly allowedAddresses?: readonly string[];
  /** Addresses in CIDR that may not. */
  readonly refusedAddresses?: readonly string[];
  /** Names besides loopback that requests may address, with or without a port. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages that may call; none by default. */
  readonly allowedOrigins?: readonly string[];
  /** Bytes of an invoke body; 9 MiB by default: 8 MiB of input and what stands around it. */
  readonly bodyBytesMax?: number;
  /** Bytes of an uploaded package or module; 64 MiB by default, the largest module that loads. */
  readonly uploadBytesMax?: number;
  /** Requests without a valid key that an address may make a minute; 120 by default. */
  readonly refusalsPerMinute?: number;
  /** Milliseconds until the headers must be there; 10,000 by default, a bad line needs 5,000. */
  readonly headersTimeoutMs?: number;
  /** Milliseconds until a request must be there whole; 120,000 by default: 64 MiB at 1 MiB/s. */
  readonly requestTimeoutMs?: number;
  /** Milliseconds that running calls get when the server closes; 20,000 by default. */
  readonly graceMs?: number;
  /** Version of the host, for the OpenAPI description; `0.0.0` by default. */
  readonly version?: string;
  /** Where faults are logged; JSON on standard output by default. */
  readonly logger?: Logger;
  /** Whether every request is a line of the log; only faults are by default. */
  readonly logRequests?: boolean;
  /** Time for rates, chance for request and trace ids; those of the machine by default. */
  readonly clock?: Clock;
}

/** The options with every default filled in. */
export type Settled = { readonly [Name in keyof HttpServerOptions]-?: HttpServerOptions[Name] };

/**
 * Returns options with the defaults of a host that serves one machine.
 *
 * @throws SETTINGS_INVALID
 */
export function settle(options: HttpServerOptions): Settled {
  const settled: Settled = {
    host: "127.0.0.1",
    socketPath: undefined,
    tls: undefined,
    behindProxy: [],
    allowedAddresses: [],
    refusedAddresses: [],
    allowedHosts: [],
    allowedOrigins: [],
    bodyBytesMax: 9 * 2 ** 20,
    uploadBytesMax: 64 * 2 ** 20,
    refusalsPerMinute: 120,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 120_000,
    graceMs: 20_000,
    version: "0.0.0",
    logRequests: false,
    ...options,
    clock: options.clock ?? systemClock(),
    logger: options.logger ?? pino(),
  };
  // A range that is none would end the host when the first request asks who is in it.
  toRanges(settled.behindProxy, "server.behindProxy");
  addressRules(settled);
  return Object.freeze(settled);
}
