import type Database from "better-sqlite3";
import type { Binding, BoundGrants, Grants } from "#manifests/grants.ts";
import { compareVersions, type Digest, type PluginId, type Version } from "#manifests/names.ts";
import { all, run, sql } from "./query.ts";
import { bindingOf, type VersionRecord } from "./records.ts";

/** A version that has answered. */
export interface Activated {
  readonly digest: Digest;
  /** Milliseconds since 1970. */
  readonly activatedAt: number;
  /** What it was granted when it answered last. */
  readonly grants: Grants;
}

/** A version that answers from now on, and what was granted before. */
export interface NewActivation {
  readonly version: VersionRecord;
  readonly grants: BoundGrants;
  readonly grantsBefore: BoundGrants | null;
  readonly now: number;
}

/** Writes that a version answers from now on, and with which grants the one before it did at last. */
export function writeActivation(database: Database.Database, activation: NewActivation): void {
  const { version, grants, grantsBefore, now } = activation;
  if (grantsBefore !== null) {
    const set = sql.updateTable("activations").set({ grants: JSON.stringify(grantsBefore.grants) });
    const own = set.where("plugin", "=", version.plugin).where("digest", "=", grantsBefore.digest);
    run(database, own);
  }
  const { plugin, digest } = version;
  const text = JSON.stringify(grants.grants);
  // They have an order also when the clock stands still or is set back.
  const last = readActivations(database, plugin)[0]?.activatedAt ?? 0;
  const row = { plugin, digest, activatedAt: Math.max(now, last + 1), grants: text };
  run(database, sql.replaceInto("activations").values(row));
  const binding = bindingOf(version);
  const highest = readHighest(database, binding);
  if (highest !== null && compareVersions(highest, version.version) >= 0) return;
  run(database, sql.replaceInto("highest").values({ ...binding, version: version.version }));
}

/** Returns the versions of a plugin that have answered and are still there, the latest first. */
export function readActivations(database: Database.Database, id: PluginId): Activated[] {
  const query = sql.selectFrom("activations").selectAll().where("plugin", "=", id);
  return all(database, query.orderBy("activatedAt", "desc").orderBy("digest")).map((row) => ({
    digest: row.digest as Digest,
    activatedAt: row.activatedAt,
    grants: JSON.parse(row.grants),
  }));
}

/** Returns the highest version of a plugin that ever answered, or null. */
export function readHighest(database: Database.Database, binding: Binding): Version | null {
  const query = sql.selectFrom("highest").select("version").where("plugin", "=", binding.plugin);
  const own = query.where("source", "=", binding.source).where("signer", "=", binding.signer);
  return (all(database, own)[0]?.version as Version | undefined) ?? null;
}
