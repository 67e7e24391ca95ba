import { join } from "node:path";
import { HostError } from "#manifests/errors.ts";
import { type KeyPlaces, keySourceOf } from "#runtime/vault/key-source.ts";
import type { KeySource } from "#runtime/vault/key-text.ts";
import { openVault, type SecretWish, type Vault } from "#runtime/vault/vault.ts";
import { owner } from "#runtime/keys.ts";
import type { Store } from "#runtime/store/store.ts";
import { type FakeClock, fakeClock } from "./clock.ts";
import { temporaryFolder } from "./home.ts";
import { storeIn } from "./store.ts";

/** A vault in a folder of a test's own, on a real database. */
export interface TestVault extends AsyncDisposable {
  readonly vault: Vault;
  readonly store: Store;
  readonly folder: string;
  readonly clock: FakeClock;
  /** Acts that were audited: `set github`. */
  readonly acts: readonly string[];
}

/** How a test's vault differs from one of a home that nobody has configured. */
export interface TestVaultOptions {
  readonly folder?: string;
  readonly key?: string;
  readonly places?: KeyPlaces;
  readonly source?: KeySource;
  readonly clock?: FakeClock;
}

/** A value that no text holds by chance. */
export const strongValue = "tok_3f9A1c77E0b24d58";

/** Opens a vault; a folder that was given stays when it is disposed. */
export async function openTestVault(options: TestVaultOptions = {}): Promise<TestVault> {
  await using undo = new AsyncDisposableStack();
  const folder = options.folder ?? undo.use(await temporaryFolder()).path;
  const { key = "auto", places = {}, clock = fakeClock() } = options;
  const store = undo.use(await storeIn(folder, clock));
  const acts: string[] = [];
  const vault = await openVault({
    clock,
    store: store.secrets,
    source: options.source ?? keySourceOf(key, folder, places),
    audit: async (_by, act, target) => void acts.push(`${act} ${target}`),
  });
  const held = undo.move();
  return { vault, store, folder, clock, acts, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Sets a secret as the home's owner. */
export function setSecret(vault: Pick<Vault, "set">, name: string, wish: Partial<SecretWish> = {}) {
  const audience = ["https://api.example.com"];
  const whole = { value: strongValue, audience, wildcard: false, force: false, ...wish };
  return vault.set(name, whole, owner);
}

/** Path of the key file that a vault of a folder makes. */
export function keyFileOf(folder: string): string {
  return join(folder, "vault.key");
}

/** Returns the code of the error that an act ends with, or `"ok"`. */
export async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return "ok";
  } catch (error) {
    if (error instanceof HostError) return error.code;
    throw error;
  }
}
