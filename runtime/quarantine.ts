import type { Clock } from "./clock.ts";

/** Deaths of runners in so long a time that put a plugin apart. */
const deathsMax = 3;
const windowMs = 10 * 60_000;

/** What becomes of a plugin that was running when its runner died. */
export type Sentence = "none" | "apart" | "disabled";

/**
 * Which plugins were running when runners died: three deaths in ten minutes give a plugin a runner of
 * its own, three more disable it.
 */
export class Quarantine {
  readonly #clock: Clock;
  readonly #deaths = new Map<string, number[]>();
  readonly #apart = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a plugin runs in a runner of its own. */
  isApart(plugin: string): boolean {
    return this.#apart.has(plugin);
  }

  /** Books a death. Returns what becomes of the plugin now. */
  book(plugin: string): Sentence {
    const now = this.#clock.monotonic();
    const recent = (this.#deaths.get(plugin) ?? []).filter((at) => now - at < windowMs);
    recent.push(now);
    this.#deaths.set(plugin, recent);
    if (recent.length < deathsMax) return "none";
    this.#deaths.delete(plugin);
    if (this.#apart.has(plugin)) return "disabled";
    this.#apart.add(plugin);
    return "apart";
  }

  /** Forgets what was booked: somebody has enabled the plugin again. */
  forgive(plugin: string): void {
    this.#deaths.delete(plugin);
    this.#apart.delete(plugin);
  }
}
