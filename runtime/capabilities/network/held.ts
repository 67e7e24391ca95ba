import { HostError } from "#manifests/errors.ts";

/** What one request, or several of one question, hold of the host's memory; all goes when it is disposed. */
export interface Room extends Disposable {
  /** @throws NETWORK_FAILED when the plugin or the host holds as much as may be */
  take(host: string, bytes: number): void;
  give(bytes: number): void;
}

/**
 * The memory that answers take while they are on their way through the host: thousands of calls may wait
 * for one at a time. One plugin has at most half of it.
 */
export class Held {
  readonly #bytesMax: () => number;
  readonly #plugins = new Map<string, number>();
  #all = 0;

  constructor(bytesMax: () => number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that are held now. */
  get bytes(): number {
    return this.#all;
  }

  /** Returns room for answers to a plugin. */
  room(plugin: string): Room {
    const own = { bytes: 0, isOver: false };
    const add = (bytes: number): void => {
      own.bytes += bytes;
      this.#add(plugin, bytes);
    };
    return {
      take: (host, bytes) => {
        // What comes for nobody is let go, and takes no room.
        if (own.isOver) return;
        this.#check(plugin, host, bytes);
        add(bytes);
      },
      give: (bytes) => add(-Math.min(bytes, own.bytes)),
      [Symbol.dispose]: () => {
        own.isOver = true;
        add(-own.bytes);
      },
    };
  }

  /** @throws NETWORK_FAILED */
  #check(plugin: string, host: string, bytes: number): void {
    const max = this.#bytesMax();
    const isFull =
      this.#all + bytes > max || (this.#plugins.get(plugin) ?? 0) + bytes > Math.ceil(max / 2);
    const reason = "the host holds as much of answers as it may at one time";
    if (isFull) throw new HostError("NETWORK_FAILED", { host, reason });
  }

  #add(plugin: string, bytes: number): void {
    const held = (this.#plugins.get(plugin) ?? 0) + bytes;
    if (held === 0) this.#plugins.delete(plugin);
    else this.#plugins.set(plugin, held);
    this.#all += bytes;
  }
}
