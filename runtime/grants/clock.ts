import type { Clock } from "../clock.ts";
import type { GrantBooks } from "../store/grants.ts";

/** How far the latest time that is on disk may be behind, in milliseconds. */
const behindMsMax = 5_000;

/**
 * The time that grants expire by. It never goes back: neither when somebody sets the machine's clock,
 * nor over a restart, so that no grant whose time was over comes to life again.
 *
 * A clock that was set far ahead once ends grants for good; the operator gives them anew.
 */
export class GrantClock {
  readonly #clock: Clock;
  readonly #books: GrantBooks;
  /** A moment of the monotonic clock, and how late it was then. */
  #base: { readonly monotonic: number; readonly at: number };
  #written: number;

  constructor(clock: Clock, books: GrantBooks, highWater: number) {
    this.#clock = clock;
    this.#books = books;
    this.#base = { monotonic: clock.monotonic(), at: Math.max(highWater, clock.now()) };
    this.#written = highWater;
  }

  /** Milliseconds since 1970 in UTC; never less than it ever was. */
  now(): number {
    const wall = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const passed = this.#base.at + monotonic - this.#base.monotonic;
    if (wall <= passed) return passed;
    this.#base = { monotonic, at: wall };
    return wall;
  }

  /** Sees to it that a restart finds no earlier time, at once or soon. */
  keep(how: "now" | "soon"): void {
    const at = Math.floor(this.now());
    if (at <= this.#written || (how === "soon" && at - this.#written < behindMsMax)) return;
    this.#books.setHighWater(at);
    this.#written = at;
  }
}
