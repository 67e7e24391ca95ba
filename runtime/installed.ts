import { HostError } from "#manifests/errors.ts";
import type { BoundGrants } from "#manifests/grants.ts";
import type { Tool } from "#manifests/manifest.ts";
import {
  type Digest,
  isInRange,
  type Pick,
  type PluginId,
  type PluginReference,
} from "#manifests/names.ts";
import type { PluginLimits } from "#manifests/plugin-limits.ts";
import { quote } from "#manifests/quote.ts";
import type { Guarded } from "./capabilities/capability.ts";
import type { Holding } from "./grants/book.ts";
import type { Manner } from "./grants/narrow.ts";
import type { Pool } from "./sandbox/pool.ts";
import type { Config, PluginRecord, VersionRecord } from "./store/records.ts";

/** A host function as a version imports it. */
export interface LinkedFunction {
  /** Import module and name, with a dot between. */
  readonly name: string;
  readonly guarded: Guarded;
  /** Whether asking twice is as good as asking once. */
  readonly reads: boolean;
}

/** One version of a plugin that can be called. */
export interface Active {
  readonly version: VersionRecord;
  readonly limits: PluginLimits;
  readonly pool: Pool;
  /** Tools by name, with their place in the plan. */
  readonly tools: ReadonlyMap<string, { readonly index: number; readonly tool: Tool }>;
  /** Hooks by what they are for, with their place in the plan. */
  readonly hooks: ReadonlyMap<string, number>;
  /** Host functions in the order of their numbers on the wire. */
  readonly functions: readonly LinkedFunction[];
  /** Returns what tells what holds in a call that is made in a certain manner. */
  readonly holdings: (manner: Manner) => Holding;
}

/** An installed plugin, as the host holds it in memory. */
export interface Installed {
  plugin: PluginRecord;
  versions: readonly VersionRecord[];
  grants: BoundGrants | null;
  config: Config;
  /** Versions that are loaded, by digest: the active one, and others that somebody addressed. */
  readonly loaded: Map<Digest, Active>;
  /** Edits under way that take grants away: no version may be activated with what it had before. */
  narrowing?: number;
}

/** The installed plugins in memory: what the call path reads, written through by those who change it. */
export class Shelf {
  readonly #plugins = new Map<string, Installed>();
  readonly #former = new Map<string, readonly WeakRef<Installed>[]>();
  readonly #load: (installed: Installed, version: VersionRecord) => Active;

  /** @param load makes a version ready to be called; cheap, its runner starts at the first call */
  constructor(load: (installed: Installed, version: VersionRecord) => Active) {
    this.#load = load;
  }

  get size(): number {
    return this.#plugins.size;
  }

  all(): readonly Installed[] {
    return [...this.#plugins.values()].sort((a, b) => (a.plugin.id < b.plugin.id ? -1 : 1));
  }

  find(id: string): Installed | undefined {
    return this.#plugins.get(id);
  }

  /** @throws PLUGIN_NOT_FOUND */
  get(id: string): Installed {
    const found = this.#plugins.get(id);
    if (found) return found;
    throw new HostError("PLUGIN_NOT_FOUND", { plugin: quote(id) });
  }

  put(id: PluginId, installed: Installed): void {
    const before = this.#plugins.get(id);
    if (before !== undefined && before !== installed) this.#keepFormer(id, before);
    this.#plugins.set(id, installed);
  }

  drop(id: string): void {
    const before = this.#plugins.get(id);
    if (before !== undefined) this.#keepFormer(id, before);
    this.#plugins.delete(id);
  }

  /** Takes the grants from all that was installed under an id before: its calls may still run. */
  strip(id: string): void {
    for (const former of this.#former.get(id) ?? []) {
      const installed = former.deref();
      if (installed !== undefined) installed.grants = null;
    }
    this.#former.delete(id);
  }

  #keepFormer(id: string, before: Installed): void {
    const former = (this.#former.get(id) ?? []).filter((each) => each.deref() !== undefined);
    this.#former.set(id, [...former, new WeakRef(before)]);
  }

  /**
   * Returns a version that may be called now: the active one unless another is named.
   *
   * @throws PLUGIN_NOT_FOUND, VERSION_NOT_FOUND, PLUGIN_INACTIVE
   */
  callable({ id, pick }: PluginReference): Active {
    const installed = this.get(id);
    const { plugin } = installed;
    if (plugin.state !== "enabled") {
      const command = plugin.state === "stopped" ? "start" : "enable";
      throw new HostError("PLUGIN_INACTIVE", { plugin: id, state: plugin.state, command });
    }
    if (pick.kind === "newest") return this.loaded(installed, plugin.activeDigest);
    const found = installed.versions.findLast((each) => fits(each, pick));
    if (found) return this.loaded(installed, found.digest);
    const version = quote(
      "range" in pick ? pick.range : "version" in pick ? pick.version : pick.digest,
    );
    throw new HostError("VERSION_NOT_FOUND", { plugin: id, version });
  }

  /** Returns a version of a plugin, loaded once. */
  loaded(installed: Installed, digest: Digest): Active {
    const known = installed.loaded.get(digest);
    if (known) return known;
    const version = installed.versions.find((each) => each.digest === digest) as VersionRecord;
    const active = this.#load(installed, version);
    installed.loaded.set(digest, active);
    return active;
  }
}

function fits(version: VersionRecord, pick: Exclude<Pick, { readonly kind: "newest" }>): boolean {
  if (pick.kind === "digest") return version.digest === pick.digest;
  if (pick.kind === "version") return version.version === pick.version;
  return isInRange(version.version, pick.range);
}
