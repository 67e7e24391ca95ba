import { fileURLToPath } from "node:url";
import { type Logger, pino } from "pino";
import type { Config } from "#manifests/config.ts";
import { parseVersion } from "#manifests/names.ts";
import { envFunctions, envModule, wasiFunctions, wasiModule } from "#plugin-sdk/abi.ts";
import { type Admission, createAdmission } from "./admission.ts";
import type { OpenSegment } from "./audit/segment-file.ts";
import { type Books, openBooks } from "./books.ts";
import { Calls } from "./calls.ts";
import { createFolders } from "./capabilities/files.ts";
import { createCallInfo } from "./capabilities/call.ts";
import { createKv } from "./capabilities/kv.ts";
import type { Resolve } from "./capabilities/network/resolve.ts";
import { type CapabilityTable, createTable } from "./capabilities/table.ts";
import type { GuardPorts } from "./capabilities/capability.ts";
import { createTools } from "./capabilities/tools.ts";
import { type Clock, systemClock } from "./clock.ts";
import { GrantBook } from "./grants/book.ts";
import { createDeniedTelling } from "./grants/denied.ts";
import { createGuestLogs, type GuestLogs } from "./guest-logs.ts";
import { refuseHalfRestored } from "./half-restored.ts";
import { type Home, openHome } from "./home.ts";
import { createKeeper, type Keeper } from "./gc.ts";
import { createHookRunner, type RunHook } from "./hooks.ts";
import { type Active, type Installed, Shelf } from "./installed.ts";
import { type Caller, createKeys, type Keys, type KeyView } from "./keys.ts";
import { type LoadWish, loadVersion } from "./loader.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { NestedCalls } from "./nested.ts";
import { type HostNetwork, openNetwork } from "./network.ts";
import { Quarantine } from "./quarantine.ts";
import { Retired } from "./retired.ts";
import { createRecorder } from "./recorder.ts";
import { machineCaps, type MemoryCaps, memoryCaps } from "./sandbox/caps.ts";
import { Fleet, type FleetOptions } from "./sandbox/fleet.ts";
import type { ApartOptions } from "./sandbox/preparer.ts";
import type { SecretSettings } from "./secret-settings.ts";
import { type HostSecrets, openSecrets } from "./secrets.ts";
import { createFiles, type Files } from "./store/files.ts";
import type { Room } from "./storage.ts";
import { openStore, type Store } from "./store/store.ts";
import type { VersionRecord } from "./store/records.ts";
import { Turns } from "./turns.ts";
import type { KeyPlaces } from "./vault/key-source.ts";
import { signerName } from "./views.ts";
import { raiseWalls, type Walls } from "./walls.ts";

/** Version of this host, which `manifest.host` ranges are compared with. */
export const hostVersion = parseVersion("0.1.0");

/** MiB of JavaScript heap of a runner. */
const runnerHeapMiB = 1_024;

/** What a host is made of. */
export interface HostWish {
  /** Absolute path of the home. */
  readonly home: string;
  readonly config: Config;
  readonly clock?: Clock;
  /** Where the host logs about itself; nowhere when left out. */
  readonly log?: Logger;
  /** Starts a runner process; the sandbox's own when left out. */
  readonly startRunner?: NonNullable<FleetOptions["start"]>;
  /** Looks names up for plugins; the machine's list and DNS when left out. */
  readonly resolve?: Resolve | undefined;
  /** Where the key of the vault may be besides its setting. */
  readonly keyPlaces?: KeyPlaces | undefined;
  /** Reads off what the disk has left; off the disk of the home when left out. */
  readonly readRoom?: () => Promise<Room>;
  /** Opens the files of the audit; those of the disk when left out. */
  readonly openSegment?: OpenSegment;
  /** What runners may have of the memory; a share of the machine's when left out. */
  readonly memory?: MemoryCaps;
  /** Whether the host is one for exercises: its records say so. */
  readonly isDrill?: boolean;
}

/** The parts of a host, each built once; disposing them closes them in reverse. */
export interface Parts extends AsyncDisposable, Books {
  readonly clock: Clock;
  readonly home: Home;
  readonly config: { current: Config };
  readonly store: Store;
  readonly files: Files;
  readonly logs: GuestLogs;
  /** About the host itself; guests' lines are apart. */
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly admission: Admission;
  readonly fleet: Fleet;
  readonly table: CapabilityTable;
  readonly network: HostNetwork;
  readonly secrets: HostSecrets;
  readonly settings: SecretSettings;
  readonly grants: GrantBook;
  readonly shelf: Shelf;
  readonly keys: Keys;
  readonly calls: Calls;
  readonly quarantine: Quarantine;
  readonly load: (installed: Installed, version: VersionRecord, wish?: LoadWish) => Active;
  readonly turns: Turns;
  readonly retire: (active: Active) => void;
  readonly runHook: RunHook;
  readonly keeper: Keeper;
  readonly imports: Readonly<Record<string, readonly string[]>>;
  readonly projectFolder: string;
  readonly instancesMax: number;
  readonly walls: Walls;
  /** How modules and configurations are checked apart: behind the same walls as guests. */
  readonly apart: ApartOptions;
}

/** Everything that lies in the home. */
type Storage = Books & Pick<Parts, "clock" | "home" | "store" | "files" | "logs">;

/** Builds the parts of a host around a home. @throws HOME_IN_USE, HOME_UNUSABLE, SCHEMA_NEWER */
export async function assemble(wish: HostWish): Promise<Parts> {
  await using undo = new AsyncDisposableStack();
  const config = { current: wish.config };
  const raising = raiseWalls(wish.config.security.requireWalls);
  raising.catch(() => {}); // It is waited for below; the home may be refused before.
  const storage = await openStorage(wish, config, undo);
  const { clock, home, store, audit, logs, files } = storage;
  const { plugins, keys: records } = await store.loadAll();
  const admission = createAdmission(clock, () => {
    const { running, fuelPerSecond } = config.current.callers;
    return { runningMax: running, fuelPerSecond };
  });
  const quarantine = new Quarantine(clock);
  const metrics = createMetrics();
  const log = wish.log ?? pino({ level: "silent" });
  const grants = new GrantBook(clock, store.grants);
  const nested = new NestedCalls();
  const spent = store.networkSpent;
  const ports: GuardPorts = {
    record: createRecorder({
      ...{ ...storage, metrics },
      tellDenied: createDeniedTelling({ ...storage, log }),
    }),
    use: ({ plugin }, capability, grant) => grants.uses.use(plugin, capability, grant),
  };
  const secrets = await openSecrets({ ...storage, ...ports, config, keyPlaces: wish.keyPlaces });
  const walls = await raising;
  const fleet = undo.use(createFleet(wish, walls));
  const sending = { clock, config, spent, secrets: secrets.secrets, resolve: wish.resolve };
  const network = undo.use(openNetwork(sending));
  const table = createTable(
    [
      createKv(store.kv),
      createFolders({ clock, home: home.path, data: home.data, keyFiles: keyFilesOf(config) }),
      createTools(nested.call, nested.isReadOnly),
      network.capability,
      secrets.capability,
      createCallInfo({
        monotonic: () => clock.monotonic(),
        callerOf: ({ binding, owner }) => grants.callerOf(binding, owner),
      }),
    ],
    ports,
  );
  const { instancesMax } = machineCaps();
  const loader = {
    ...{ clock, fleet, instancesMax, table, grants, numbers: createNumbers() },
    settings: secrets.settings,
    config: () => config.current,
    bindingOf: (version: VersionRecord) => runnerBinding(quarantine, version),
    metered: ({ meteredDigest }: VersionRecord) => files.readModule(meteredDigest),
  };
  const load: Parts["load"] = (installed, version, wish) =>
    loadVersion(loader, installed, version, wish);
  const shelf = new Shelf(load);
  for (const each of plugins) shelf.put(each.plugin.id, { ...each, loaded: new Map() });
  const calls = new Calls({
    ...{ clock, shelf, admission, audit, logs, metrics, secrets: secrets.calls },
  });
  nested.bind({ calls, shelf });
  const keys = createKeys({
    ...{ clock, records, store: store.keys },
    audit: (by, act, key) => recordKey(storage, by, { act, key }),
    defaults: () => ({
      days: config.current.keys.days,
      ratePerMinute: config.current.callers.ratePerMinute,
    }),
  });
  const [turns, retired] = [new Turns(), new Retired()];
  const keeper = createKeeper({
    ...{ clock, shelf, store: store.plugins, files, audit, turns, retired, log },
    config: () => config.current,
  });
  const held = undo.move();
  return {
    ...storage,
    log,
    ...{ config, admission, quarantine, fleet, metrics, table, network, grants, shelf },
    ...{ calls, keys, load, secrets, settings: secrets.settings },
    ...{ instancesMax, walls, apart: { start: walls.startPreparer } },
    ...{ turns, keeper, retire: retired.retire },
    runHook: createHookRunner({ clock, calls, logs, secrets: secrets.calls }),
    imports: importsOf(table),
    projectFolder: fileURLToPath(new URL("../plugins", import.meta.url)),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function openStorage(
  wish: HostWish,
  config: Parts["config"],
  undo: AsyncDisposableStack,
): Promise<Storage> {
  const clock = wish.clock ?? systemClock();
  const home = undo.use(await openHome(wish.home));
  refuseHalfRestored(home.path);
  const { database: path, backups } = home;
  const store = undo.use(await openStore({ path, backups, clock, hostVersion }));
  const { guestFileBytes, guestFiles, guestLinesPerSecond } = wish.config.log;
  const logs = undo.use(
    createGuestLogs(home.logs, clock, {
      fileBytes: guestFileBytes,
      filesMax: guestFiles,
      linesPerSecond: guestLinesPerSecond,
    }),
  );
  const files = createFiles(home, clock);
  const books = await openBooks(
    {
      ...{ home, store, clock, config, isDrill: wish.isDrill },
      ...(wish.readRoom && { readRoom: wish.readRoom }),
      ...(wish.openSegment && { openSegment: wish.openSegment }),
    },
    undo,
  );
  return { clock, home, store, files, logs, ...books };
}

function createFleet(wish: HostWish, walls: Walls): Fleet {
  const { config, startRunner, memory = memoryCaps() } = wish;
  const { runners } = config;
  const { runnerBytesMax, runnersBytesMax } = memory;
  return new Fleet({
    start: startRunner ?? walls.startRunner,
    runnersMax: runners.max,
    idleMs: runners.idleMs,
    residentBytesMax: runnerBytesMax,
    allBytesMax: runnersBytesMax,
    heapMiB: runnerHeapMiB,
    share: runners.share,
  });
}

/** Everything that a module may import. */
function importsOf(table: CapabilityTable): Parts["imports"] {
  const env = Object.keys(envFunctions);
  return { ...table.imports, [envModule]: env, [wasiModule]: wasiFunctions };
}

/** Whose runner a version runs in: one a signer, and every unsigned plugin has its own. */
function runnerBinding(quarantine: Quarantine, { plugin, signer }: VersionRecord): string {
  if (quarantine.isApart(plugin)) return `apart ${plugin}`;
  return signer.kind === "unsigned" ? `unsigned ${plugin}` : `signer ${signerName(signer)}`;
}

/** Files of the host's keys that lie where an operator wants them: no plugin is ever near one. */
function keyFilesOf(config: Parts["config"]): () => readonly string[] {
  return () => {
    const { server, vault } = config.current;
    const [, vaultFile = null] = /^(?:file|mounted):(.+)$/.exec(vault.key) ?? [];
    return [server.tlsKey, vaultFile].filter((file) => file !== null);
  };
}

function createNumbers(): { next(): number } {
  const last = { number: 0 };
  return {
    next() {
      last.number += 1;
      return last.number;
    },
  };
}

async function recordKey(
  { audit, events }: Books,
  by: Caller,
  { act, key }: { readonly act: string; readonly key: KeyView },
): Promise<void> {
  const { owner, id: keyId } = by;
  audit.append({ kind: "key", act, decision: "allowed", owner, keyId, target: key.id });
  await audit.committed();
  const text = `key ${key.id} of ${key.owner} was revoked; convergio key list`;
  if (act === "revoke") events.emit({ kind: "revoked", subject: `key ${key.id}`, text });
}
