import { HostError } from "#manifests/errors.ts";
import type { Clock } from "./clock.ts";
import type { Caller } from "./keys.ts";

/** Bounds of one caller over all plugins. */
export interface AdmissionLimits {
  /** Calls that run or wait at one time. */
  readonly runningMax: number;
  /** Units a second; 0 for no limit. */
  readonly fuelPerSecond: number;
}

/** Who may make a call now. */
export interface Admission {
  /**
   * Takes a place for a call; the function that it returns gives the place back.
   *
   * @throws HOST_STOPPING, CALLER_BUSY, CALLER_FUEL
   */
  enter(caller: Caller, nested: boolean): () => void;
  /** Books fuel against the caller's rate. */
  burn(caller: Caller, fuel: number): void;
  /** Takes no new call from now on; those that run may still make calls of their own. */
  close(): void;
  readonly open: boolean;
}

interface Standing {
  running: number;
  /** Fuel in the bucket; below zero until time has filled it again. */
  fuel: number;
  filledAt: number;
}

/** Creates the door that every call passes. Limits are read anew each time: they may be reloaded. */
export function createAdmission(clock: Clock, limits: () => AdmissionLimits): Admission {
  const standings = new Map<string, Standing>();
  let isOpen = true;
  const standingOf = (caller: Caller): Standing => {
    const known = standings.get(caller.id);
    if (known) return known;
    const made = { running: 0, fuel: limits().fuelPerSecond, filledAt: clock.monotonic() };
    standings.set(caller.id, made);
    return made;
  };
  const fill = (standing: Standing): void => {
    const now = clock.monotonic();
    const rate = limits().fuelPerSecond;
    standing.fuel = Math.min(rate, standing.fuel + ((now - standing.filledAt) / 1000) * rate);
    standing.filledAt = now;
  };
  return {
    get open() {
      return isOpen;
    },
    close() {
      isOpen = false;
    },
    enter(caller, nested) {
      if (!isOpen && !nested) throw new HostError("HOST_STOPPING", {});
      const standing = standingOf(caller);
      const { runningMax: limit, fuelPerSecond } = limits();
      if (standing.running >= limit && !nested) throw new HostError("CALLER_BUSY", { limit });
      if (fuelPerSecond > 0) {
        fill(standing);
        if (standing.fuel <= 0 && !nested) throw new HostError("CALLER_FUEL", {});
      }
      standing.running += 1;
      return () => {
        standing.running -= 1;
        if (standing.running === 0 && fuelPerSecond === 0) standings.delete(caller.id);
      };
    },
    burn(caller, fuel) {
      if (limits().fuelPerSecond > 0) standingOf(caller).fuel -= fuel;
    },
  };
}
