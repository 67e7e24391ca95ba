import { Agent, type Dispatcher } from "undici";
import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import { HostError } from "#manifests/errors.ts";
import type { Asker } from "../capability.ts";
import { type ConnectOptions, createConnector } from "./connector.ts";
import { grantKey } from "./keys.ts";
import { fixed } from "./limits.ts";
import type { Sockets } from "./sockets.ts";

/** Hosts to which one agent has connections, for grants with patterns. */
const hostsMax = 64;
/** Hosts whose addresses are remembered: more than those to which connections are being made. */
const pinsMax = 1_024;
/** Connections to one host. */
const connectionsMax = 16;
/** Requests at one time on one connection of HTTP/2. */
const streamsMax = 100;
/** How long a connection without requests stays. */
const idleMs = 10_000;

/** Connections that one grant of one plugin opened, and that nobody else uses. */
export class Lane {
  readonly #plugin: string;
  readonly #grant: NetworkGrant;
  readonly #key: string;
  readonly #make: () => Agent;
  readonly #pins = new Map<string, readonly string[]>();
  /** Hosts to which the agent of now has connections. */
  readonly #hosts = new Set<string>();
  /** Agents that take no more requests, until those that they have are answered. */
  readonly #leaving = new Set<Agent>();
  #agent: Agent;
  #grants: Asker["grants"] = () => ({ network: [], secrets: [], files: [], kv: null, tools: [] });

  constructor(
    plugin: string,
    grant: NetworkGrant,
    { sockets, ...options }: ConnectOptions & { readonly sockets: Sockets },
  ) {
    this.#plugin = plugin;
    this.#grant = grant;
    this.#key = grantKey(grant);
    const connect = createConnector(options, sockets, plugin, this.#pins);
    this.#make = () => createAgent(connect);
    this.#agent = this.#make();
  }

  /** Sends to hosts that are pinned. */
  get dispatcher(): Dispatcher {
    return this.#agent;
  }

  get isBusy(): boolean {
    return this.#leaving.size > 0 || isBusy(this.#agent);
  }

  /** Whether the grant holds that the last one used who asked. */
  get isCurrent(): boolean {
    if (this.#grants().network.some((each) => grantKey(each) === this.#key)) return true;
    // Its last use is void as soon as it is booked, and is to be answered nevertheless.
    return this.#grant.uses !== null && this.isBusy;
  }

  /** Asks from now on whether the grant holds for this one: of an older version it would not. */
  holdFor({ grants }: Asker): void {
    this.#grants = grants;
  }

  /** Sees to it that connections to a host go to these addresses and no others. */
  pin(host: string, addresses: readonly string[]): void {
    const name = host.replace(/^\[|\]$/g, "");
    if (!this.#hosts.has(name) && this.#hosts.size >= hostsMax) this.#renew();
    this.#hosts.add(name);
    const [oldest = ""] = this.#pins.keys();
    if (this.#pins.size >= pinsMax) this.#pins.delete(oldest);
    this.#pins.delete(name);
    this.#pins.set(name, addresses);
  }

  /** Closes every connection now; answers that are on their way end with CAPABILITY_DENIED. */
  async cut(): Promise<void> {
    const facts = { verb: "send requests", plugin: this.#plugin };
    const reason = new HostError("CAPABILITY_DENIED", facts);
    await Promise.all([this.#agent, ...this.#leaving].map((agent) => agent.destroy(reason)));
  }

  /** Lets connections to so many hosts go as they become free, and begins with none. */
  #renew(): void {
    const old = this.#agent;
    this.#leaving.add(old);
    const gone = (): void => void this.#leaving.delete(old);
    old.close().then(gone, gone);
    this.#agent = this.#make();
    this.#hosts.clear();
  }
}

function createAgent(connect: ReturnType<typeof createConnector>): Agent {
  return new Agent({
    connect,
    allowH2: true,
    connections: connectionsMax,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    maxHeaderSize: fixed.headerBytesMax,
    // The waits are measured here, and end no later than the call.
    headersTimeout: 0,
    bodyTimeout: 0,
    h2Options: { maxConcurrentStreams: streamsMax },
  });
}

function isBusy({ stats }: Agent): boolean {
  return Object.values(stats).some(({ running, pending }) => running > 0 || pending > 0);
}
