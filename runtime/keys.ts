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
  /** Returns who holds a secret. @throws KEY_UNKNOWN, KEY_EXPIRED */
  authenticate(secret: string): Caller;
  /** Returns the caller when its scopes cover the action. @throws SCOPE_MISSING */
  checkScope(caller: Caller, action: string): Caller;
  list(): readonly KeyView[];
  /** The secret is returned once and never kept. @throws KEY_ABOVE_MAKER */
  create(by: Caller, request: KeyRequest): Promise<{ key: KeyView; secret: string }>;
  /** A new secret under the same rights; the old one works for `overlapMinutes` more. @throws KEY_NOT_FOUND */
  rotate(by: Caller, id: string, overlapMinutes: number): Promise<{ key: KeyView; secret: string }>;
  /** @throws KEY_NOT_FOUND */
  revoke(by: Caller, id: string): Promise<KeyView>;
}
