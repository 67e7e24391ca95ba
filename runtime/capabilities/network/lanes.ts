import type { LookupFunction, Socket } from "node:net";
import { Agent, buildConnector, type Dispatcher } from "undici";
import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import { HostError } from "#manifests/errors.ts";
import type { Asker } from "../capability.ts";
import { parseAddress } from "./addresses.ts";
import { grantKey, ownerOf } from "./keys.ts";
import { type SocketLimits, Sockets } from "./sockets.ts";
import { tunnelTo } from "./tunnel.ts";

/** What every connection of the host is made with. */
export interface LaneOptions {
  readonly sockets: SocketLimits;
  /** Milliseconds until a connection must be there, TLS included. */
  readonly connectMs: number;
  /** Certificates in PEM that are believed; Node's own when left out. */
  readonly authorities?: readonly string[];
  /** `http://host:port` of a proxy through which every connection goes; the environment names none. */
  readonly proxy?: string;
}

/** Connections that one grant of one plugin opened, and that nobody else uses. */
export interface Lane {
  readonly dispatcher: Dispatcher;
  /** Sees to it that connections to a host go to these addresses and no others. */
  pin(host: string, addresses: readonly string[]): void;
}

interface OpenLane extends Lane {
  readonly key: string;
  /** Whether the grant that opened it holds now. */
  readonly isCurrent: () => boolean;
  close(): Promise<void>;
}

/** Lanes that are kept; the one that was unused longest makes room for another. */
const lanesMax = 256;
/** Hosts to which one lane has connections at one time, for grants with patterns. */
const originsMax = 64;
/** Hosts whose addresses one lane remembers: more than it connects to at one time. */
const pinsMax = 2 * originsMax;
/** Connections to one host. */
const connectionsMax = 16;
/** Requests at one time on one connection of HTTP/2. */
const streamsMax = 100;
/** How long a connection without requests stays. */
const idleMs = 10_000;

/**
 * One lane for each grant of each plugin: no connection is shared between plugins, or between the
 * owners of keys where the grant keeps them apart, and none outlives its grant.
 */
export class Lanes implements AsyncDisposable {
  readonly #options: LaneOptions;
  readonly #sockets: Sockets;
  readonly #lanes = new Map<string, OpenLane>();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#sockets = new Sockets(options.sockets);
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.open;
  }

  /** Returns the lane of a grant that covers a request of a plugin. */
  of(asker: Asker, grant: NetworkGrant): Lane {
    const { plugin, source, signer } = asker.binding;
    const key = JSON.stringify([plugin, source, signer, ownerOf(asker, grant), grantKey(grant)]);
    const lane = this.#lanes.get(key) ?? this.#create(key, asker, grant);
    this.#lanes.delete(key);
    this.#lanes.set(key, lane);
    if (this.#lanes.size > lanesMax) this.#close([...this.#lanes.values()].slice(0, 1));
    return lane;
  }

  /** Closes what was opened by grants that hold no longer, also in the middle of an answer. */
  review(): void {
    this.#close([...this.#lanes.values()].filter(({ isCurrent }) => !isCurrent()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    await Promise.all(lanes.map((lane) => lane.close()));
  }

  #close(lanes: readonly OpenLane[]): void {
    for (const lane of lanes) {
      this.#lanes.delete(lane.key);
      void lane.close();
    }
  }

  #create(key: string, { binding, grants }: Asker, grant: NetworkGrant): OpenLane {
    const pins = new Map<string, readonly string[]>();
    const own = grantKey(grant);
    const agent = new Agent({
      allowH2: true,
      connect: connector(this.#options, this.#sockets, binding.plugin, pins),
      connections: connectionsMax,
      maxOrigins: originsMax,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      maxHeaderSize: 64 * 1024,
      // The waits are measured here, and end no later than the call.
      headersTimeout: 0,
      bodyTimeout: 0,
      h2Options: { maxConcurrentStreams: streamsMax },
    });
    return {
      key,
      dispatcher: agent,
      pin: (host, addresses) => {
        const [oldest = ""] = pins.keys();
        if (pins.size >= pinsMax) pins.delete(oldest);
        const name = host.replace(/^\[|\]$/g, "");
        pins.delete(name);
        pins.set(name, addresses);
      },
      isCurrent: () =>
        grants().network.some((each) => grantKey(each) === own) ||
        // Its last use is void as soon as it is booked, and is to be answered nevertheless.
        (grant.uses !== null && isBusy(agent)),
      close: () => agent.destroy(revoked(binding.plugin)),
    };
  }
}

function isBusy({ stats }: Agent): boolean {
  return Object.values(stats).some(({ running, pending }) => running > 0 || pending > 0);
}

/** What a request that is on its way ends with when its grant is taken away. */
function revoked(plugin: string): HostError {
  return new HostError("CAPABILITY_DENIED", { verb: "send requests", plugin });
}

/** Connects to pinned addresses alone; the look-up is not asked for addresses, so the end is checked. */
function connector(
  options: LaneOptions,
  sockets: Sockets,
  plugin: string,
  pins: ReadonlyMap<string, readonly string[]>,
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
function pinnedLookup(pins: ReadonlyMap<string, readonly string[]>): LookupFunction {
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
