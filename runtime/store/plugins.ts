import assert from "node:assert/strict";
import type Database from "better-sqlite3";
import { sql as literal } from "kysely";
import type { Binding, BoundGrants } from "#manifests/grants.ts";
import type { Digest, PluginId, Version } from "#manifests/names.ts";
import type { Clock } from "#runtime/clock.ts";
import { type Activated, readActivations, readHighest, writeActivation } from "./activations.ts";
import { all, run, sql, transact } from "./query.ts";
import {
  bindingOf,
  type Config,
  type InstalledPlugin,
  isSameBinding,
  type ModuleRecord,
  type PluginRecord,
  type PluginState,
  type VersionRecord,
} from "./records.ts";

/** A version that is to answer from now on, and what it may do. */
export interface Activation {
  readonly version: VersionRecord;
  /** For the digest of this version: consent to one package is consent to no other. */
  readonly grants: BoundGrants;
  readonly config: Config;
  readonly state: PluginState;
  readonly reason: string | null;
}

/** What lies in the file store for nobody any more. */
export interface Unreferenced {
  readonly packages: readonly { readonly plugin: PluginId; readonly digest: Digest }[];
  readonly modules: readonly Digest[];
}

/** The installed plugins, as they are on disk. Every method is durable when it resolves. */
export interface PluginStore {
  loadAll(): Promise<readonly InstalledPlugin[]>;
  /**
   * Writes plugin, version, grants and settings in one step.
   *
   * @returns the digest of the version that answered until now, or null
   */
  activate(activation: Activation): Promise<Digest | null>;
  setState(id: PluginId, state: PluginState, reason: string | null): Promise<void>;
  setGrants(grants: BoundGrants): Promise<void>;
  setConfig(binding: Binding, config: Config): Promise<void>;
  /** Settings kept from an earlier install of the same plugin; empty when there are none. */
  keptConfig(binding: Binding): Promise<Config>;
  /** The versions that have answered and are still there, the latest first. */
  activations(id: PluginId): Promise<readonly Activated[]>;
  /** The highest version that ever answered; null when none did. */
  highest(binding: Binding): Promise<Version | null>;
  /** Notes that a version was metered again. */
  setModule(id: PluginId, digest: Digest, module: ModuleRecord): Promise<Unreferenced>;
  /** Forgets a version that is not the active one. */
  forget(id: PluginId, digest: Digest): Promise<Unreferenced>;
  /** Removes a plugin and its grants; settings and kept values stay unless they are purged. */
  remove(id: PluginId, options: { readonly purge: boolean }): Promise<Unreferenced>;
}

/** Returns the plugins of a database. */
export function createPluginStore(database: Database.Database, clock: Clock): PluginStore {
  const act = <Result>(writes: () => Result) => transact(database, writes);
  return {
    loadAll: () => act(() => loadAll(database)),
    activate: (activation) => act(() => activate(database, activation, clock.now())),
    setState: (id, state, reason) =>
      act(() => {
        const set = { state, reason, updatedAt: clock.now() };
        changeOne(run(database, sql.updateTable("plugins").set(set).where("id", "=", id)));
      }),
    setGrants: (grants) => act(() => writeGrants(database, grants)),
    setConfig: (binding, config) => act(() => writeConfig(database, binding, config)),
    keptConfig: (binding) => act(() => readConfig(database, binding)),
    activations: (id) => act(() => readActivations(database, id)),
    highest: (binding) => act(() => readHighest(database, binding)),
    setModule: (id, digest, { meteredDigest, passVersion, prepared }) =>
      act(() =>
        unreferencedAfter(database, id, () => {
          const set = { meteredDigest, passVersion, prepared: JSON.stringify(prepared) };
          const statement = sql.updateTable("versions").set(set);
          changeOne(run(database, statement.where("plugin", "=", id).where("digest", "=", digest)));
        }),
      ),
    forget: (id, digest) =>
      act(() => unreferencedAfter(database, id, () => forget(database, id, digest))),
    remove: (id, { purge }) =>
      act(() => unreferencedAfter(database, id, () => remove(database, id, purge))),
  };
}

function changeOne(changes: number): void {
  assert.equal(changes, 1, "what is changed is there");
}

function loadAll(database: Database.Database): InstalledPlugin[] {
  const plugins = all(database, sql.selectFrom("plugins").selectAll().orderBy("id"));
  return plugins.map((row) => {
    const plugin = row as PluginRecord;
    const grants = readGrants(database, plugin.id);
    const versions = readVersions(database, plugin.id);
    const active = versions.find(({ digest }) => digest === plugin.activeDigest);
    assert(active !== undefined, "the active version of a plugin is there");
    return { plugin, versions, grants, config: readConfig(database, bindingOf(active)) };
  });
}

function readVersions(database: Database.Database, id: string): VersionRecord[] {
  const query = sql.selectFrom("versions").selectAll().where("plugin", "=", id);
  return all(database, query.orderBy("installedAt").orderBy("digest")).map((row) => ({
    ...(row as unknown as VersionRecord),
    manifest: JSON.parse(row.manifest),
    files: JSON.parse(row.files),
    source: JSON.parse(row.source),
    signer: JSON.parse(row.signer),
    prepared: JSON.parse(row.prepared),
  }));
}

function readGrants(database: Database.Database, id: string): BoundGrants | null {
  const [row] = all(database, sql.selectFrom("grants").selectAll().where("plugin", "=", id));
  if (row === undefined) return null;
  return { ...row, plugin: row.plugin as PluginId, grants: JSON.parse(row.grants) };
}

function readConfig(database: Database.Database, binding: Binding): Config {
  const query = sql.selectFrom("configs").select("config").where("plugin", "=", binding.plugin);
  const own = query.where("source", "=", binding.source).where("signer", "=", binding.signer);
  const [row] = all(database, own);
  return row === undefined ? {} : JSON.parse(row.config);
}

function writeGrants(database: Database.Database, grants: BoundGrants): void {
  const { plugin, source, signer, digest, grantedAt, grantedBy } = grants;
  const text = JSON.stringify(grants.grants);
  const row = { plugin, source, signer, digest, grants: text, grantedAt, grantedBy };
  run(database, sql.replaceInto("grants").values(row));
}

function writeConfig(database: Database.Database, binding: Binding, config: Config): void {
  const { plugin, source, signer } = binding;
  const row = { plugin, source, signer, config: JSON.stringify(config) };
  run(database, sql.replaceInto("configs").values(row));
}

function activate(database: Database.Database, activation: Activation, now: number): Digest | null {
  const { version, grants, config } = activation;
  const binding = bindingOf(version);
  assert.equal(grants.digest, version.digest, "consent was given to this digest");
  assert(isSameBinding(grants, binding), "consent was given to this signer's plugin");
  const replaced = readActive(database, version.plugin);
  const grantsBefore = readGrants(database, version.plugin);
  run(database, pluginStatement(activation, replaced, now));
  run(database, versionStatement(version));
  writeActivation(database, { version, grants, grantsBefore, now });
  writeGrants(database, grants);
  writeConfig(database, binding, config);
  return replaced?.digest ?? null;
}

function readActive(database: Database.Database, id: PluginId): VersionRecord | undefined {
  const query = sql.selectFrom("plugins").select("activeDigest").where("id", "=", id);
  const [row] = all(database, query);
  return readVersions(database, id).find(({ digest }) => digest === row?.activeDigest);
}

function pluginStatement(
  { version, state, reason }: Activation,
  replaced: VersionRecord | undefined,
  now: number,
) {
  const isNew = replaced?.digest !== version.digest;
  const isOwn = replaced !== undefined && isSameBinding(bindingOf(replaced), bindingOf(version));
  const set = {
    state,
    reason,
    activeDigest: version.digest,
    updatedAt: now,
    // Of another signer's version there is no way back: its grants are gone.
    ...(isNew && { previousDigest: isOwn ? replaced.digest : null }),
  };
  return sql
    .insertInto("plugins")
    .values({ id: version.plugin, createdAt: now, ...set })
    .onConflict((conflict) => conflict.column("id").doUpdateSet(set));
}

function versionStatement(version: VersionRecord) {
  const { manifest, files, source, signer, prepared, ...plain } = version;
  return sql.replaceInto("versions").values({
    ...plain,
    manifest: JSON.stringify(manifest),
    files: JSON.stringify(files),
    source: JSON.stringify(source),
    signer: JSON.stringify(signer),
    prepared: JSON.stringify(prepared),
  });
}

function forget(database: Database.Database, id: PluginId, digest: Digest): void {
  const active = sql.selectFrom("plugins").select("id").where("activeDigest", "=", digest);
  assert.equal(all(database, active.where("id", "=", id)).length, 0, "the version is not active");
  const row = sql.deleteFrom("versions").where("plugin", "=", id).where("digest", "=", digest);
  changeOne(run(database, row));
  const previous = sql.updateTable("plugins").set({ previousDigest: null }).where("id", "=", id);
  run(database, previous.where("previousDigest", "=", digest));
}

function remove(database: Database.Database, id: PluginId, purge: boolean): void {
  run(database, sql.deleteFrom("plugins").where("id", "=", id));
  if (!purge) return;
  run(database, sql.deleteFrom("configs").where("plugin", "=", id));
  // A space may hold a million values: from here on it is nobody's, and `sweep` deletes it in parts.
  const nobody = { plugin: "", source: "", signer: "", owner: literal<string>`space` };
  run(database, sql.updateTable("kvSpaces").set(nobody).where("plugin", "=", id));
}

/** Says what a change of one plugin's versions leaves in the file store without a use. */
function unreferencedAfter(
  database: Database.Database,
  id: PluginId,
  change: () => void,
): Unreferenced {
  const before = readVersions(database, id);
  change();
  const after = new Set(readVersions(database, id).map(({ digest }) => digest));
  const modules = new Set(before.map(({ meteredDigest }) => meteredDigest));
  // Two plugins whose modules are equal share one file.
  const used = sql.selectFrom("versions").select("meteredDigest").distinct();
  for (const row of all(database, used.where("meteredDigest", "in", [...modules])))
    modules.delete(row.meteredDigest as Digest);
  return {
    packages: before
      .filter(({ digest }) => !after.has(digest))
      .map(({ plugin, digest }) => ({ plugin, digest })),
    modules: [...modules],
  };
}
