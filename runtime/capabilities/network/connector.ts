import type { LookupFunction, Socket } from "node:net";
import { buildConnector } from "undici";
import { HostError } from "#manifests/errors.ts";
import { parseAddress } from "./addresses.ts";
import type { Sockets } from "./sockets.ts";
import { tunnelTo } from "./tunnel.ts";

/** What every connection of the host is made with. */
export interface ConnectOptions {
  /** Milliseconds until a connection must be there, TLS included. */
  readonly connectMs: number;
  /** Certificates in PEM that are believed; Node's own when left out. */
  readonly authorities?: readonly string[];
  /** `http://host:port` of a proxy through which every connection goes; the environment names none. */
  readonly proxy?: string;
}

/** Addresses that were vetted, by host; a host that is an address is without brackets. */
export type Pins = ReadonlyMap<string, readonly string[]>;

/**
 * Returns what connects a plugin to pinned addresses alone. The look-up hook is not asked for hosts
 * that are addresses, so where a connection went is looked at again.
 */
export function createConnector(
  options: ConnectOptions,
  sockets: Sockets,
  plugin: string,
  pins: Pins,
): buildConnector.connector {
  const connectTo = buildConnector({
    allowH2: true,
    autoSelectFamily: true,
    rejectUnauthorized: true,
    timeout: options.connectMs,
    maxCachedSessions: 16,
    lookup: pinnedLookup(pins),
    ...(options.authorities && { ca: [...options.authorities] }),
  });
  const { proxy } = options;
  return (wish, done) => {
    const refusal = sockets.refusal(plugin, wish.hostname);
    if (refusal) return done(refusal, null);
    const pinned = pins.get(wish.hostname) ?? [];
    if (proxy !== undefined) {
      const count = (socket: Socket): void => sockets.count(plugin, socket);
      const [address = ""] = pinned;
      return tunnelTo(
        { proxy, address, timeoutMs: options.connectMs, count },
        connectTo,
        wish,
        done,
      );
    }
    const socket = connectTo(wish, (error, socket) => {
      if (error !== null) return done(error, null);
      if (isPinned(socket.remoteAddress, pinned)) return done(null, socket);
      socket.destroy();
      const reason = "the connection did not lead to an address of its name";
      done(new HostError("NETWORK_FAILED", { host: wish.hostname, reason }), null);
    }) as unknown as Socket;
    sockets.count(plugin, socket);
  };
}

function isPinned(remote: string | undefined, pinned: readonly string[]): boolean {
  const found = parseAddress(remote ?? "");
  return pinned.some((each) => {
    const address = parseAddress(each);
    return address?.version === found?.version && address?.value === found?.value;
  });
}

/** Answers with what was vetted, and asks nobody. */
function pinnedLookup(pins: Pins): LookupFunction {
  return (host, { all }, answer) => {
    const found = (pins.get(host) ?? []).map((address) => ({
      address,
      family: address.includes(":") ? 6 : 4,
    }));
    const [first] = found;
    if (first === undefined) {
      const error = Object.assign(new TypeError("not vetted"), { code: "ENOTFOUND" });
      return answer(error, "", 0);
    }
    if (all === true) answer(null, found);
    else answer(null, first.address, first.family);
  };
}
