import assert from "node:assert/strict";
import { HostError } from "#manifests/errors.ts";
import { parsePluginReference } from "#manifests/names.ts";
import { quote } from "#manifests/quote.ts";
import type { Audit } from "./audit.ts";
import type { Calls } from "./calls.ts";
import { purgeData } from "./capabilities/files/places.ts";
import type { GuestLogs } from "./guest-logs.ts";
import type { Keeper } from "./gc.ts";
import { type RunHook, sayFarewell } from "./hooks.ts";
import type { Plugins, PluginView } from "./host.ts";
import type { GrantBook } from "./grants/book.ts";
import type { Active, Installed, Shelf } from "./installed.ts";
import type { Caller } from "./keys.ts";
import type { Quarantine } from "./quarantine.ts";
import type { SecretSettings, SplitConfig } from "./secret-settings.ts";
import { type ApartOptions, checkApart } from "./sandbox/preparer.ts";
import type { Clock } from "./clock.ts";
import type { Files } from "./store/files.ts";
import type { LoadWish } from "./loader.ts";
import type { PluginStore } from "./store/plugins.ts";
import { bindingOf, type Config, type PluginState, type VersionRecord } from "./store/records.ts";
import type { Turns } from "./turns.ts";
import { activeVersion, toView } from "./views.ts";

/** What the acts on installed plugins need of the host. */
export interface PluginsParts {
  readonly clock: Clock;
  readonly shelf: Shelf;
  readonly grants: GrantBook;
  readonly store: PluginStore;
  readonly files: Files;
  readonly audit: Audit;
  readonly logs: GuestLogs;
  readonly home: { readonly data: string };
  readonly calls: Calls;
  readonly quarantine: Quarantine;
  readonly load: (installed: Installed, version: VersionRecord, wish?: LoadWish) => Active;
  readonly turns: Turns;
  readonly runHook: RunHook;
  readonly keeper: Keeper;
  readonly retire: (active: Active) => void;
  readonly settings: SecretSettings;
  /** How configurations are checked apart. */
  readonly apart?: ApartOptions;
}

/** Creates the acts on installed plugins. */
export function createPlugins(parts: PluginsParts): Plugins {
  return new PluginActs(parts);
}

class PluginActs implements Plugins {
  readonly #parts: PluginsParts;

  constructor(parts: PluginsParts) {
    this.#parts = parts;
  }

  list(): readonly PluginView[] {
    return this.#parts.shelf.all().map(toView);
  }

  info(id: string): PluginView {
    return toView(this.#parts.shelf.get(id));
  }

  async manifest(id: string): Promise<unknown> {
    const version = activeVersion(this.#parts.shelf.get(id));
    const path = "manifest.json";
    const expected = version.files[path];
    assert(expected, "every package has its manifest");
    const bytes = await this.#parts.files.readFile(version, path, expected);
    return JSON.parse(Buffer.from(bytes).toString());
  }

  /** @throws ASSET_NOT_FOUND */
  async asset(id: string, path: string) {
    const { version } = this.#parts.shelf.callable(parsePluginReference(id));
    const full = `assets/${path}`;
    // Looked up, never joined: only a name that the package has leads to a file.
    const digest = Object.hasOwn(version.files, full) ? version.files[full] : undefined;
    if (digest === undefined)
      throw new HostError("ASSET_NOT_FOUND", { plugin: id, path: quote(path) });
    return { bytes: await this.#parts.files.readFile(version, full, digest), digest };
  }

  config(id: string): Config {
    const installed = this.#parts.shelf.get(id);
    return this.#parts.settings.shown(activeVersion(installed), installed.config);
  }

  /** @throws CONFIG_INVALID, CONFIG_REFUSED */
  async setConfig(id: string, value: unknown, by: Caller): Promise<Config> {
    using _ = await this.#parts.turns.take(id);
    const installed = this.#parts.shelf.get(id);
    const version = activeVersion(installed);
    const { settings } = this.#parts;
    const split = settings.split(version, asConfig(id, value), installed.config);
    const config = await checkConfig(this.#parts, version, split);
    await this.#audit(by, "config", "set", installed);
    using __ = settings.trying(version, split);
    const active = this.#parts.load(installed, version, { config });
    try {
      // What somebody stopped is not run to be told.
      if (installed.plugin.state === "enabled") await this.#tellConfig(active, config, by);
      await settings.keep(version, split);
      await this.#parts.store.setConfig(bindingOf(version), split.open);
    } catch (error) {
      this.#parts.retire(active);
      throw error;
    }
    installed.config = split.open;
    const old = installed.loaded.get(version.digest);
    if (old) active.pool.behind(old.pool);
    this.#rest(installed);
    installed.loaded.set(version.digest, active);
    return split.open;
  }

  /** @throws CONFIG_REFUSED */
  async #tellConfig(active: Active, config: Config, by: Caller): Promise<void> {
    try {
      await active.pool.warm();
      await this.#parts.runHook(active, { hook: "config", input: config, by });
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      const { plugin } = active.version;
      throw new HostError("CONFIG_REFUSED", { plugin, message: error.message }, { cause: error });
    }
  }

  enable(id: string, by: Caller): Promise<PluginView> {
    this.#parts.quarantine.forgive(id);
    return this.#setState(id, by, "enable", "enabled");
  }

  start(id: string, by: Caller): Promise<PluginView> {
    return this.#setState(id, by, "start", "enabled");
  }

  async disable(id: string, by: Caller): Promise<PluginView> {
    const view = await this.#setState(id, by, "disable", "disabled");
    this.#rest(this.#parts.shelf.get(id));
    return view;
  }

  async stop(id: string, by: Caller): Promise<PluginView> {
    // At once, also while somebody else changes the plugin; for good when it is our turn.
    const installed = this.#parts.shelf.get(id);
    installed.plugin = { ...installed.plugin, state: "stopped", reason: `stop by ${by.owner}` };
    this.#parts.calls.cancelAll(id);
    const view = await this.#setState(id, by, "stop", "stopped");
    this.#parts.calls.cancelAll(id);
    this.#rest(this.#parts.shelf.get(id));
    return view;
  }

  async remove(id: string, by: Caller, options: { readonly purge: boolean }): Promise<void> {
    using _ = await this.#parts.turns.take(id);
    const installed = this.#parts.shelf.get(id);
    await this.#audit(by, "plugin", options.purge ? "purge" : "remove", installed);
    await sayFarewell(this.#parts, installed, by);
    const unreferenced = await this.#parts.store.remove(installed.plugin.id, options);
    // Calls in flight finish, and may do no more than compute.
    installed.grants = null;
    this.#parts.shelf.strip(id);
    this.#parts.shelf.drop(id);
    this.#parts.grants.forget(installed.plugin.id);
    this.#rest(installed);
    await this.#parts.keeper.discard(unreferenced);
    if (options.purge) await this.#purge(installed);
  }

  async #purge({ plugin, versions }: Installed): Promise<void> {
    const { logs, home } = this.#parts;
    await logs.remove(plugin.id);
    for (const version of versions) await purgeData(home.data, bindingOf(version));
    await this.#parts.settings.purge(plugin.id);
  }

  async logs(id: string, limit: number) {
    this.#parts.shelf.get(id);
    return this.#parts.logs.read(id, limit);
  }

  follow(id: string, onLine: Parameters<Plugins["follow"]>[1]): Disposable {
    this.#parts.shelf.get(id);
    return this.#parts.logs.follow(id, onLine);
  }

  async #setState(id: string, by: Caller, act: string, state: PluginState): Promise<PluginView> {
    using _ = await this.#parts.turns.take(id);
    const installed = this.#parts.shelf.get(id);
    await this.#audit(by, "plugin", act, installed);
    const reason = state === "enabled" ? null : `${act} by ${by.owner}`;
    await this.#parts.store.setState(installed.plugin.id, state, reason);
    const updatedAt = this.#parts.clock.now();
    installed.plugin = { ...installed.plugin, state, reason, updatedAt };
    return toView(installed);
  }

  /** Lets the modules of a plugin go; calls in flight finish. */
  #rest(installed: Installed): void {
    for (const active of installed.loaded.values()) this.#parts.retire(active);
    installed.loaded.clear();
  }

  async #audit(by: Caller, kind: "plugin" | "config", act: string, of: Installed): Promise<void> {
    const { version, digest } = activeVersion(of);
    const { id: plugin } = of.plugin;
    const { owner, id: keyId } = by;
    this.#parts.audit.append({
      kind,
      act,
      decision: "allowed",
      owner,
      keyId,
      plugin,
      version,
      digest,
    });
    await this.#parts.audit.committed();
  }
}

/** @throws CONFIG_INVALID */
function asConfig(plugin: string, value: unknown): Config {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Config;
  throw new HostError("CONFIG_INVALID", { plugin, path: "$", problem: "must be an object" });
}

/** Checks a configuration against the author's schema, apart from the host. @throws CONFIG_INVALID */
async function checkConfig(
  { apart }: Pick<PluginsParts, "apart">,
  { plugin, manifest: { config: schema } }: VersionRecord,
  { whole, secrets }: SplitConfig,
): Promise<Config> {
  const refuse = (path: string, problem: string) =>
    new HostError("CONFIG_INVALID", { plugin, path, problem });
  if (schema === null && Object.keys(whole).length > 0)
    throw refuse("$", "must be empty: it has none");
  const fault = schema === null ? undefined : await checkApart({ schema, value: whole }, apart);
  if (fault === undefined) return whole;
  // A problem is told with what was found, and that is not shown of a secret.
  const isSecret = [...secrets.keys()].some((name) => fault.path.includes(name));
  throw refuse(fault.path, isSecret ? "must be what its schema says" : fault.problem);
}
