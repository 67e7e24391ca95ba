import type { Config } from "#manifests/config.ts";
import { HostError } from "#manifests/errors.ts";
import { assemble, type HostWish, hostVersion, type Parts } from "./assemble.ts";
import { keepBooks } from "./bookkeeping.ts";
import { type BooksView, viewBooks } from "./books-view.ts";
import { type CallAnswer, type CallRequest, call } from "./call.ts";
import type { FunctionFacts } from "./capabilities/capability.ts";
import { checkFolder } from "./capabilities/files/allowed.ts";
import { questionOf } from "./consent/asked-for.ts";
import type { ConsentParts } from "./consent/consent.ts";
import { openRequests } from "./consent/requests.ts";
import type { Requests } from "./consent/waiting.ts";
import { drain } from "./drain.ts";
import { createGrantActs, type GrantActs } from "./grants/acts.ts";
import { revokeSecret } from "./grants/revoke.ts";
import { healthOf } from "./health.ts";
import { keepHouse } from "./housekeeping.ts";
import { type InstallRequest, install } from "./install.ts";
import { makeFirstKey } from "./first-key.ts";
import { type BackupView, type BackupWish, backUp } from "./backup.ts";
import { collectDaily, type Keeper } from "./gc.ts";
import { createInstaller, refusedInstall } from "./installer.ts";
import type { Caller, Keys } from "./keys.ts";
import type { HostNetwork } from "./network.ts";
import { createPlugins } from "./plugins.ts";
import { meterAgain } from "./remeter.ts";
import type { Walls } from "./walls.ts";
import { watchRunners } from "./watch.ts";
import { createWaitingPackages } from "./store/waiting.ts";
import { createVersions, type Versions } from "./versions.ts";
import type { VaultActs } from "./vault/vault.ts";
import { toView } from "./views.ts";

/** A plugin as people and programs see it. */
export interface PluginView {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
  readonly name: string;
  readonly description: string;
  readonly state: "active" | "disabled" | "stopped" | "quarantined";
  /** Why it is not active, with the command that changes it. */
  readonly reason: string | null;
  /** `unsigned`, or the signer's name. */
  readonly signer: string;
  readonly source: string;
  readonly instances: "fresh" | "warm" | "single";
  readonly installedAt: string;
  readonly versions: readonly string[];
  readonly tools: readonly {
    readonly name: string;
    readonly description: string;
    readonly input: unknown;
    readonly output: unknown;
    readonly encoding: "json" | "text" | "bytes";
  }[];
}

/** A call that is running or waiting now. */
export interface LiveCall {
  readonly callId: string;
  readonly plugin: string;
  readonly version: string;
  readonly tool: string;
  readonly owner: string;
  readonly keyId: string;
  readonly state: "queued" | "running";
  readonly startedAt: string;
  readonly ageMs: number;
}

/** A line that a guest logged. */
export interface LogLine {
  readonly at: string;
  readonly callId: string | null;
  readonly level: string;
  /** Untrusted text of the guest. */
  readonly text: string;
}

/** How the host is. */
export interface HealthView {
  readonly status: "ok" | "degraded" | "down";
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
  }[];
  readonly plugins: readonly {
    readonly id: string;
    readonly state: PluginView["state"];
    readonly detail: string;
  }[];
  /** Walls around runners that stand on this machine. */
  readonly walls: readonly string[];
}

/** The acts on installed plugins. Every one that takes a caller is audited under its owner. */
export interface Plugins {
  list(): readonly PluginView[];
  /** @throws PLUGIN_NOT_FOUND */
  info(id: string): PluginView;
  /** The manifest as its author wrote it. @throws PLUGIN_NOT_FOUND, MODULE_ALTERED */
  manifest(id: string): Promise<unknown>;
  /**
   * A file of the folder `assets` of the package that answers now, and its digest.
   * @throws PLUGIN_NOT_FOUND, PLUGIN_INACTIVE, ASSET_NOT_FOUND, MODULE_ALTERED
   */
  asset(id: string, path: string): Promise<{ readonly bytes: Uint8Array; readonly digest: string }>;
  /** @throws PLUGIN_NOT_FOUND */
  config(id: string): Readonly<Record<string, unknown>>;
  /**
   * Checks against the plugin's schema, tells the plugin, and keeps the old one when it refuses.
   * @throws CONFIG_INVALID, CONFIG_REFUSED
   */
  setConfig(id: string, value: unknown, by: Caller): Promise<Readonly<Record<string, unknown>>>;
  enable(id: string, by: Caller): Promise<PluginView>;
  disable(id: string, by: Caller): Promise<PluginView>;
  /** Refuses new calls and cancels running ones, until `start`; survives a restart. */
  stop(id: string, by: Caller): Promise<PluginView>;
  start(id: string, by: Caller): Promise<PluginView>;
  /** Removes plugin and grants; its data stays unless purged. */
  remove(id: string, by: Caller, options: { readonly purge: boolean }): Promise<void>;
  /** The newest `limit` lines, 1 to 1,000, oldest first. */
  logs(id: string, limit: number): Promise<readonly LogLine[]>;
  /** Hears new lines until disposed. */
  follow(id: string, onLine: (line: LogLine) => void): Disposable;
}

/** The host: what every door (HTTP, command line) reaches. */
export interface Host extends AsyncDisposable, BooksView {
  readonly keys: Keys;
  readonly plugins: Plugins;
  /** Installs, and those that wait for consent. */
  readonly requests: Requests;
  readonly versions: Versions;
  readonly grants: GrantActs;
  /** The operator's secrets; their values are write-only. */
  readonly secrets: VaultActs;
  /** Keeps the store of packages and modules in order. */
  readonly store: Pick<Keeper, "collect">;
  /** Writes all of the home into one file. @throws OWNER_ONLY, FILE_UNUSABLE, STORAGE_FULL */
  backUp(wish: BackupWish): Promise<BackupView>;
  /** The host functions that plugins can ask for. */
  readonly capabilities: readonly FunctionFacts[];
  call(request: CallRequest): Promise<CallAnswer>;
  install(request: InstallRequest): Promise<PluginView>;
  calls: {
    /** Those of the caller's own key, or all with the scope `logs`. */
    list(caller: Caller): readonly LiveCall[];
    /** Its own key, or `admin`. @throws CALL_NOT_FOUND, SCOPE_MISSING */
    cancel(callId: string, by: Caller): Promise<void>;
  };
  health(): Promise<HealthView>;
  /** Prometheus text, and its content type. */
  metrics(): Promise<{ readonly text: string; readonly contentType: string }>;
  /** Holds other settings from now on; those that only a start applies are kept for that. */
  configure(config: Config): void;
  /** What stands around the processes that run guests. */
  readonly walls: Pick<Walls, "standing" | "trials">;
  /** True until the host begins to stop. */
  readonly accepting: boolean;
  /** Where requests of plugins may not come in. */
  readonly network: Pick<HostNetwork, "listensAt">;
  /** Takes no new call, waits up to `graceMs` for those that run, then cancels them. */
  drain(graceMs: number): Promise<void>;
}

/**
 * Builds a host around a home and starts to watch it.
 *
 * @throws HOME_IN_USE, HOME_UNUSABLE, SCHEMA_NEWER, STORE_DAMAGED
 */
export async function createHost(wish: HostWish): Promise<Host> {
  await using undo = new AsyncDisposableStack();
  const parts = undo.use(await assemble(wish));
  watchRunners(parts);
  undo.use(keepHouse(parts));
  undo.use(await keepBooks(parts));
  undo.use(meterAgain(parts));
  undo.use(collectDaily(parts));
  await makeFirstKey(parts);
  const asking = { ...parts, ...askingOf(parts) };
  const installer = createInstaller({
    ...asking,
    hostVersion,
    config: () => parts.config.current,
    store: parts.store.plugins,
  });
  const installed = async (request: InstallRequest): Promise<PluginView> => {
    try {
      parts.storage.checkInstall();
      return toView(await install(installer, request));
    } catch (error) {
      const isWaiting = error instanceof HostError && error.code === "CONSENT_NEEDED";
      // That it waits has a record of its own.
      if (!isWaiting) parts.audit.append(refusedInstall(request, error));
      await parts.audit.committed();
      throw error;
    }
  };
  const requests = undo.use(
    await openRequests({
      ...{ clock: parts.clock, audit: parts.audit, install: installed },
      store: parts.store.requests,
      packages: createWaitingPackages(parts.home.requests),
      question: (release) => questionOf(asking, release),
      activeDigest: (plugin) => parts.shelf.find(plugin)?.plugin.activeDigest,
      keepMs: () => parts.config.current.requests.keepMs,
      tell: ({ plugin, number }) =>
        parts.events.emit({
          ...{ kind: "consentNeeded", plugin, subject: String(number) },
          text: `${plugin} waits for consent; convergio requests approve ${number}`,
        }),
    }),
  );
  const activation = {
    ...parts,
    store: parts.store.plugins,
    config: () => parts.config.current,
  };
  const grants = createGrantActs(parts);
  parts.secrets.bind((grant) => revokeSecret({ shelf: parts.shelf, acts: grants }, grant));
  const startedAt = parts.clock.monotonic();
  const held = undo.move();
  return {
    keys: parts.keys,
    plugins: createPlugins({ ...parts, store: parts.store.plugins }),
    versions: createVersions(activation),
    grants,
    secrets: parts.secrets.vault,
    store: parts.keeper,
    backUp: (wish) => backUp({ ...parts, hostVersion }, wish),
    requests,
    capabilities: parts.table.functions,
    call: async (request) => {
      parts.storage.checkEffect();
      return call(parts.calls, request);
    },
    install: installed,
    calls: {
      list: (caller) => parts.calls.list(caller),
      cancel: async (callId, by) => parts.calls.cancel(callId, by),
    },
    ...viewBooks(parts),
    health: () => healthOf(parts, startedAt),
    metrics: async () => ({
      text: await parts.metrics.text(),
      contentType: parts.metrics.contentType,
    }),
    configure: (config) => {
      parts.config.current = config;
      parts.log.level = config.log.level;
    },
    walls: parts.walls,
    network: parts.network,
    get accepting() {
      return parts.admission.open;
    },
    drain: (graceMs) => drain(parts, graceMs),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

type Asking = Pick<ConsentParts, "usedOf" | "carryOver" | "secretsFor" | "checkFolder">;

/** What asking for consent looks up. */
function askingOf({ grants, home, secrets }: Parts): Asking {
  return {
    usedOf: (capability, grant, given) => grants.uses.used(capability, grant, given),
    carryOver: (before, after) => grants.uses.carryOver(before, after),
    secretsFor: secrets.fitting,
    checkFolder: (path) => checkFolder(path, home.path),
  };
}
