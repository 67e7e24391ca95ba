import { randomBytes } from "node:crypto";

/** Time and chance: the only source of either, given as an argument to whatever needs it. */
export interface Clock {
  /** Milliseconds since 1970 in UTC; may jump when somebody sets the machine's clock. */
  now(): number;
  /** Milliseconds since some moment, with fractions; never goes back. For deadlines and rates. */
  monotonic(): number;
  /** Returns fresh bytes that nobody can guess. */
  random(bytes: number): Uint8Array;
}

/** Returns the clock and the random source of this machine. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: (bytes) => randomBytes(bytes),
  };
}
