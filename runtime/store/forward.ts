import Database from "better-sqlite3";
import { grantsInCommon } from "#manifests/common-grants.ts";
import { type Grants, nothingGranted } from "#manifests/grants.ts";
import { compareVersions, type Version } from "#manifests/names.ts";
import { toHostError } from "./database.ts";

/** What a restored database is to become. */
export interface ForwardWish {
  /** Database of the backup, in the form of this host; it is changed. */
  readonly restored: string;
  /** Database of the home as it is now; undefined for a new home. */
  readonly present: string | undefined;
  /** Whether keys that were good when the backup was made are good again. */
  readonly keepKeys: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Carries over what never goes back when an old state of a home returns: the clock, what was spent and
 * used, the highest versions, keys that were revoked, and grants that were taken away.
 *
 * @throws STORE_DAMAGED, STORAGE_FULL
 */
export function carryForward({ restored, present, keepKeys, now }: ForwardWish): void {
  try {
    const database = new Database(restored);
    try {
      // One file, with nothing beside it.
      database.pragma("journal_mode = DELETE");
      database.pragma("foreign_keys = ON");
      database.transaction(() => {
        const old = present === undefined ? undefined : new Database(present, { readonly: true });
        try {
          if (old !== undefined) for (const carry of carries) carry(database, old);
        } finally {
          old?.close();
        }
        if (!keepKeys)
          database.prepare("UPDATE keys SET revokedAt = ? WHERE revokedAt IS NULL").run(now);
        // Their packages are not in a backup.
        database.exec("DELETE FROM requests");
      })();
    } finally {
      database.close();
    }
  } catch (cause) {
    throw toHostError(cause);
  }
}

type Carry = (to: Database.Database, from: Database.Database) => void;
type Row = Record<string, unknown>;

const rowsOf = (from: Database.Database, table: string): Row[] =>
  from.prepare<[], Row>(`SELECT * FROM ${table}`).all();

const carries: readonly Carry[] = [
  carryClock,
  carryUses,
  carrySpending,
  carryHighest,
  carryRevokedKeys,
  carryTakenGrants,
  carryAuditIndex,
];

/** Grants, keys and trust expire by the latest time that was ever seen. */
function carryClock(to: Database.Database, from: Database.Database): void {
  const read = "SELECT value FROM meta WHERE key = 'highWater'";
  const [then, now] = [to, from].map((each) => Number(each.prepare(read).pluck().get() ?? 0));
  const latest = Math.max(then ?? 0, now ?? 0);
  if (latest === 0) return;
  const write = "INSERT OR REPLACE INTO meta (key, value) VALUES ('highWater', ?)";
  to.prepare(write).run(String(latest));
}

function carryUses(to: Database.Database, from: Database.Database): void {
  const write = to.prepare(
    `INSERT INTO grantUses (grant, plugin, used) VALUES (@grant, @plugin, @used)
     ON CONFLICT (grant) DO UPDATE SET used = max(used, excluded.used)`,
  );
  for (const row of rowsOf(from, "grantUses")) write.run(row);
}

function carrySpending(to: Database.Database, from: Database.Database): void {
  const write = to.prepare(
    `INSERT INTO networkSpent VALUES
       (@plugin, @source, @signer, @owner, @scope, @day, @requests, @bytes, @ms)
     ON CONFLICT DO UPDATE SET requests = max(requests, excluded.requests),
       bytes = max(bytes, excluded.bytes), ms = max(ms, excluded.ms)`,
  );
  for (const row of rowsOf(from, "networkSpent")) write.run(row);
}

function carryHighest(to: Database.Database, from: Database.Database): void {
  const key = "plugin = @plugin AND source = @source AND signer = @signer";
  const read = to.prepare<[Row], string>(`SELECT version FROM highest WHERE ${key}`).pluck();
  const write = to.prepare(
    "INSERT OR REPLACE INTO highest VALUES (@plugin, @source, @signer, @version)",
  );
  for (const row of rowsOf(from, "highest")) {
    const then = read.get(row) as Version | undefined;
    const isHigher = then === undefined || compareVersions(row["version"] as Version, then) > 0;
    if (isHigher) write.run(row);
  }
}

function carryRevokedKeys(to: Database.Database, from: Database.Database): void {
  const write = to.prepare("UPDATE keys SET revokedAt = @revokedAt WHERE id = @id");
  for (const row of rowsOf(from, "keys"))
    if (row["revokedAt"] !== null) write.run({ id: row["id"], revokedAt: row["revokedAt"] });
}

/**
 * A plugin gets back what it was granted then and is granted now. One that has answered here and was
 * removed since lost its grants by that.
 */
function carryTakenGrants(to: Database.Database, from: Database.Database): void {
  const key = "plugin = @plugin AND source = @source AND signer = @signer";
  const held = from.prepare<[Row], string>(`SELECT grants FROM grants WHERE ${key}`).pluck();
  const wasHere = from.prepare<[Row], number>(`SELECT 1 FROM highest WHERE ${key}`).pluck();
  const write = to.prepare("UPDATE grants SET grants = @grants WHERE plugin = @plugin");
  for (const { plugin, source, signer, grants } of rowsOf(to, "grants")) {
    const binding = { plugin, source, signer };
    const now = held.get(binding);
    if (now === undefined && wasHere.get(binding) === undefined) continue;
    const present: Grants = now === undefined ? nothingGranted : JSON.parse(now);
    const common = grantsInCommon(present, JSON.parse(String(grants)));
    write.run({ plugin, grants: JSON.stringify(common) });
  }
}

/** The audit of the home goes on where it is; its index goes with its files. */
function carryAuditIndex(to: Database.Database, from: Database.Database): void {
  const head = from.prepare("SELECT value FROM meta WHERE key = 'auditHead'").pluck().get();
  if (head === undefined) return;
  to.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('auditHead', ?)").run(head);
  to.exec("DELETE FROM auditBlocks");
  const write = to.prepare(
    `INSERT INTO auditBlocks VALUES
       (@firstSeq, @lastSeq, @segment, @offset, @bytes, @digest, @fromMs, @toMs, @terms)`,
  );
  for (const row of from.prepare<[], Row>("SELECT * FROM auditBlocks").iterate()) write.run(row);
}
