import { readFile } from "node:fs/promises";
import {
  type Config,
  type ConfigSource,
  environmentSource,
  fileSource,
  optionSource,
  type ResolvedConfig,
  resolveConfig,
  type SettingKey,
  startKeys,
} from "#manifests/config.ts";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { type Environment, homeFiles, isLoopback } from "./environment.ts";

/** Where a configuration is read from; later ones win: file, environment, flags. */
export interface ConfigOptions {
  /** Absolute path. */
  readonly home: string;
  readonly environment: Environment;
  /** Settings given as options of a command, as texts; untrusted. */
  readonly flags?: ReadonlyMap<SettingKey, string>;
}

/** A configuration that replaces another while the host runs. */
export interface Reload {
  readonly resolved: ResolvedConfig;
  /** Settings that changed and hold only after a restart. */
  readonly needsRestart: readonly SettingKey[];
}

/** Returns the name of a setting's option: `server.tlsCert` as `--tls-cert`. */
export function flagOf(key: SettingKey): string {
  const name = key.slice(key.indexOf(".") + 1);
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Returns the configuration of a home, frozen, with who said each value.
 *
 * @throws SETTINGS_INVALID, JSON_INVALID, FILE_UNUSABLE
 */
export async function readConfig(options: ConfigOptions): Promise<ResolvedConfig> {
  const { home, environment, flags = new Map() } = options;
  const file = await sourceIn(homeFiles(home).config);
  const sources = [
    ...(file === undefined ? [] : [file]),
    environmentSource(environment.overrides),
    optionSource(flags, flagOf),
  ];
  const { config, origins } = resolveConfig([strangersSource(sources), ...sources]);
  return { config: frozen(config), origins };
}

/** A host that others can reach admits no unsigned plugin, unless somebody says so. */
function strangersSource(sources: readonly ConfigSource[]): ConfigSource {
  const isReachable = !isLoopback(resolveConfig(sources).config.server.host);
  const values = new Map<SettingKey, unknown>(isReachable ? [["trust.unsigned", "never"]] : []);
  return { values, origin: () => "default beyond loopback" };
}

/**
 * Returns the configuration read again, whole or not at all, and what of it needs a restart.
 *
 * @throws SETTINGS_INVALID, JSON_INVALID, FILE_UNUSABLE
 */
export async function rereadConfig(before: Config, options: ConfigOptions): Promise<Reload> {
  const resolved = await readConfig(options);
  return { resolved, needsRestart: startKeys(before, resolved.config) };
}

/**
 * Returns the configuration that one file gives with the defaults and nothing else.
 *
 * @throws SETTINGS_INVALID, JSON_INVALID, FILE_UNUSABLE
 */
export async function readConfigFile(file: string): Promise<ResolvedConfig> {
  const source = await sourceIn(file);
  if (source === undefined)
    throw new HostError("FILE_UNUSABLE", { file: quote(file), problem: "it cannot be found" });
  return resolveConfig([source]);
}

/** Returns nothing when there is no file: a home without one has the defaults. */
async function sourceIn(file: string): Promise<ConfigSource | undefined> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    const problem = "it cannot be read";
    throw new HostError("FILE_UNUSABLE", { file: quote(file), problem }, { cause });
  });
  return bytes === undefined ? undefined : fileSource(bytes, file);
}

function frozen(config: Config): Config {
  for (const section of Object.values(config)) {
    for (const value of Object.values(section)) Object.freeze(value);
    Object.freeze(section);
  }
  return Object.freeze(config);
}
