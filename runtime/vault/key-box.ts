import { HostError } from "#manifests/errors.ts";
import type { Clock } from "../clock.ts";
import type { SecretStore, WrappedKey } from "../store/secrets.ts";
import type { KeySource } from "./key-text.ts";
import { keyBytes, seal, unseal } from "./seal.ts";

/** A key that seals values, both plain and wrapped. */
export interface DataKey extends WrappedKey {
  readonly key: Uint8Array;
}

/** What the box needs of the vault. */
export interface KeyBoxParts {
  readonly clock: Clock;
  readonly store: SecretStore;
  readonly source: KeySource;
}

/**
 * The keys that seal values, which are kept wrapped by the key of the vault: that one is used once a
 * start and is nowhere in the database, and a new one needs no value to be sealed again.
 */
export class KeyBox {
  readonly #parts: KeyBoxParts;
  #wrapped: readonly WrappedKey[];
  #keys = new Map<number, Uint8Array>();
  #reason: string | undefined;

  constructor(parts: KeyBoxParts, wrapped: readonly WrappedKey[]) {
    this.#parts = parts;
    this.#wrapped = wrapped;
  }

  get state(): "open" | "empty" | "locked" {
    if (this.#reason !== undefined) return "locked";
    return this.#wrapped.length === 0 ? "empty" : "open";
  }

  /** Where the key of the vault is kept, or why the vault is locked; without a path. */
  get detail(): string {
    return this.#reason ?? `its key is in ${this.#parts.source.name}`;
  }

  /** Looks for the key of the vault. Throws only for one that must not be used. @throws VAULT_KEY_REFUSED */
  async look(): Promise<void> {
    if (this.#wrapped.length > 0 && this.#keys.size === this.#wrapped.length) return;
    try {
      const masters = await this.#parts.source.read();
      if (this.#wrapped.length > 0) this.#unwrap(masters);
      this.#reason = undefined;
    } catch (error) {
      if (!(error instanceof HostError) || error.code !== "VAULT_LOCKED") throw error;
      this.#reason = String((error as HostError<"VAULT_LOCKED">).facts.reason);
    }
  }

  /** Returns the key that seals, made at the first use. @throws VAULT_LOCKED, VAULT_KEY_REFUSED */
  async keyToSeal(): Promise<DataKey> {
    this.#checkOpen();
    const last = this.#wrapped.at(-1);
    const key = last && this.#keys.get(last.generation);
    if (last !== undefined && key !== undefined) return { ...last, key };
    const made = this.#make(1, await this.#master());
    await this.#parts.store.insertKey(bare(made));
    this.#hold(made);
    return made;
  }

  /** Returns the key of a generation; undefined when there is none. @throws VAULT_LOCKED */
  keyOf(generation: number): Uint8Array | undefined {
    this.#checkOpen();
    return this.#keys.get(generation);
  }

  /**
   * Changes both keys: that of the vault where the host keeps it, and the one that seals.
   *
   * The new key lies beside the old one while the database changes, so that whatever moment the
   * process is killed at, one of them opens what is there.
   *
   * @param replace  writes the key and all that it seals in one step
   * @throws VAULT_LOCKED, VAULT_KEY_REFUSED
   */
  async rotate(replace: (key: DataKey) => Promise<void>): Promise<void> {
    this.#checkOpen();
    const { source, clock } = this.#parts;
    const old = (await source.read()) ?? [];
    const master = source.write === undefined ? old[0] : clock.random(keyBytes);
    if (master === undefined) throw locked(`there is no key in ${source.name}`);
    await source.write?.([master, ...old.filter((each) => this.#opensWith(each))]);
    const made = this.#make((this.#wrapped.at(-1)?.generation ?? 0) + 1, master);
    await replace(made);
    this.#keys.clear();
    this.#hold(made);
    await source.write?.([master]);
  }

  #opensWith(master: Uint8Array): boolean {
    return this.#wrapped.some(({ generation, wrapped }) =>
      unseal(master, wrapped, aboutOf(generation)),
    );
  }

  /** @throws VAULT_LOCKED */
  #unwrap(masters: readonly Uint8Array[] | undefined): void {
    const { name } = this.#parts.source;
    if (masters === undefined) throw locked(`there is no key in ${name}`);
    for (const { generation, wrapped } of this.#wrapped) {
      const opened = masters.map((master) => unseal(master, wrapped, aboutOf(generation)));
      const key = opened.find((each) => each !== undefined);
      if (key === undefined)
        throw locked(`the key in ${name} is another than the one that shut it`);
      this.#keys.set(generation, key);
    }
  }

  /** Returns the key of the vault, made where the host may. @throws VAULT_LOCKED */
  async #master(): Promise<Uint8Array> {
    const { source, clock } = this.#parts;
    const [found] = (await source.read()) ?? [];
    if (found !== undefined) return found;
    if (source.write === undefined) throw locked(`there is no key in ${source.name}`);
    const made = clock.random(keyBytes);
    await source.write([made]);
    return made;
  }

  #make(generation: number, master: Uint8Array): DataKey {
    const { random } = this.#parts.clock;
    const key = random(keyBytes);
    return { generation, key, wrapped: seal(master, key, aboutOf(generation), random) };
  }

  #hold(made: DataKey): void {
    this.#wrapped = [bare(made)];
    this.#keys.set(made.generation, made.key);
  }

  /** @throws VAULT_LOCKED */
  #checkOpen(): void {
    if (this.#reason !== undefined) throw locked(this.#reason);
  }
}

function bare({ generation, wrapped }: DataKey): WrappedKey {
  return { generation, wrapped };
}

function aboutOf(generation: number): readonly unknown[] {
  return ["convergio vault key", 1, generation];
}

function locked(reason: string): HostError {
  return new HostError("VAULT_LOCKED", { reason });
}
