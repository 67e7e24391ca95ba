import { optionSource, resolveConfig, type SettingKey } from "#manifests/config.ts";
import { type NetworkGrant, networkGrant } from "#manifests/capabilities/network.ts";
import { type Grants, nothingGranted } from "#manifests/grants.ts";
import type { Asker, Capability, Decision } from "#runtime/capabilities/capability.ts";
import type { Secrets } from "#runtime/capabilities/injection.ts";
import type { Spent, SpentKey, SpentStore } from "#runtime/capabilities/network/budget.ts";
import { noSecrets } from "#runtime/capabilities/network/no-secrets.ts";
import type { Resolve } from "#runtime/capabilities/network/resolve.ts";
import { createTable } from "#runtime/capabilities/table.ts";
import { type HostNetwork, openNetwork } from "#runtime/network.ts";
import { ask, askerWith, portsWith, type Told } from "./asker.ts";
import { fakeClock } from "./clock.ts";

/** The network of a host without the host: everything real but the clock of days. */
export interface TestNetwork extends AsyncDisposable {
  readonly network: HostNetwork;
  readonly capability: Capability;
  /** Every decision, in words: `GET http://127.0.0.1:80/ true`. */
  readonly decisions: readonly string[];
  /** Asks a function by its short name (`network_fetch`, `http_request`) as a guest would. */
  ask(name: string, request: unknown, asker: Asker, blocks?: readonly Uint8Array[]): Promise<Told>;
  /** Lets days pass. */
  readonly days: { set(now: number): void };
}

/** How the network of a test differs from that of a new host. */
export interface TestNetworkOptions {
  readonly settings?: Readonly<Partial<Record<SettingKey, string>>>;
  readonly resolve?: Resolve;
  readonly secrets?: Secrets;
  readonly spent?: SpentStore;
}

/** Opens a network of a test's own. */
export function openTestNetwork(options: TestNetworkOptions = {}): TestNetwork {
  const texts = new Map(Object.entries(options.settings ?? {}) as [SettingKey, string][]);
  const { config } = resolveConfig([optionSource(texts, (key) => `the test's ${key}`)]);
  const days = fakeClock();
  const network = openNetwork({
    clock: { ...days, monotonic: () => performance.now() },
    config: { current: config },
    spent: options.spent ?? memorySpent(),
    secrets: options.secrets ?? noSecrets,
    resolve: options.resolve,
  });
  const decisions: string[] = [];
  const note = ({ target, allowed }: Decision) => void decisions.push(`${target} ${allowed}`);
  const table = createTable([network.capability], portsWith(note));
  return {
    ...{ network, decisions, days, capability: network.capability },
    async ask(name, request, asker, blocks) {
      const module = name === "http_request" ? "env" : "user";
      const guarded = table.functionOf(`extism:host/${module}.${name}`);
      if (guarded === undefined) throw new TypeError(`no function ${name}`);
      return ask(guarded, asker, request, blocks);
    },
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  };
}

/** Books in memory. */
export function memorySpent(): SpentStore & { readonly rows: Map<string, Spent> } {
  const rows = new Map<string, Spent>();
  const nameOf = ({ plugin, signer, owner, scope }: SpentKey, day: number) =>
    JSON.stringify([plugin, signer, owner, scope, day]);
  const none = { requests: 0, bytes: 0, ms: 0 };
  return {
    rows,
    read: (key, day) => rows.get(nameOf(key, day)) ?? none,
    add(key, day, { requests, bytes, ms }) {
      const was = rows.get(nameOf(key, day)) ?? none;
      rows.set(nameOf(key, day), {
        requests: was.requests + requests,
        bytes: was.bytes + bytes,
        ms: was.ms + ms,
      });
    },
  };
}

/** A grant of requests as an operator writes it; GET and POST to a port of 127.0.0.1 unless it says else. */
export function networkGrantOf(
  own: Partial<Parameters<typeof networkGrant>[0]> & { readonly port: number },
): NetworkGrant {
  const base = { scheme: "http", host: "127.0.0.1", methods: ["GET", "POST"], path: "/" } as const;
  return networkGrant({ ...base, methods: [...base.methods], ...own });
}

/** Somebody who was granted requests. */
export function sendingAsker(network: readonly NetworkGrant[], own: Partial<Asker> = {}): Asker {
  const grants: Grants = { ...nothingGranted, network };
  return askerWith(grants, { grants: () => grants, ...own });
}
