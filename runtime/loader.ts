import type { Config as HostConfig } from "#manifests/config.ts";
import type { Manifest } from "#manifests/manifest.ts";
import type { PluginLimits } from "#manifests/plugin-limits.ts";
import { wasiModule } from "#plugin-sdk/abi.ts";
import type { CapabilityTable } from "./capabilities/table.ts";
import type { Clock } from "./clock.ts";
import type { GrantBook } from "./grants/book.ts";
import type { Active, Installed, LinkedFunction } from "./installed.ts";
import type { Fleet } from "./sandbox/fleet.ts";
import type { GuestPlan, ToolPlan } from "./sandbox/messages.ts";
import type { Prepared } from "./sandbox/module/prepare.ts";
import { type InstanceNumbers, Pool, type PoolLimits, type Runners } from "./sandbox/pool.ts";
import type { SecretSettings } from "./secret-settings.ts";
import type { Config, VersionRecord } from "./store/records.ts";

/** What is kept of a module besides its metered bytes. */
export type PreparedModule = Omit<Prepared, "metered">;

/** The lowest level of a guest's log that is kept. */
const logLevelInfo = 2;

/** What loading needs of the host. */
export interface LoaderParts {
  readonly clock: Clock;
  readonly config: () => HostConfig;
  readonly fleet: Fleet;
  readonly instancesMax: number;
  readonly table: CapabilityTable;
  readonly grants: GrantBook;
  readonly numbers: InstanceNumbers;
  /** Whose runner a version runs in. */
  readonly bindingOf: (version: VersionRecord) => string;
  /** Metered bytes, their hash checked again. @throws MODULE_ALTERED */
  readonly metered: (version: VersionRecord) => Promise<Uint8Array>;
  /** Settings that are kept in the vault. */
  readonly settings: SecretSettings;
}

/** How a version is loaded that is not simply to answer calls. */
export interface LoadWish {
  /** What it reads; the plugin's own settings when left out. */
  readonly config?: Config;
  /** Where its runner comes from; the fleet when left out. */
  readonly runners?: Runners;
  /** Tools besides those of the manifest; they come after its hooks. */
  readonly moreTools?: readonly ToolPlan[];
  /** Bytes of an output, when that is less than the plugin may have. */
  readonly outputBytesMax?: number;
}

/** Returns a version made ready to be called; its runner starts at the first call. */
export function loadVersion(
  parts: LoaderParts,
  installed: Installed,
  version: VersionRecord,
  wish: LoadWish = {},
): Active {
  const { manifest } = version;
  const {
    config = parts.settings.whole(version, installed.config),
    moreTools = [],
    runners = parts.fleet,
  } = wish;
  const prepared = version.prepared as PreparedModule;
  const held = limitsOf(manifest, parts.config());
  const outputBytes = Math.min(held.outputBytes, wish.outputBytesMax ?? held.outputBytes);
  const limits = { ...held, outputBytes };
  const functions = functionsOf(parts.table, prepared, manifest);
  const tools = manifest.provides.tools.map(toPlan);
  const hooks = Object.entries(manifest.lifecycle);
  const plan: GuestPlan = {
    plugin: version.plugin,
    version: version.version,
    tools: [...tools, ...hooks.map(([name, exported]) => hookPlan(name, exported)), ...moreTools],
    config: configTexts(manifest, config),
    functions: functions.map(({ name }) => name),
    folders: manifest.uses.files.map(({ name }) => name),
    limits,
    memoryPagesMin: prepared.memoryPagesMin,
    exports: prepared.exports.filter(({ kind }) => kind === "function"),
    logLevel: logLevelInfo,
  };
  const pool = new Pool(
    {
      module: parts.numbers.next(),
      plugin: version.plugin,
      binding: () => parts.bindingOf(version),
      plan,
      metered: () => parts.metered(version),
      instances: manifest.instances,
    },
    runners,
    poolLimits(parts.config(), parts.instancesMax),
    parts.numbers,
  );
  return {
    version,
    limits,
    pool,
    tools: new Map(manifest.provides.tools.map((tool, index) => [tool.name, { index, tool }])),
    hooks: new Map(hooks.map(([name], index) => [name, tools.length + index])),
    functions,
    holdings: parts.grants.holdings(installed, version),
  };
}

/** Limits that hold now: what was asked for, never above a ceiling that was lowered since. */
export function limitsOf(manifest: Manifest, { defaults, ceilings }: HostConfig): PluginLimits {
  const asked: PluginLimits = { ...defaults, ...manifest.limits };
  const names = Object.keys(defaults) as (keyof PluginLimits)[];
  const held = names.map((name) => [name, Math.min(asked[name], ceilings[name])] as const);
  return Object.fromEntries(held) as unknown as PluginLimits;
}

function functionsOf(
  table: CapabilityTable,
  { imports }: PreparedModule,
  { uses }: Manifest,
): readonly LinkedFunction[] {
  const names = new Set(imports.map(({ module, name }) => `${module}.${name}`));
  // WASI reaches files by the functions that a guest could import itself.
  if (uses.files.length > 0 && imports.some(({ module }) => module === wasiModule))
    for (const one of table.functions) if (one.capability === "files") names.add(one.import);
  return [...names].flatMap((name) => {
    const guarded = table.functionOf(name);
    return guarded === undefined ? [] : [{ name, guarded, reads: table.reads(name) }];
  });
}

/** Returns a tool as runners are told of it. */
export function toPlan({
  name,
  export: exported,
  encoding,
  input,
  output,
}: Manifest["provides"]["tools"][number]): ToolPlan {
  return {
    name,
    export: exported,
    encoding,
    ...(input !== null && { input }),
    ...(output !== null && { output }),
  };
}

/** A hook takes JSON and answers anything: its return code is its answer. */
function hookPlan(name: string, exported: string): ToolPlan {
  return { name: `(${name})`, export: exported, encoding: "raw" };
}

/** Configuration as guests read it: texts as they are, anything else as JSON; defaults filled in. */
function configTexts(manifest: Manifest, config: Config): Record<string, string> {
  const { properties } = (manifest.config ?? {}) as { properties?: Record<string, unknown> };
  const defaults = Object.entries(properties ?? {}).flatMap(([name, schema]) =>
    typeof schema === "object" && schema !== null && "default" in schema
      ? [[name, schema.default] as const]
      : [],
  );
  const all = new Map<string, unknown>([...defaults, ...Object.entries(config)]);
  const texts = [...all].map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(texts) as Record<string, string>;
}

function poolLimits({ pools, queues }: HostConfig, instancesMax: number): PoolLimits {
  return {
    runningMax: pools.running,
    liveMax: pools.suspended,
    instancesMax,
    queuedMax: queues.perPlugin,
    callerQueuedMax: queues.perCaller,
    queueMs: queues.waitMs,
  };
}
