import assert from "node:assert/strict";
import { type Audience, parseAudience } from "#manifests/audience.ts";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import type { Clock } from "../clock.ts";
import type { Caller } from "../keys.ts";
import type { SecretRecord, SecretStore } from "../store/secrets.ts";
import { Turns } from "../turns.ts";
import { KeyBox } from "./key-box.ts";
import type { KeySource } from "./key-text.ts";
import { seal, unseal } from "./seal.ts";
import { weakness } from "./strength.ts";

/** A secret as it may be shown: never its value. */
export interface SecretView {
  readonly name: string;
  readonly audience: Audience;
  readonly version: number;
  /** Whether it is like ordinary text, so that it is not looked for in what comes back. */
  readonly isWeak: boolean;
  readonly setAt: string;
  readonly uses: number;
  readonly lastUsedAt: string | null;
}

/** What a secret is to be. */
export interface SecretWish {
  /** Text of at most 64 KiB of UTF-8; untrusted, and whatever else is refused. */
  readonly value: unknown;
  readonly audience: readonly string[];
  /** Whether names below a domain are meant. */
  readonly wildcard: boolean;
  /** Whether a value that is like ordinary text is taken all the same. */
  readonly force: boolean;
}

/** How the vault is. */
export interface VaultView {
  /** `empty` until the first secret is set. */
  readonly state: "open" | "empty" | "locked";
  /** Where its key is kept, or why it is locked. */
  readonly detail: string;
  readonly secrets: number;
  /** Names of those that do not open. */
  readonly damaged: readonly string[];
}

/** The acts of operators on the vault. Each is audited before it happens. */
export interface VaultActs {
  list(): readonly SecretView[];
  /** @throws SECRET_INVALID, SECRET_WEAK, VAULT_LOCKED, VAULT_KEY_REFUSED */
  set(name: string, wish: SecretWish, by: Caller): Promise<SecretView>;
  /** @throws SECRET_NOT_FOUND */
  remove(name: string, by: Caller): Promise<void>;
  /** Seals everything anew with new keys. @throws VAULT_LOCKED, VAULT_DAMAGED */
  rotate(by: Caller): Promise<VaultView>;
  /** Opens every secret once, and looks for the key again when it was not there. */
  check(): Promise<VaultView>;
  /** How it is, without opening anything. */
  state(): Omit<VaultView, "damaged">;
}

/** What the vault needs of the host. */
export interface VaultParts {
  readonly clock: Clock;
  readonly store: SecretStore;
  readonly source: KeySource;
  /** Resolves when the record of an act is committed, before the act itself. */
  readonly audit: (by: Caller, act: string, target: string) => Promise<void>;
}

/** Bytes of a value: a chain of certificates with its key fits. */
const valueBytesMax = 65_536;
const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/**
 * The secrets of a home, each sealed under its name, audience and version, so that no row of the
 * database can be put in the place of another. Values are opened when they are used.
 */
export class Vault implements VaultActs {
  readonly #parts: VaultParts;
  readonly #box: KeyBox;
  readonly #secrets: Map<string, SecretRecord>;
  readonly #turns = new Turns();

  constructor(parts: VaultParts, box: KeyBox, secrets: readonly SecretRecord[]) {
    this.#parts = parts;
    this.#box = box;
    this.#secrets = new Map(secrets.map((secret) => [secret.name, secret]));
  }

  list(): readonly SecretView[] {
    const shown = [...this.#secrets.values()].filter(({ name }) => namePattern.test(name));
    return shown.map(toView).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async set(name: string, wish: SecretWish, by: Caller): Promise<SecretView> {
    if (!namePattern.test(name)) throw invalid("its name", `must match [a-z0-9][a-z0-9._-]{0,63}`);
    const audience = parseAudience(wish.audience, wish);
    const value = checkValue(wish.value);
    const problem = weakness(value);
    if (problem !== undefined && !wish.force) throw new HostError("SECRET_WEAK", { problem });
    using _ = await this.#turns.take("vault");
    await this.#parts.audit(by, "set", name);
    return toView(await this.#keep(name, value, audience));
  }

  async remove(name: string, by: Caller): Promise<void> {
    if (!namePattern.test(name)) throw notFound(name);
    using _ = await this.#turns.take("vault");
    if (!this.#secrets.has(name)) throw notFound(name);
    await this.#parts.audit(by, "remove", name);
    await this.#forget([name]);
  }

  async rotate(by: Caller): Promise<VaultView> {
    using _ = await this.#turns.take("vault");
    await this.#parts.audit(by, "rotate", "vault");
    const plain = [...this.#secrets.values()].map((secret) => ({
      secret,
      value: this.#unsealed(secret),
    }));
    await this.#box.rotate(async (key) => {
      const secrets = plain.map(({ secret, value }) => this.#sealed(secret, value, key));
      await this.#parts.store.replaceAll(key, secrets);
      for (const secret of secrets) this.#secrets.set(secret.name, secret);
    });
    return { ...this.state(), damaged: [] };
  }

  async check(): Promise<VaultView> {
    using _ = await this.#turns.take("vault");
    await this.#box.look();
    const isOpen = this.#box.state === "open";
    const damaged = [...this.#secrets.values()].filter((secret) => isOpen && !this.#opens(secret));
    return { ...this.state(), damaged: damaged.map(({ name }) => name) };
  }

  state(): Omit<VaultView, "damaged"> {
    const { state, detail } = this.#box;
    return { state, detail, secrets: this.#secrets.size };
  }

  /** Returns a secret without its value; undefined when nobody has set it. */
  find(name: string): Omit<SecretRecord, "sealed"> | undefined {
    return this.#secrets.get(name);
  }

  /** Returns the value of a secret. @throws SECRET_NOT_FOUND, VAULT_LOCKED, VAULT_DAMAGED */
  open(name: string): string {
    const secret = this.#secrets.get(name);
    if (secret === undefined) throw notFound(name);
    return this.#unsealed(secret).toString("utf8");
  }

  /** Books that a secret was used once. @throws STORAGE_FULL, AUDIT_FAILED */
  noteUse(name: string): void {
    const secret = this.#secrets.get(name);
    if (secret === undefined) return;
    const used = { ...secret, uses: secret.uses + 1, lastUsedAt: this.#parts.clock.now() };
    this.#parts.store.noteUse(name, used.uses, used.lastUsedAt);
    this.#secrets.set(name, used);
  }

  /**
   * Keeps values under names of the host's own, which no operator can choose, and forgets others.
   *
   * @param values  null for one that is to be forgotten
   * @throws SECRET_INVALID, VAULT_LOCKED, VAULT_KEY_REFUSED
   */
  async keepOwn(values: ReadonlyMap<string, string | null>): Promise<void> {
    using _ = await this.#turns.take("vault");
    for (const [name, value] of values) {
      assert(!namePattern.test(name), "its name is not one that operators choose");
      if (value === null) await this.#forget([name]);
      else await this.#keep(name, checkValue(value), []);
    }
  }

  /** Returns the names of the host's own that begin with a text. */
  ownNames(prefix: string): readonly string[] {
    return [...this.#secrets.keys()].filter(
      (name) => name.startsWith(prefix) && !namePattern.test(name),
    );
  }

  async #keep(name: string, value: string, audience: Audience): Promise<SecretRecord> {
    const key = await this.#box.keyToSeal();
    const known = this.#secrets.get(name);
    const { uses = 0, lastUsedAt = null } = known ?? {};
    const about = { name, audience, version: (known?.version ?? 0) + 1 };
    const isWeak = weakness(value) !== undefined;
    const bare = { ...about, isWeak, setAt: this.#parts.clock.now(), uses, lastUsedAt };
    const sealed = this.#sealed(bare, Buffer.from(value), key);
    await this.#parts.store.put(sealed);
    this.#secrets.set(name, sealed);
    return sealed;
  }

  async #forget(names: readonly string[]): Promise<void> {
    await this.#parts.store.remove(names);
    for (const name of names) this.#secrets.delete(name);
  }

  #sealed(
    secret: Omit<SecretRecord, "sealed" | "generation">,
    value: Uint8Array,
    { generation, key }: { readonly generation: number; readonly key: Uint8Array },
  ): SecretRecord {
    const { random } = this.#parts.clock;
    return { ...secret, generation, sealed: seal(key, value, aboutOf(secret), random) };
  }

  /** @throws VAULT_LOCKED, VAULT_DAMAGED */
  #unsealed(secret: SecretRecord): Buffer {
    const key = this.#box.keyOf(secret.generation);
    const value = key && unseal(key, secret.sealed, aboutOf(secret));
    if (value === undefined) throw new HostError("VAULT_DAMAGED", { secret: quote(secret.name) });
    return value;
  }

  #opens(secret: SecretRecord): boolean {
    try {
      this.#unsealed(secret);
      return true;
    } catch {
      return false;
    }
  }
}

/** Opens the vault of a home, or leaves it locked when its key is not there. @throws VAULT_KEY_REFUSED */
export async function openVault(parts: VaultParts): Promise<Vault> {
  const { keys, secrets } = await parts.store.loadAll();
  const box = new KeyBox(parts, keys);
  await box.look();
  return new Vault(parts, box, secrets);
}

/** What a sealed value is the value of: with any of it changed it does not open. */
function aboutOf(secret: Omit<SecretRecord, "sealed" | "generation">): readonly unknown[] {
  const { name, audience, version, isWeak, setAt } = secret;
  return ["convergio secret", 1, name, audience, version, isWeak, setAt];
}

/** @throws SECRET_INVALID */
function checkValue(value: unknown): string {
  if (typeof value !== "string") throw invalid("its value", "must be text");
  if (value === "") throw invalid("its value", "must not be empty");
  if (!value.isWellFormed()) throw invalid("its value", "must be text that UTF-8 can hold");
  if (Buffer.byteLength(value) > valueBytesMax)
    throw invalid("its value", `must be at most ${valueBytesMax} bytes`);
  return value;
}

function toView(secret: SecretRecord): SecretView {
  const { name, audience, version, isWeak, uses } = secret;
  const { setAt, lastUsedAt } = secret;
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ name, audience, version, isWeak, uses },
    setAt: time(setAt),
    lastUsedAt: lastUsedAt === null ? null : time(lastUsedAt),
  };
}

/** @throws SECRET_INVALID */
function invalid(part: string, problem: string): HostError {
  return new HostError("SECRET_INVALID", { part, problem });
}

/** @throws SECRET_NOT_FOUND */
function notFound(name: string): HostError {
  return new HostError("SECRET_NOT_FOUND", { secret: quote(name) });
}
