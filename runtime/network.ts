import type { Config } from "#manifests/config.ts";
import type { Capability } from "./capabilities/capability.ts";
import type { Secrets } from "./capabilities/injection.ts";
import { authoritiesWith } from "./capabilities/network/authorities.ts";
import { Budgets } from "./capabilities/network/budget.ts";
import { Held } from "./capabilities/network/held.ts";
import { createHostsFile } from "./capabilities/network/hosts-file.ts";
import { Lanes, type LaneOptions } from "./capabilities/network/lanes.ts";
import { fixed, type NetworkLimits } from "./capabilities/network/limits.ts";
import { Lookups } from "./capabilities/network/lookups.ts";
import { OwnDoors } from "./capabilities/network/own-doors.ts";
import { createResolve, type Resolve } from "./capabilities/network/resolve.ts";
import { NetworkRules } from "./capabilities/network/rules.ts";
import { createNetwork } from "./capabilities/network.ts";
import type { Clock } from "./clock.ts";
import type { NetworkSpent } from "./store/network-spent.ts";

export type { Resolve } from "./capabilities/network/resolve.ts";

/** What the host does for the requests of its plugins. */
export interface HostNetwork {
  /** Says that the host listens on a port, where no request of a plugin may come in, until disposed. */
  listensAt(port: number): Disposable;
  /** Closes what was opened by grants that hold no longer. */
  review(): void;
  /** Connections of plugins that are open now. */
  readonly openConnections: number;
}

/** What the network of a host is made of. */
export interface NetworkWish {
  readonly clock: Clock;
  readonly config: { readonly current: Config };
  readonly spent: NetworkSpent;
  readonly secrets: Secrets;
  /** Looks names up; the machine's list and DNS when left out. */
  readonly resolve?: Resolve | undefined;
}

/** How long a connection may outlive its grant; whoever revokes one need not wait for it. */
const reviewMs = 250;
const hostsFile = "/etc/hosts";

/**
 * Builds the network of a host.
 *
 * @throws FILE_UNUSABLE when the operator's certificates are none
 */
export function openNetwork(
  wish: NetworkWish,
): HostNetwork & { readonly capability: Capability } & AsyncDisposable {
  const { clock, config, spent, secrets } = wish;
  const monotonic = (): number => clock.monotonic();
  const lanes = new Lanes(laneOptions(config.current.network));
  const doors = new OwnDoors();
  const limits = (): NetworkLimits => limitsOf(config.current);
  const resolve = wish.resolve ?? createResolve(createHostsFile(hostsFile, monotonic));
  const sweep = setInterval(() => lanes.review(), reviewMs);
  sweep.unref();
  return {
    capability: createNetwork({
      ...{ lanes, doors, secrets, limits, monotonic, rules: new NetworkRules() },
      held: new Held(() => config.current.network.memoryBytes),
      budgets: new Budgets({ store: spent, now: () => clock.now(), limits }),
      lookups: new Lookups(resolve, fixed.lookups),
    }),
    listensAt: (port) => doors.add(port),
    review: () => lanes.review(),
    get openConnections() {
      return lanes.open;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(sweep);
      await lanes[Symbol.asyncDispose]();
    },
  };
}

function laneOptions(network: Config["network"]): LaneOptions {
  const { sockets, socketsPerPlugin, connectMs, proxy, extraCas } = network;
  return {
    sockets: { all: sockets, perPlugin: socketsPerPlugin },
    connectMs,
    ...(proxy !== "" && { proxy }),
    ...(extraCas !== null && { authorities: authoritiesWith(extraCas) }),
  };
}

function limitsOf({ network, callers }: Config): NetworkLimits {
  const { headersMs, idleMs, totalMs, bodyBytes } = network;
  return {
    ...{ headersMs, idleMs, totalMs, bodyBytesMax: bodyBytes },
    perCall: {
      requests: network.requestsPerCall,
      bytes: network.trafficPerCallBytes,
      ms: network.waitPerCallMs,
    },
    perDay: {
      requests: network.requestsPerDay,
      bytes: network.trafficPerDayBytes,
      ms: network.waitPerDayMs,
    },
    perOwnerDay: { requests: 0, bytes: callers.trafficPerDayBytes, ms: 0 },
  };
}
