import { createHash } from "node:crypto";
import type { Clock } from "#runtime/clock.ts";

/** A clock that a test sets, and chance that is the same in every run. */
export interface FakeClock extends Clock {
  /** Lets time pass. */
  advance(ms: number): void;
  /** Sets the wall clock alone, as an operator does; the monotonic time stays. */
  set(now: number): void;
}

/** Returns a clock that stands at `now` until it is told otherwise. */
export function fakeClock(now = Date.UTC(2027, 0, 1)): FakeClock {
  const state = { now, monotonic: 1_000, drawn: 0 };
  return {
    now: () => state.now,
    monotonic: () => state.monotonic,
    random: (bytes) => draw(bytes, state.drawn++),
    advance: (ms) => {
      state.now += ms;
      state.monotonic += ms;
    },
    set: (then) => {
      state.now = then;
    },
  };
}

function draw(bytes: number, turn: number): Uint8Array {
  return createHash("shake256", { outputLength: bytes }).update(`draw ${turn}`).digest();
}
