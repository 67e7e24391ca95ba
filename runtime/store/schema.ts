/**
 * The forms that the database has had, each as the step from the one before.
 *
 * A step that was released is never changed: homes exist that have made it. Times are milliseconds
 * since 1970, digests and JSON are text.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE plugins (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('enabled', 'disabled', 'stopped', 'quarantined')),
    reason TEXT,
    activeDigest TEXT NOT NULL,
    previousDigest TEXT,
    createdAt INTEGER NOT NULL,
    updatedAt INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE versions (
    plugin TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    version TEXT NOT NULL,
    manifest TEXT NOT NULL,
    files TEXT NOT NULL,
    source TEXT NOT NULL,
    signer TEXT NOT NULL,
    wasmDigest TEXT NOT NULL,
    meteredDigest TEXT NOT NULL,
    passVersion INTEGER NOT NULL,
    prepared TEXT NOT NULL,
    installedAt INTEGER NOT NULL,
    PRIMARY KEY (plugin, digest)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE grants (
    plugin TEXT PRIMARY KEY REFERENCES plugins (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    signer TEXT NOT NULL,
    digest TEXT NOT NULL,
    grants TEXT NOT NULL,
    grantedAt TEXT NOT NULL,
    grantedBy TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Data outlives the plugin that it belongs to, so it does not refer to it.
  CREATE TABLE configs (
    plugin TEXT NOT NULL,
    source TEXT NOT NULL,
    signer TEXT NOT NULL,
    config TEXT NOT NULL,
    PRIMARY KEY (plugin, source, signer)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    ratePerMinute INTEGER NOT NULL,
    createdAt INTEGER NOT NULL,
    expiresAt INTEGER NOT NULL,
    lastUsedAt INTEGER,
    revokedAt INTEGER
  ) STRICT, WITHOUT ROWID;

  -- A space of the plugin '' was purged, and is deleted in parts.
  CREATE TABLE kvSpaces (
    space INTEGER PRIMARY KEY,
    plugin TEXT NOT NULL,
    source TEXT NOT NULL,
    signer TEXT NOT NULL,
    owner TEXT NOT NULL,
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    UNIQUE (plugin, source, signer, owner)
  ) STRICT;

  CREATE TABLE kv (
    space INTEGER NOT NULL REFERENCES kvSpaces (space) ON DELETE CASCADE,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    expiresAt INTEGER,
    PRIMARY KEY (space, key)
  ) STRICT;
  CREATE INDEX kvExpiring ON kv (space, expiresAt) WHERE expiresAt IS NOT NULL;

  -- A row holds the records of one commit: JSON, one a line, the first of which has this number.
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    lines TEXT NOT NULL,
    digest TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- Grants say after how many uses they are void; those of before say that there is no such bound.
  UPDATE grants SET grants = json_set(grants, '$.kv.uses', json('null'))
    WHERE json_type(grants, '$.kv') = 'object';
  UPDATE grants SET grants = json_set(grants, '$.tools', (
    SELECT json_group_array(json_set(value, '$.uses', json('null'))) FROM json_each(grants, '$.tools')
  ));

  -- How often a grant with a number of uses was used, by a digest of what it allows and when.
  CREATE TABLE grantUses (
    grant TEXT PRIMARY KEY,
    plugin TEXT NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0)
  ) STRICT, WITHOUT ROWID;

  -- Keys that seal secrets, each wrapped by the key of the vault, which lies elsewhere.
  CREATE TABLE vaultKeys (
    generation INTEGER PRIMARY KEY,
    wrapped BLOB NOT NULL
  ) STRICT;

  -- A name of the operator's, or one of the host's own for a setting of a plugin that is a secret.
  CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    audience TEXT NOT NULL,
    version INTEGER NOT NULL,
    isWeak INTEGER NOT NULL,
    setAt INTEGER NOT NULL,
    generation INTEGER NOT NULL REFERENCES vaultKeys (generation),
    sealed BLOB NOT NULL,
    uses INTEGER NOT NULL,
    lastUsedAt INTEGER
  ) STRICT, WITHOUT ROWID;

  -- Installs that wait for consent; their packages lie in the home's folder "requests".
  CREATE TABLE requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    release TEXT NOT NULL,
    askedBy TEXT NOT NULL,
    nonce TEXT NOT NULL,
    createdAt INTEGER NOT NULL,
    expiresAt INTEGER NOT NULL
  ) STRICT;

  -- When each version answered first or again, and what it was granted when it answered last.
  CREATE TABLE activations (
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    activatedAt INTEGER NOT NULL,
    grants TEXT NOT NULL,
    PRIMARY KEY (plugin, digest),
    FOREIGN KEY (plugin, digest) REFERENCES versions (plugin, digest) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  INSERT INTO activations SELECT plugins.id, grants.digest, plugins.updatedAt, grants.grants
    FROM plugins JOIN grants ON grants.plugin = plugins.id AND grants.digest = plugins.activeDigest;

  -- The highest version that ever answered; it outlives the plugin, whose removal is no way back.
  CREATE TABLE highest (
    plugin TEXT NOT NULL,
    source TEXT NOT NULL,
    signer TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (plugin, source, signer)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO highest SELECT plugins.id, grants.source, grants.signer, versions.version
    FROM plugins JOIN grants ON grants.plugin = plugins.id
    JOIN versions ON versions.plugin = plugins.id AND versions.digest = plugins.activeDigest;

  -- Where records of the audit lie in its files, and a filter of what each stretch speaks of; all of it can
  -- be made anew from the files.
  CREATE TABLE auditBlocks (
    firstSeq INTEGER PRIMARY KEY,
    lastSeq INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    digest TEXT NOT NULL,
    fromMs INTEGER NOT NULL,
    toMs INTEGER NOT NULL,
    terms BLOB NOT NULL
  ) STRICT;
  CREATE INDEX auditBlocksOf ON auditBlocks (segment, offset);

  -- What requests cost on each day of UTC, by plugin (scope '') and by grant. Older days are deleted.
  CREATE TABLE networkSpent (
    plugin TEXT NOT NULL,
    source TEXT NOT NULL,
    signer TEXT NOT NULL,
    owner TEXT NOT NULL,
    scope TEXT NOT NULL,
    day INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    ms INTEGER NOT NULL,
    PRIMARY KEY (plugin, source, signer, owner, scope, day)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX networkSpentBefore ON networkSpent (day);
  `,
];
