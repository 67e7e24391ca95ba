import type { Logger } from "pino";
import type { Config } from "#manifests/config.ts";
import type { Digest } from "#manifests/names.ts";
import type { Audit } from "./audit.ts";
import type { Clock } from "./clock.ts";
import type { Installed, Shelf } from "./installed.ts";
import { type Caller, owner } from "./keys.ts";
import { isBusy, type Retired } from "./retired.ts";
import type { Files, IsUsed, StoredEntry } from "./store/files.ts";
import type { PluginStore, Unreferenced } from "./store/plugins.ts";
import type { VersionRecord } from "./store/records.ts";
import type { Turns } from "./turns.ts";

/** How often a host looks for what nobody needs: what an install left behind is no hurry. */
const everyMs = 24 * 3_600_000;
/** When it looks first: a host that has just started has better things to do. */
const firstMs = 10 * 60_000;

/** What keeping the store in order needs of the host. */
export interface KeepParts {
  readonly clock: Clock;
  readonly config: () => Config;
  readonly shelf: Shelf;
  readonly store: PluginStore;
  readonly files: Files;
  readonly audit: Audit;
  readonly turns: Turns;
  readonly retired: Retired;
  readonly log: Logger;
}

/** What was removed, or would be. */
export interface Collected {
  readonly dryRun: boolean;
  /** Versions that are no longer there to go back to. */
  readonly versions: readonly { readonly plugin: string; readonly version: string }[];
  /** Files that nothing referred to. */
  readonly orphans: number;
  readonly freedBytes: number;
  readonly usedBytes: number;
  readonly quotaBytes: number;
}

/** Keeps the store in order: what no version refers to goes, and versions that are too many. */
export interface Keeper {
  /** Takes files out of the store unless something refers to them. @returns the bytes that were freed */
  discard(unreferenced: Unreferenced): Promise<number>;
  /** Forgets old versions of a plugin beyond those that are kept; its turn must be held. Never rejects. */
  prune(installed: Installed, by: Caller): Promise<void>;
  /** Looks through the whole store. */
  collect(by: Caller, options: { readonly dryRun: boolean }): Promise<Collected>;
}

/** Creates what keeps the store of a host in order. */
export function createKeeper(parts: KeepParts): Keeper {
  return new StoreKeeper(parts);
}

/** Looks through the store once a day until disposed. */
export function collectDaily({ keeper, log }: { keeper: Keeper; log: Logger }): Disposable {
  const look = (): void => {
    keeper.collect(owner, { dryRun: false }).then(
      ({ freedBytes, orphans, versions }) => {
        if (freedBytes > 0) log.info({ freedBytes, orphans, versions }, "the store was tidied");
      },
      (error: unknown) => log.error({ err: error }, "the store could not be tidied"),
    );
  };
  const first = setTimeout(look, firstMs).unref();
  const daily = setInterval(look, everyMs).unref();
  return {
    [Symbol.dispose]() {
      clearTimeout(first);
      clearInterval(daily);
    },
  };
}

class StoreKeeper implements Keeper {
  readonly #parts: KeepParts;

  constructor(parts: KeepParts) {
    this.#parts = parts;
  }

  discard(unreferenced: Unreferenced): Promise<number> {
    return this.#parts.files.remove(unreferenced, this.#isUsed);
  }

  async prune(installed: Installed, by: Caller): Promise<void> {
    try {
      for (const version of await this.#surplusOf(installed))
        await this.#forget(installed, version, by);
    } catch (error) {
      const { id } = installed.plugin;
      this.#parts.log.error({ err: error, plugin: id }, "old versions could not be forgotten");
    }
  }

  async collect(by: Caller, { dryRun }: { readonly dryRun: boolean }): Promise<Collected> {
    const { shelf, files, turns, config } = this.#parts;
    const surplus: VersionRecord[] = [];
    let freedBytes = 0;
    for (const { plugin } of shelf.all()) {
      using _ = await turns.take(plugin.id);
      const installed = shelf.find(plugin.id);
      if (installed === undefined) continue;
      for (const version of await this.#surplusOf(installed)) {
        surplus.push(version);
        if (!dryRun) freedBytes += await this.#forget(installed, version, by);
      }
    }
    const orphans = await this.#orphans(surplus);
    for (const entry of orphans) freedBytes += dryRun ? entry.bytes : await this.#remove(entry);
    return {
      dryRun,
      versions: surplus.map(({ plugin, version }) => ({ plugin, version })),
      orphans: orphans.length,
      freedBytes,
      usedBytes: await files.usedBytes(),
      quotaBytes: config().store.quotaBytes,
    };
  }

  readonly #isUsed: IsUsed = (what) => {
    const { shelf, retired } = this.#parts;
    if (what.kind === "package")
      return (
        shelf.find(what.plugin)?.versions.some(({ digest }) => digest === what.digest) ?? false
      );
    const isReferred = shelf
      .all()
      .some(({ versions }) => versions.some(({ meteredDigest }) => meteredDigest === what.digest));
    return isReferred || retired.needs(what.digest);
  };

  /** Versions beyond those that are kept: not the active one, and none whose calls still run. */
  async #surplusOf({ plugin, versions, loaded }: Installed): Promise<readonly VersionRecord[]> {
    const { store, config } = this.#parts;
    const order = (await store.activations(plugin.id)).map(({ digest }) => digest);
    const rank = ({ digest }: VersionRecord): number => {
      const place = order.indexOf(digest);
      return place < 0 ? order.length : place;
    };
    const others = versions.filter(({ digest }) => digest !== plugin.activeDigest);
    const isRunning = (digest: Digest): boolean => {
      const active = loaded.get(digest);
      return active !== undefined && isBusy(active);
    };
    return others
      .sort((a, b) => rank(a) - rank(b) || b.installedAt - a.installedAt)
      .slice(config().store.versions)
      .filter(({ digest }) => digest !== plugin.previousDigest && !isRunning(digest));
  }

  async #forget(installed: Installed, version: VersionRecord, by: Caller): Promise<number> {
    const { audit, store, retired } = this.#parts;
    const { plugin, digest, version: name } = version;
    const { owner: who, id: keyId } = by;
    audit.append({
      ...{ kind: "install", act: "forget", decision: "allowed" },
      ...{ owner: who, keyId, plugin, version: name, digest },
    });
    await audit.committed();
    const unreferenced = await store.forget(plugin, digest);
    installed.versions = installed.versions.filter((each) => each.digest !== digest);
    const active = installed.loaded.get(digest);
    installed.loaded.delete(digest);
    if (active) retired.retire(active);
    return this.discard(unreferenced);
  }

  /** What nothing refers to for longer than the grace, or once some versions are forgotten. */
  async #orphans(surplus: readonly VersionRecord[]): Promise<readonly StoredEntry[]> {
    const { files, clock, config } = this.#parts;
    const before = clock.now() - config().store.graceMs;
    const gone = new Set(surplus.map(({ digest }) => digest));
    return (await files.list()).filter((entry) => {
      if (entry.kind === "package" && gone.has(entry.digest)) return true;
      if (entry.changedAt > before) return false;
      return entry.kind === "staged" || !this.#isUsed(entry);
    });
  }

  #remove(entry: StoredEntry): Promise<number> {
    if (entry.kind === "staged") return this.#parts.files.removeStaged(entry.name);
    const isPackage = entry.kind === "package";
    return this.discard({
      packages: isPackage ? [entry] : [],
      modules: isPackage ? [] : [entry.digest],
    });
  }
}
