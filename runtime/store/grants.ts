import type { PluginId } from "#manifests/names.ts";
import type { Clock } from "#runtime/clock.ts";
import type { Hot } from "./hot.ts";

/** How often a grant of a plugin was used. */
export interface GrantUse {
  readonly plugin: PluginId;
  /** Names the grant. */
  readonly grant: string;
  readonly used: number;
}

/** What is kept of grants besides the grants: what of them is spent, and how late it has been. */
export interface GrantState {
  readonly used: readonly GrantUse[];
  /** The latest time that was ever seen here, in milliseconds since 1970; 0 in a new home. */
  readonly highWater: number;
  /** Of this home alone; what plugins are told of callers is derived from it. */
  readonly callerKey: Uint8Array;
}

/**
 * The books of grants, behind the queue of the call path: what is queued before an effect is
 * committed before its call is answered.
 */
export interface GrantBooks {
  load(): GrantState;
  /** Queues how often a grant was used; the count of a grant never falls. */
  setUsed(use: GrantUse): void;
  /** Queues that it has been this late. */
  setHighWater(at: number): void;
  /** Forgets grants of a plugin but those that are named, which may be new. */
  keepOnly(plugin: PluginId, uses: readonly GrantUse[]): void;
  /** Resolves when all that was queued is committed. @throws STORAGE_FULL, AUDIT_FAILED */
  committed(): Promise<void>;
}

const callerKeyBytes = 32;

/** Returns the books of a database. */
export function createGrantBooks(hot: Hot, clock: Clock): GrantBooks {
  const counts = hot.prepare<[], GrantUse>("SELECT * FROM grantUses");
  const count = hot.prepare<[string, string, number]>(
    `INSERT INTO grantUses (grant, plugin, used) VALUES (?, ?, ?)
     ON CONFLICT (grant) DO UPDATE SET used = max(used, excluded.used)`,
  );
  const drop = hot.prepare<[string]>("DELETE FROM grantUses WHERE plugin = ?");
  const read = hot.prepare<[string], { value: string }>("SELECT value FROM meta WHERE key = ?");
  const write = hot.prepare<[string, string]>(
    "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
  );
  const callerKey = (): Uint8Array => {
    const known = read.get("callerKey")?.value;
    if (known !== undefined) return Buffer.from(known, "base64url");
    const made = clock.random(callerKeyBytes);
    write.run("callerKey", Buffer.from(made).toString("base64url"));
    return made;
  };
  return {
    load: () => ({
      used: counts.all(),
      highWater: Number(read.get("highWater")?.value ?? 0),
      callerKey: callerKey(),
    }),
    setUsed: ({ grant, plugin, used }) => hot.record(() => void count.run(grant, plugin, used)),
    setHighWater: (at) => hot.record(() => void write.run("highWater", String(at))),
    keepOnly: (plugin, uses) =>
      hot.record(() => {
        drop.run(plugin);
        for (const { grant, used } of uses) count.run(grant, plugin, used);
      }),
    committed: () => hot.flushed(),
  };
}
