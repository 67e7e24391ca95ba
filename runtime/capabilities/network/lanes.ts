import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import type { Asker } from "../capability.ts";
import type { ConnectOptions } from "./connector.ts";
import { grantKey, ownerOf } from "./keys.ts";
import { Lane } from "./lane.ts";
import { type SocketLimits, Sockets } from "./sockets.ts";

/** What the connections of plugins are made with. */
export interface LaneOptions extends ConnectOptions {
  readonly sockets: SocketLimits;
}

/** Lanes that are kept; the one that was unused longest makes room for another. */
const lanesMax = 256;

/**
 * One lane for each grant of each plugin: no connection is shared between plugins, or between the
 * owners of keys where the grant keeps them apart, and none outlives its grant.
 */
export class Lanes implements AsyncDisposable {
  readonly #options: LaneOptions;
  readonly #sockets: Sockets;
  readonly #lanes = new Map<string, Lane>();

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
    const known = this.#lanes.get(key);
    const lane = known ?? new Lane(plugin, grant, { ...this.#options, sockets: this.#sockets });
    lane.holdFor(asker);
    this.#lanes.delete(key);
    this.#lanes.set(key, lane);
    if (this.#lanes.size > lanesMax) this.#forgetOldest();
    return lane;
  }

  /** Closes what was opened by grants that hold no longer, also in the middle of an answer. */
  review(): void {
    for (const [key, lane] of this.#lanes) {
      if (lane.isCurrent) continue;
      this.#lanes.delete(key);
      void lane.cut();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    await Promise.all(lanes.map((lane) => lane.cut()));
  }

  /** Those with requests on their way are kept beyond the number: connections are bounded besides. */
  #forgetOldest(): void {
    const found = [...this.#lanes].find(([, lane]) => !lane.isBusy);
    if (found === undefined) return;
    const [key, lane] = found;
    this.#lanes.delete(key);
    void lane.cut();
  }
}
