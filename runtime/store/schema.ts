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
  `,
];
