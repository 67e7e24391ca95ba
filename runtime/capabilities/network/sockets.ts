import type { Socket } from "node:net";
import { HostError } from "#manifests/errors.ts";

/** How many connections may be open at one time. */
export interface SocketLimits {
  /** Of the whole host. */
  readonly all: number;
  /** Of one plugin. */
  readonly perPlugin: number;
}

/** Counts open connections, those that are being opened too. */
export class Sockets {
  readonly #limits: SocketLimits;
  readonly #open = new Map<string, number>();
  #all = 0;

  constructor(limits: SocketLimits) {
    this.#limits = limits;
  }

  get open(): number {
    return this.#all;
  }

  /** Returns why a plugin may not have one more connection, if so. */
  refusal(plugin: string, host: string): HostError | undefined {
    const isFull =
      this.#all >= this.#limits.all || (this.#open.get(plugin) ?? 0) >= this.#limits.perPlugin;
    const reason = "as many connections are open as may be";
    return isFull ? new HostError("NETWORK_FAILED", { host, reason }) : undefined;
  }

  /** Counts a connection until it is closed. */
  count(plugin: string, socket: Socket): void {
    this.#add(plugin, 1);
    socket.once("close", () => this.#add(plugin, -1));
  }

  #add(plugin: string, by: number): void {
    const open = (this.#open.get(plugin) ?? 0) + by;
    if (open === 0) this.#open.delete(plugin);
    else this.#open.set(plugin, open);
    this.#all += by;
  }
}
