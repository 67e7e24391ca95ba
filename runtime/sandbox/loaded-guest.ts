import type { GuestPlan } from "./messages.ts";

/** One version of a plugin, ready to be run. */
export interface LoadedGuest {
  /** Number of the module, one for each version and configuration. */
  readonly module: number;
  readonly plugin: string;
  /** Whose runner it runs in: its signer. */
  readonly binding: () => string;
  readonly plan: GuestPlan;
  readonly metered: () => Promise<Uint8Array>;
  readonly instances: "fresh" | "warm" | "single";
}

/** Bounds of one plugin's pool. */
export interface PoolLimits {
  /** Calls on the processor at once. */
  readonly runningMax: number;
  /** Calls at once in all, most of them suspended in a host function. */
  readonly liveMax: number;
  /** Instances that a runner may hold for all its plugins. */
  readonly instancesMax: number;
  /** Waiting calls in all, and of one caller. */
  readonly queuedMax: number;
  readonly callerQueuedMax: number;
  readonly queueMs: number;
}
