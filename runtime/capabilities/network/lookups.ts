import { HostError } from "#manifests/errors.ts";
import type { Resolve } from "./resolve.ts";

/** How many names are looked up at one time. */
export interface LookupLimits {
  readonly all: number;
  readonly perPlugin: number;
}

/** Somebody who waits to look a name up. */
interface Waiting {
  readonly plugin: string;
  begin(): void;
}

/**
 * Looks names up for plugins, so many at one time: each holds sockets of this machine for as long as a
 * name server likes to wait, and whoever owns a name decides that. Others wait in line, and one plugin
 * that has as many as it may lets those of others pass.
 */
export class Lookups {
  readonly #resolve: Resolve;
  readonly #limits: LookupLimits;
  readonly #running = new Map<string, number>();
  readonly #line: Waiting[] = [];
  #all = 0;

  constructor(resolve: Resolve, limits: LookupLimits) {
    this.#resolve = resolve;
    this.#limits = limits;
  }

  /** Returns what looks names up for a plugin. */
  of(plugin: string): Resolve {
    return async (name, signal) => {
      await this.#enter(plugin, name, signal);
      try {
        return await this.#resolve(name, signal);
      } finally {
        this.#leave(plugin);
      }
    };
  }

  /** @throws NETWORK_FAILED when the request ends before its turn comes */
  async #enter(plugin: string, host: string, signal: AbortSignal): Promise<void> {
    if (this.#hasRoom(plugin)) return this.#count(plugin, 1);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { plugin, begin: resolve };
    const reason = "its name was not looked up in time";
    const giveUp = (): void => {
      const place = this.#line.indexOf(waiting);
      // Whose turn has come already goes on, and ends by itself.
      if (place < 0) return;
      this.#line.splice(place, 1);
      reject(new HostError("NETWORK_FAILED", { host, reason }));
    };
    this.#line.push(waiting);
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp);
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  #leave(plugin: string): void {
    this.#count(plugin, -1);
    const next = this.#line.findIndex((each) => this.#hasRoom(each.plugin));
    const [waiting] = next < 0 ? [] : this.#line.splice(next, 1);
    if (waiting === undefined) return;
    // The place is taken before anybody else can ask for it.
    this.#count(waiting.plugin, 1);
    waiting.begin();
  }

  #hasRoom(plugin: string): boolean {
    const own = this.#running.get(plugin) ?? 0;
    return this.#all < this.#limits.all && own < this.#limits.perPlugin;
  }

  #count(plugin: string, by: number): void {
    const own = (this.#running.get(plugin) ?? 0) + by;
    if (own === 0) this.#running.delete(plugin);
    else this.#running.set(plugin, own);
    this.#all += by;
  }
}
