import type { SecretFacts, SecretSource } from "./capabilities/leaks.ts";
import type { Binding } from "#manifests/grants.ts";
import { isSecretProperty } from "./secret-schema.ts";
import type { Config, VersionRecord } from "./store/records.ts";
import { bindingOf } from "./store/records.ts";
import { weakness } from "./vault/strength.ts";
import type { Vault } from "./vault/vault.ts";

/** A configuration that somebody sent, with what is secret of it apart. */
export interface SplitConfig {
  /** What may be shown and is kept as it is. */
  readonly open: Config;
  /** All that the plugin reads, with secrets that were kept from before. */
  readonly whole: Config;
  /** Name of a property → its new value; null for one that is to be forgotten. */
  readonly secrets: ReadonlyMap<string, unknown>;
}

const prefix = "setting ";
/** Texts of one setting that are looked for, each alone: more is a table and no secret. */
const partsMax = 32;
/** Marks a value that is no text, or begins like one that is none. */
const jsonMark = "\0";

/**
 * Settings of plugins that their authors marked `writeOnly`: they are kept in the vault and are never
 * shown, and their plugin reads them as any other.
 */
export class SecretSettings implements SecretSource {
  readonly #vault: Vault;
  /** Values that are being tried, which are to be kept out of logs before they are kept. */
  readonly #tried = new Map<string, { readonly text: string; readonly version: number }>();
  #tries = 0;
  /** Names by plugin, asked for at every call; forgotten whenever any of them changes. */
  #names = new Map<string, readonly string[]>();

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /**
   * Returns a configuration with its secrets apart; those that it does not name stay as they are.
   *
   * @param held  the open part of what holds until now
   * @throws VAULT_LOCKED, VAULT_DAMAGED
   */
  split(version: VersionRecord, sent: Config, held: Config): SplitConfig {
    const schema = version.manifest.config;
    const isSecret = ([name]: readonly [string, unknown]): boolean =>
      isSecretProperty(schema, name);
    // What an earlier version did not call a secret lies open until now, and was not shown either.
    const late = Object.entries(held).filter(([name]) => !Object.hasOwn(sent, name));
    const entries = [...Object.entries(sent), ...late.filter(isSecret)];
    const secrets = new Map(entries.filter(isSecret));
    const open = entries.filter((entry) => !isSecret(entry));
    const set = [...secrets].filter(([, value]) => value !== null);
    const kept = Object.entries(this.#valuesOf(bindingOf(version))).filter(
      ([name]) => !entries.some(([own]) => own === name),
    );
    const whole = Object.fromEntries([...kept, ...open, ...set]);
    return { open: Object.fromEntries(open), secrets, whole };
  }

  /** Returns what a plugin reads: its configuration with its secrets. @throws VAULT_LOCKED, VAULT_DAMAGED */
  whole(version: VersionRecord, config: Config): Config {
    const values = this.#valuesOf(bindingOf(version));
    return Object.keys(values).length === 0 ? config : { ...values, ...config };
  }

  /** Returns what may be shown of a configuration. */
  shown({ manifest }: VersionRecord, config: Config): Config {
    const entries = Object.entries(config);
    const open = entries.filter(([name]) => !isSecretProperty(manifest.config, name));
    return open.length === entries.length ? config : Object.fromEntries(open);
  }

  /** Keeps values out of logs and errors while it is not known whether the plugin takes them. */
  trying(version: VersionRecord, { secrets }: SplitConfig): Disposable {
    const texts = [...secrets].map(
      ([name, value]) => [`tried ${nameOf(bindingOf(version), name)}`, textOf(value)] as const,
    );
    this.#tries++;
    this.#names.clear();
    for (const [name, text] of texts) this.#tried.set(name, { text, version: this.#tries });
    return {
      [Symbol.dispose]: () => {
        for (const [name] of texts) this.#tried.delete(name);
        this.#names.clear();
      },
    };
  }

  /** Keeps the secrets of a configuration. @throws VAULT_LOCKED, SECRET_INVALID */
  async keep(version: VersionRecord, { secrets }: SplitConfig): Promise<void> {
    if (secrets.size === 0) return;
    const binding = bindingOf(version);
    const values = [...secrets].map(
      ([name, value]) => [nameOf(binding, name), value === null ? null : textOf(value)] as const,
    );
    await this.#vault.keepOwn(new Map(values));
    this.#names.clear();
  }

  /** Forgets the secrets of a plugin, of whatever signer. */
  async purge(plugin: string): Promise<void> {
    const names = this.#vault.ownNames(prefix).filter((name) => partsOf(name)[0] === plugin);
    await this.#vault.keepOwn(new Map(names.map((name) => [name, null])));
    this.#names.clear();
  }

  /** Returns the names of a plugin's secret settings, as `find` and `open` take them. */
  namesOf(binding: Binding): readonly string[] {
    const key = `${binding.plugin} ${binding.source} ${binding.signer}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const own = ownPrefix(binding);
    const tried = [...this.#tried.keys()].filter((name) => name.startsWith(`tried ${own}`));
    const names = [...this.#vault.ownNames(own), ...tried];
    this.#names.set(key, names);
    return names;
  }

  find(name: string): SecretFacts | undefined {
    const tried = this.#tried.get(name);
    if (tried === undefined) return this.#vault.find(name);
    return { ...tried, audience: [], isWeak: weakness(tried.text) !== undefined };
  }

  open(name: string): string {
    return (this.#tried.get(name)?.text ?? this.#vault.open(name)).replace(jsonMark, "");
  }

  /** The texts inside a setting that is an object or a list, but those like ordinary text. */
  partsOf(name: string): readonly string[] {
    const text = this.#tried.get(name)?.text ?? this.#vault.open(name);
    if (!text.startsWith(jsonMark)) return [];
    const texts: string[] = [];
    JSON.parse(text.slice(jsonMark.length), (_, value: unknown) => {
      if (typeof value === "string" && weakness(value) === undefined) texts.push(value);
      return value;
    });
    return texts.slice(0, partsMax);
  }

  noteUse(name: string): void {
    this.#vault.noteUse(name);
  }

  #valuesOf(binding: Binding): Config {
    const names = this.#vault.ownNames(ownPrefix(binding));
    const entries = names.map((name) => [
      partsOf(name)[3] ?? "",
      settingOf(this.#vault.open(name)),
    ]);
    return Object.fromEntries(entries);
  }
}

/** Names of the host's own have a space, so that they are no operator's. */
function nameOf({ plugin, source, signer }: Binding, property: string): string {
  return prefix + JSON.stringify([plugin, source, signer, property]);
}

/** Returns what the names of all settings of a plugin begin with. */
function ownPrefix(binding: Binding): string {
  return nameOf(binding, "").slice(0, -'""]'.length);
}

function partsOf(name: string): readonly string[] {
  return JSON.parse(name.slice(prefix.length));
}

function textOf(value: unknown): string {
  const isPlain = typeof value === "string" && value !== "" && !value.startsWith(jsonMark);
  return isPlain ? value : jsonMark + JSON.stringify(value);
}

function settingOf(text: string): unknown {
  return text.startsWith(jsonMark) ? JSON.parse(text.slice(jsonMark.length)) : text;
}
