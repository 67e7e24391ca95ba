import type { Config } from "#manifests/config.ts";
import type { Caller } from "../../keys.ts";

const mebibyte = 2 ** 20;

/** What a drill may have of the machine: one core is the business of who runs it. */
export const drillMemory = {
  /** Resident bytes of one runner: Node itself, and what a guest of 16 MiB needs. */
  runnerBytesMax: 224 * mebibyte,
  runnersBytesMax: 256 * mebibyte,
} as const;

/** Under whom the records of a drill stand. */
export const driller: Caller = {
  kind: "owner",
  id: "drill",
  owner: "drill",
  scopes: ["admin"],
  ratePerMinute: 0,
};

/**
 * Returns the operator's configuration as a drill may use it: what protects is left as it is, limits
 * are lowered, and everything that would leave the machine is taken out.
 */
export function practiceOf(config: Config): Config {
  const { defaults, runners, server, events, audit, network } = config;
  return {
    ...config,
    server: {
      ...{ ...server, host: "127.0.0.1", port: 0, tlsCert: null, tlsKey: null },
      ...{ behindProxy: [], allowedAddresses: [], refusedAddresses: [] },
    },
    defaults: {
      ...defaults,
      memoryBytes: Math.min(defaults.memoryBytes, 16 * mebibyte),
      timeoutMs: Math.min(defaults.timeoutMs, 1_000),
    },
    runners: { ...runners, max: Math.min(runners.max, 2) },
    // Drills install what nobody signed; whether the operator admits that is a drill of its own.
    trust: { ...config.trust, unsigned: "local" },
    events: { ...events, url: "", command: null },
    audit: { ...audit, heads: "" },
    network: { ...network, proxy: "" },
    // Of its own, in the home that goes: the operator's key and keyring are not touched.
    vault: { ...config.vault, key: "file" },
    secrets: { ...config.secrets, onLeak: "redact" },
  };
}
