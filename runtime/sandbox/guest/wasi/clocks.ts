/** The time outside, in milliseconds. */
export interface Clocks {
  /** A clock that never goes back. */
  now(): number;
  /** Since 1970. */
  epochNow(): number;
}

/** 100 µs: a finer clock would let a guest time what its neighbours do (RULES S10). */
export const clockStepNs = 100_000n;

const realtime = 0;
/** CPU time of process and thread are the monotonic clock too: a guest has no process. */
const threadCputime = 3;

/** Returns the time of a clock (untrusted number) in nanoseconds, rounded down, or undefined. */
export function clockTime(clocks: Clocks, id: number): bigint | undefined {
  if (id >>> 0 > threadCputime) return undefined;
  const ms = id === realtime ? clocks.epochNow() : clocks.now();
  return BigInt(Math.floor(ms * 10)) * clockStepNs;
}
