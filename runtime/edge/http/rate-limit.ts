import type { Clock } from "../../clock.ts";

/** Requests that somebody may make, as a bucket that fills at a steady rate. */
export interface RateLimit {
  /** Takes one from the bucket of a name; the seconds until there is one when it is empty, else 0. */
  spend(name: string, perMinute: number): number;
}

interface Bucket {
  left: number;
  atMs: number;
}

/**
 * Creates buckets by name: each holds a minute's worth and fills evenly.
 *
 * @param namesMax  buckets kept; beyond it the oldest is forgotten
 */
export function createRateLimit(namesMax: number, clock: Clock): RateLimit {
  const buckets = new Map<string, Bucket>();
  return {
    spend(name, perMinute) {
      const now = clock.monotonic();
      const bucket = buckets.get(name) ?? add(buckets, name, { left: perMinute, atMs: now });
      const filled = bucket.left + ((now - bucket.atMs) * perMinute) / 60_000;
      bucket.left = Math.min(perMinute, filled);
      bucket.atMs = now;
      if (bucket.left < 1) return Math.ceil(((1 - bucket.left) * 60) / perMinute);
      bucket.left -= 1;
      return 0;
    },
  };

  function add(all: Map<string, Bucket>, name: string, bucket: Bucket): Bucket {
    if (all.size >= namesMax) all.delete(all.keys().next().value ?? name);
    all.set(name, bucket);
    return bucket;
  }
}

/**
 * Returns the name under which an address is counted: itself, or the /64 of an IPv6 address.
 *
 * One household owns 2^64 IPv6 addresses, so a single one says nothing.
 */
export function addressGroup(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const padded = tail === undefined ? groups : [...groups, "0", "0", "0", "0"];
  return `${padded.slice(0, 4).join(":")}::/64`;
}
