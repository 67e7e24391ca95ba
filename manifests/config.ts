import Type, { type TSchema } from "typebox";
import { createCheck } from "./check.ts";
import { closed } from "./document.ts";
import { HostError } from "./errors.ts";
import { quote } from "./quote.ts";
import { rangeProblem, type Setting, toValue, writtenOf } from "./setting.ts";
import { settings } from "./settings.ts";
import { parseStrictJson } from "./strict-json.ts";

export { settings } from "./settings.ts";

type Table = typeof settings;

/** The key of a setting: `server.port`. */
export type SettingKey = keyof Table;

type Section = SettingKey extends infer Key
  ? Key extends `${infer S}.${string}`
    ? S
    : never
  : never;
type Unit = { bytes: "Bytes"; duration: "Ms" };
type Field<Key extends SettingKey, S extends string> = Key extends `${S}.${infer Name}`
  ? `${Name}${Table[Key]["kind"] extends keyof Unit ? Unit[Table[Key]["kind"]] : ""}`
  : never;

/** The configuration of the host: `config.server.port`, `config.ceilings.memoryBytes`, … */
export type Config = {
  readonly [S in Section]: {
    readonly [Key in SettingKey as Field<Key, S>]: Table[Key]["default"];
  };
};

/** Where a setting stands, for errors and `config show`: `CONVERGIO_LOG_LEVEL`. */
export type Origin = (key: SettingKey) => string;

/** Settings that somebody wrote, each in its range, and where. */
export interface ConfigSource {
  readonly origin: Origin;
  readonly values: ReadonlyMap<SettingKey, unknown>;
}

/** The configuration that holds, and who said each of its values. */
export interface ResolvedConfig {
  readonly config: Config;
  readonly origins: ReadonlyMap<SettingKey, string>;
}

/** All keys, in the order of the table. */
export const settingKeys = Object.keys(settings) as readonly SettingKey[];

const prefix = "CONVERGIO_";
/** Variables with our prefix that are no settings: where the home is, and whom the CLI talks to. */
const otherVariables: readonly string[] = ["HOME", "URL", "KEY_FILE"].map((name) => prefix + name);
/** Bytes of a configuration file: far beyond one with every setting in it. */
const fileBytesMax = 64 * 1024;

const settingOf = (key: SettingKey): Setting => settings[key];

/** Returns the name of a setting's environment variable: `CONVERGIO_SERVER_TLS_CERT`. */
export function variableOf(key: SettingKey): string {
  return prefix + key.replaceAll(/[A-Z]/g, "_$&").replace(".", "_").toUpperCase();
}

/** Returns the JSON Schema of the configuration file. */
export function configSchema(): TSchema {
  const sections = Map.groupBy(settingKeys, (key) => sectionOf(key));
  const properties = [...sections].map(([section, keys]) => {
    const fields = keys.map((key) => [nameOf(key), Type.Optional(settingOf(key).schema)] as const);
    return [section, Type.Optional(closed(Object.fromEntries(fields)))] as const;
  });
  return closed(Object.fromEntries(properties), { title: "Configuration of a Convergio host" });
}

/**
 * Returns the settings of a configuration file.
 *
 * @param bytes  JSON in UTF-8, at most 64 KiB; untrusted
 * @throws SETTINGS_INVALID, JSON_INVALID
 */
export function fileSource(bytes: Uint8Array, origin: string): ConfigSource {
  return sourceOf(parseStrictJson(bytes, { what: origin, bytesMax: fileBytesMax }), () => origin);
}

/**
 * Returns the settings among environment variables; one with our prefix that is none is refused.
 *
 * @throws SETTINGS_INVALID
 */
export function environmentSource(
  environment: Readonly<Record<string, string | undefined>>,
): ConfigSource {
  const keys = new Map(settingKeys.map((key) => [variableOf(key), key]));
  const texts = new Map<SettingKey, string>();
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(prefix) || otherVariables.includes(variable)) continue;
    const key = keys.get(variable);
    if (key === undefined) throw invalid(quote(variable), "the environment", "is no setting");
    if (text !== undefined) texts.set(key, text);
  }
  return optionSource(texts, variableOf);
}

/**
 * Returns settings given one by one as texts, for example as options of a command.
 *
 * @param texts  lists between commas; untrusted
 * @throws SETTINGS_INVALID
 */
export function optionSource(texts: ReadonlyMap<SettingKey, string>, origin: Origin): ConfigSource {
  // Most commands override nothing, and compiling the schema would be most of their time.
  if (texts.size === 0) return { origin, values: new Map() };
  const written = [...texts].map(
    ([key, text]) => [key, nameOf(key), writtenOf(settingOf(key), text)] as const,
  );
  return sourceOf(inSections(written), origin);
}

/**
 * Returns the configuration that sources give together; later ones win, defaults come first.
 *
 * @throws SETTINGS_INVALID
 */
export function resolveConfig(sources: readonly ConfigSource[]): ResolvedConfig {
  const origins = new Map<SettingKey, string>(settingKeys.map((key) => [key, "default"]));
  const values = new Map<SettingKey, unknown>(
    settingKeys.map((key) => [key, settings[key].default]),
  );
  for (const { origin, values: own } of sources)
    for (const [key, value] of own) {
      values.set(key, value);
      origins.set(key, origin(key));
    }
  checkTogether(values, origins);
  const config = inSections([...values].map(([key, value]) => [key, fieldOf(key), value]));
  return { config: config as Config, origins };
}

/** Returns the keys whose change needs a start of the host, out of those that differ. */
export function startKeys(before: Config, after: Config): SettingKey[] {
  return settingKeys.filter((key) => {
    const [old, now] = [before, after].map((config) => JSON.stringify(valueIn(config, key)));
    return old !== now && settings[key].applies === "start";
  });
}

/** Returns the value of a setting in a configuration. */
export function valueIn(config: Config, key: SettingKey): unknown {
  const section = config[sectionOf(key) as Section] as Record<string, unknown>;
  return section[fieldOf(key)];
}

const check = createCheck(configSchema(), ({ path, problem }, origin: Origin) => {
  const key = settingKeys.find((name) => path === name || path.startsWith(`${name}[`));
  return invalid(path, origin(key ?? (path as SettingKey)), problem);
});

function sourceOf(written: unknown, origin: Origin): ConfigSource {
  const sections = check(written, origin) as Record<string, Record<string, unknown>>;
  const values = new Map<SettingKey, unknown>();
  for (const key of settingKeys) {
    const section = sections[sectionOf(key)] ?? {};
    if (!Object.hasOwn(section, nameOf(key))) continue;
    const value = toValue(settingOf(key), section[nameOf(key)]);
    const problem = rangeProblem(settingOf(key), value);
    if (problem !== undefined) throw invalid(key, origin(key), problem);
    values.set(key, value);
  }
  return { origin, values };
}

/** What no setting can say alone: a default fits under its ceiling, a certificate has a key. */
function checkTogether(
  values: ReadonlyMap<SettingKey, unknown>,
  origins: ReadonlyMap<SettingKey, string>,
): void {
  for (const key of settingKeys.filter((key) => key.startsWith("defaults."))) {
    const ceiling = key.replace("defaults.", "ceilings.") as SettingKey;
    if (Number(values.get(key)) > Number(values.get(ceiling)))
      throw invalid(key, origins.get(key) ?? "", `must be at most ${ceiling}`);
  }
  const hasKey = values.get("server.tlsKey") !== null;
  const [lone, other] = hasKey
    ? (["server.tlsKey", "server.tlsCert"] as const)
    : (["server.tlsCert", "server.tlsKey"] as const);
  if (values.get(lone) !== null && values.get(other) === null)
    throw invalid(lone, origins.get(lone) ?? "", `needs ${other} beside it`);
}

function inSections(entries: readonly (readonly [SettingKey, name: string, unknown])[]): object {
  const sections = [...Map.groupBy(entries, ([key]) => sectionOf(key))].map(
    ([section, own]) =>
      [section, Object.fromEntries(own.map(([, name, value]) => [name, value]))] as const,
  );
  return Object.fromEntries(sections);
}

function sectionOf(key: SettingKey): string {
  return key.slice(0, key.indexOf("."));
}

function nameOf(key: SettingKey): string {
  return key.slice(key.indexOf(".") + 1);
}

function fieldOf(key: SettingKey): string {
  const { kind } = settingOf(key);
  return nameOf(key) + (kind === "bytes" ? "Bytes" : kind === "duration" ? "Ms" : "");
}

function invalid(key: string, origin: string, problem: string): HostError {
  return new HostError("SETTINGS_INVALID", { key, origin, problem });
}
