import { hash } from "node:crypto";
import { HostError } from "#manifests/errors.ts";
import { checkScopes, covers, coversAll } from "#manifests/keys.ts";
import type { Clock } from "./clock.ts";
import type { KeyStore } from "./store/keys.ts";
import type { KeyRecord } from "./store/records.ts";

/** Who is asking: the home's owner at the socket, a key, or a plugin that calls another. */
export interface Caller {
  readonly kind: "owner" | "key" | "plugin";
  /** Id of the key, `owner`, or the plugin's id. */
  readonly id: string;
  /** Person or program that a key was made for. */
  readonly owner: string;
  /** Scopes as `manifests/keys.ts` spells them; the owner holds `admin`. */
  readonly scopes: readonly string[];
  /** Requests a minute that the caller may make; 0 for no limit. */
  readonly ratePerMinute: number;
}

/** A key as it may be shown: never its secret. */
export interface KeyView {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly ratePerMinute: number;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

/** What a new key is to be. */
export interface KeyRequest {
  readonly owner: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** Days until it expires, 1 to 3650; 90 by default. */
  readonly days?: number;
  /** Requests a minute; the configured default when left out. */
  readonly ratePerMinute?: number;
}

/** The keys of the host. */
export interface Keys {
  /** Returns who holds a secret (untrusted). @throws KEY_UNKNOWN, KEY_EXPIRED */
  authenticate(secret: string): Caller;
  /** Returns the caller when its scopes cover the action. @throws SCOPE_MISSING */
  checkScope(caller: Caller, action: string): Caller;
  list(): readonly KeyView[];
  /** The secret is returned once and never kept. @throws KEY_ABOVE_MAKER, SCOPES_INVALID */
  create(by: Caller, request: KeyRequest): Promise<{ key: KeyView; secret: string }>;
  /**
   * Makes a new secret under the same rights; the old one works for `overlapMinutes` more.
   * @throws KEY_NOT_FOUND, KEY_ABOVE_MAKER
   */
  rotate(by: Caller, id: string, overlapMinutes: number): Promise<{ key: KeyView; secret: string }>;
  /** @throws KEY_NOT_FOUND */
  revoke(by: Caller, id: string): Promise<KeyView>;
}

/** What keys need of the host. */
export interface KeyParts {
  readonly clock: Clock;
  /** Keys as they were stored, to begin with. */
  readonly records: readonly KeyRecord[];
  readonly store: KeyStore;
  /** Resolves when the record of an act is committed, before the act itself. */
  readonly audit: (by: Caller, act: string, key: KeyView) => Promise<void>;
  /** What holds for a new key that says nothing; read anew, for it may be reloaded. */
  readonly defaults: () => { readonly days: number; readonly ratePerMinute: number };
}

/** The home's owner, at the socket that only they can open. */
export const owner: Caller = {
  kind: "owner",
  id: "owner",
  owner: "owner",
  scopes: ["admin"],
  ratePerMinute: 0,
};

const dayMs = 86_400_000;
/** 256 bits. */
const secretBytes = 32;

/** Creates the keys of a host, held in memory and written through. */
export function createKeys(parts: KeyParts): Keys {
  return new KeyRing(parts);
}

class KeyRing implements Keys {
  readonly #parts: KeyParts;
  readonly #byHash = new Map<string, { record: KeyRecord; caller: Caller }>();

  constructor(parts: KeyParts) {
    this.#parts = parts;
    for (const record of parts.records) this.#hold(record);
  }

  authenticate(secret: string): Caller {
    // Looked up by hash: no comparison of the secret itself, whose time could tell.
    const found = this.#byHash.get(hash("sha256", secret));
    if (found === undefined) throw new HostError("KEY_UNKNOWN", {});
    const { record, caller } = found;
    const now = this.#parts.clock.now();
    if (record.expiresAt <= now || record.revokedAt !== null)
      throw new HostError("KEY_EXPIRED", {});
    this.#parts.store.touch(record.id, now);
    return caller;
  }

  checkScope(caller: Caller, action: string): Caller {
    if (covers(caller.scopes, action)) return caller;
    throw new HostError("SCOPE_MISSING", { scope: action });
  }

  list(): readonly KeyView[] {
    return [...this.#byHash.values()].map(({ record }) => toView(record));
  }

  async create(by: Caller, request: KeyRequest): Promise<{ key: KeyView; secret: string }> {
    const scopes = checkScopes(request.scopes);
    if (!coversAll(by.scopes, scopes)) throw new HostError("KEY_ABOVE_MAKER", {});
    const { store } = this.#parts;
    const defaults = this.#parts.defaults();
    const { owner, name, ratePerMinute = defaults.ratePerMinute } = request;
    const lifeMs = (request.days ?? defaults.days) * dayMs;
    const { record, secret } = this.#issue({ owner, name, scopes, ratePerMinute }, lifeMs);
    await this.#parts.audit(by, "create", toView(record));
    await store.insert(record);
    this.#hold(record);
    return { key: toView(record), secret };
  }

  async rotate(
    by: Caller,
    id: string,
    overlapMinutes: number,
  ): Promise<{ key: KeyView; secret: string }> {
    const old = this.#find(by, id);
    const { record, secret } = this.#issue(old, old.expiresAt - old.createdAt);
    const until = Math.min(old.expiresAt, this.#parts.clock.now() + overlapMinutes * 60_000);
    await this.#parts.audit(by, "rotate", toView(record));
    await this.#parts.store.rotate(id, until, record);
    this.#change(old, { expiresAt: until });
    this.#hold(record);
    return { key: toView(record), secret };
  }

  async revoke(by: Caller, id: string): Promise<KeyView> {
    const revoked = { ...this.#find(by, id), revokedAt: this.#parts.clock.now() };
    await this.#parts.audit(by, "revoke", toView(revoked));
    await this.#parts.store.revoke(id, revoked.revokedAt);
    this.#change(revoked, { revokedAt: revoked.revokedAt });
    return toView(revoked);
  }

  #issue(rights: Pick<KeyRecord, "owner" | "name" | "scopes" | "ratePerMinute">, lifeMs: number) {
    const { clock } = this.#parts;
    const secret = `cvg_${Buffer.from(clock.random(secretBytes)).toString("base64url")}`;
    const now = clock.now();
    const { owner, name, scopes, ratePerMinute } = rights;
    const record: KeyRecord = {
      id: Buffer.from(clock.random(6)).toString("hex"),
      hash: hash("sha256", secret),
      owner,
      name,
      scopes,
      ratePerMinute,
      createdAt: now,
      expiresAt: now + lifeMs,
      lastUsedAt: null,
      revokedAt: null,
    };
    return { record, secret };
  }

  #hold(record: KeyRecord): void {
    const { id, owner, scopes, ratePerMinute } = record;
    const caller: Caller = { kind: "key", id, owner, scopes, ratePerMinute };
    this.#byHash.set(record.hash, { record, caller });
  }

  /** Changes a key as it is now: somebody else may have changed it since it was looked for. */
  #change({ hash: of }: KeyRecord, change: Partial<KeyRecord>): void {
    const held = this.#byHash.get(of);
    if (held) this.#hold({ ...held.record, ...change });
  }

  /** @throws KEY_NOT_FOUND, KEY_ABOVE_MAKER */
  #find(by: Caller, id: string): KeyRecord {
    const found = [...this.#byHash.values()].find(({ record }) => record.id === id);
    if (found === undefined) {
      throw new HostError("KEY_NOT_FOUND", { key: JSON.stringify(id.slice(0, 64)) });
    }
    if (!coversAll(by.scopes, found.record.scopes)) throw new HostError("KEY_ABOVE_MAKER", {});
    return found.record;
  }
}

function toView(record: KeyRecord): KeyView {
  const { hash: _, ...shown } = record;
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    ...shown,
    createdAt: time(record.createdAt),
    expiresAt: time(record.expiresAt),
    lastUsedAt: record.lastUsedAt === null ? null : time(record.lastUsedAt),
    revokedAt: record.revokedAt === null ? null : time(record.revokedAt),
  };
}
