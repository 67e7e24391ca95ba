import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import Database from "better-sqlite3";
import type { AuditRecord } from "#manifests/audit.ts";
import { resolveConfig } from "#manifests/config.ts";
import { owner } from "#runtime/keys.ts";
import { restoreHome, type Restored, type RestoreWish } from "#runtime/restore.ts";
import { temporaryFolder } from "#test/support/home.ts";
import {
  callerNamed,
  codeOf,
  invoke,
  openHostIn,
  openTestHost,
  type TestHost,
} from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

const { config } = resolveConfig([]);
const uses = { kv: { quota: "1MiB", reason: "remember" } };

async function installKeeper(home: TestHost, version = "1.0.0", own: object = {}): Promise<void> {
  const manifest = { id: "keeps", version, provides: jsonTools("kv_set", "kv_get"), uses, ...own };
  const module = relay(["kv_set", "kv_get"], version);
  await installFrom(home, await writeFolder(home, `keeps-${version}`, manifest, module));
}

const keep = (home: TestHost, key: string) => invoke(home, "keeps", "kv_set", { key, value: key });
const kept = async (home: TestHost, key: string) =>
  (await invoke(home, "keeps", "kv_get", { key })).value;
const there = (key: string) => ({ ok: { value: key } });

function restoreInto(folder: string, file: string, own: Partial<RestoreWish> = {}) {
  return restoreHome({ home: join(folder, "home"), file, keepKeys: false, config, ...own });
}

/** A host with a plugin, a value, settings and a key, and a backup of it. */
async function backedUp(home: TestHost): Promise<{ file: string; secret: string; keyId: string }> {
  await installKeeper(home);
  await keep(home, "before");
  const wish = { owner: "ada", name: "laptop", scopes: ["read"] };
  const { secret, key } = await home.host.keys.create(owner, wish);
  await writeFile(join(home.folder, "home", "convergio.json"), '{"keys":{"days":7}}');
  const data = join(home.folder, "home", "data", "notes");
  await mkdir(data, { recursive: true });
  await writeFile(join(data, "a.txt"), "kept");
  const file = join(home.folder, "backup.tgz");
  await home.host.backUp({ path: file, by: owner });
  return { file, secret, keyId: key.id };
}

test("a backup made while a host serves is the same home elsewhere", async () => {
  await using first = await openTestHost();
  const { file, secret } = await backedUp(first);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await keep(first, "after");
  await using folder = await temporaryFolder();
  const restored = await restoreInto(folder.path, file);
  assert.partialDeepStrictEqual(restored, { plugins: 1, before: null, keysRevoked: true });
  await using second = await openHostIn(folder.path);
  assert.deepEqual(await kept(second, "before"), there("before"));
  assert.deepEqual(await kept(second, "after"), { ok: { value: null } });
  assert.throws(() => second.host.keys.authenticate(secret), { code: "KEY_EXPIRED" });
  const home = join(folder.path, "home");
  assert.equal(await readFile(join(home, "data/notes/a.txt"), "utf8"), "kept");
  assert.equal(await readFile(join(home, "convergio.json"), "utf8"), '{"keys":{"days":7}}');
  const records = (await second.host.auditQuery({ limit: 1_000 })) as AuditRecord[];
  assert.ok(records.some(({ act, plugin }) => act === "activate" && plugin === "local/keeps"));
  assert.ok(records.some(({ kind, act }) => kind === "host" && act === "restore"));
  assert.equal((await second.host.audit.verify()).broken, null);
});

test("a backup holds no key of anything", async () => {
  await using home = await openTestHost();
  const { file, secret } = await backedUp(home);
  const bytes = gunzipSync(await readFile(file));
  const own = (await readFile(join(home.folder, "home", "key"), "utf8")).trim();
  const sealing = await readFile(join(home.folder, "home", "audit", "host.key"), "utf8");
  for (const hidden of [secret, own, sealing.split("\n")[1] ?? "?"])
    assert.ok(!bytes.includes(hidden));
});

test("only the home's owner makes a backup, and over no file that is there", async () => {
  await using home = await openTestHost();
  const path = join(home.folder, "backup.tgz");
  const by = { ...callerNamed("ada"), scopes: ["admin"] };
  assert.equal(await codeOf(home.host.backUp({ path, by })), "OWNER_ONLY");
  await writeFile(path, "mine");
  assert.equal(await codeOf(home.host.backUp({ path, by: owner })), "FILE_UNUSABLE");
  assert.equal(await readFile(path, "utf8"), "mine");
  assert.deepEqual(await readdir(join(home.folder, "home", "staging")), []);
});

test("a backup in the middle of traffic and updates is whole", async () => {
  await using home = await openTestHost();
  await installKeeper(home);
  await keep(home, "first");
  const state = { over: false, next: 0 };
  const writing = Promise.all(
    [0, 1, 2].map(async () => {
      while (!state.over) await keep(home, `value ${state.next++}`);
    }),
  );
  const updating = (async () => {
    for (let minor = 1; minor < 4; minor++) await installKeeper(home, `1.${minor}.0`);
  })();
  const files = ["one.tgz", "two.tgz"].map((name) => join(home.folder, name));
  for (const path of files) await home.host.backUp({ path, by: owner });
  await updating;
  state.over = true;
  await writing;
  for (const file of files) {
    await using folder = await temporaryFolder();
    await restoreInto(folder.path, file);
    await using second = await openHostIn(folder.path);
    assert.deepEqual(await kept(second, "first"), there("first"));
    for (const { digest } of await second.host.versions.list("local/keeps"))
      assert.equal(await codeOf(call(second, `local/keeps@${digest}`)), "ok");
  }
});

function call({ host }: TestHost, plugin: string) {
  const input = { json: '{"key":"a"}' };
  return host.call({ caller: owner, plugin, tool: "kv_get", input });
}

/** A home with a backup of before something happened. Returns what restoring it came to. */
async function goBack(
  act: (home: TestHost, keyId: string) => Promise<unknown>,
  own: Partial<RestoreWish> = {},
  before: (home: TestHost) => Promise<unknown> = async () => {},
): Promise<{ home: TestHost; restored: Restored; secret: string } & AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const first = undo.use(await openTestHost());
  await before(first);
  const { file, secret, keyId } = await backedUp(first);
  await act(first, keyId);
  await first.host[Symbol.asyncDispose]();
  const restored = await restoreInto(first.folder, file, own);
  const home = undo.use(await openHostIn(first.folder));
  const held = undo.move();
  return { home, restored, secret, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

test("a home goes back, keeps what it held in a folder, and its audit goes on", async () => {
  await using back = await goBack(async (home) => {
    await keep(home, "after");
    await installKeeper(home, "2.0.0");
  });
  const { home, restored } = back;
  assert.deepEqual(await kept(home, "before"), there("before"));
  assert.deepEqual(await kept(home, "after"), { ok: { value: null } });
  assert.equal(home.host.plugins.info("local/keeps").version, "1.0.0");
  const folder = join(home.folder, "home", String(restored.before));
  assert.ok((await readdir(folder)).includes("convergio.db"));
  const records = (await home.host.auditQuery({ kind: "install", limit: 100 })) as AuditRecord[];
  assert.ok(records.some(({ version }) => version === "2.0.0"));
  assert.equal((await home.host.audit.verify()).broken, null);
});

test("a version below the highest that answered since the backup is still one", async () => {
  await using back = await goBack((home) => installKeeper(home, "2.0.0"));
  const { home } = back;
  assert.equal(await codeOf(installKeeper(home, "1.5.0")), "DOWNGRADE_REFUSED");
});

test("keys are revoked, or kept but for those that were revoked since", async () => {
  await using kept = await goBack(async () => {}, { keepKeys: true });
  assert.equal(kept.home.host.keys.authenticate(kept.secret).owner, "ada");
  await using revoked = await goBack((home, id) => home.host.keys.revoke(owner, id), {
    keepKeys: true,
  });
  assert.throws(() => revoked.home.host.keys.authenticate(revoked.secret), { code: "KEY_EXPIRED" });
});

test("a grant that was taken away since the backup stays taken", async () => {
  await using back = await goBack(async (home) => {
    await installKeeper(home, "2.0.0", { uses: {} });
  });
  const { value } = await keep(back.home, "x");
  assert.match(JSON.stringify(value), /CAPABILITY_DENIED/);
});

test("a plugin that was removed since the backup comes back without its grants", async () => {
  await using back = await goBack((home) =>
    home.host.plugins.remove("local/keeps", owner, { purge: false }),
  );
  assert.match(JSON.stringify((await keep(back.home, "x")).value), /CAPABILITY_DENIED/);
});

test("the clock, uses and what was spent do not go back", async () => {
  await using first = await openTestHost();
  const { file } = await backedUp(first);
  await first.host[Symbol.asyncDispose]();
  const path = join(first.folder, "home", "convergio.db");
  const spent = "'local/keeps','local','unsigned','','',20000";
  alter(path, [
    "INSERT OR REPLACE INTO meta (key, value) VALUES ('highWater', '9999999999999')",
    "INSERT INTO grantUses VALUES ('g', 'local/keeps', 7)",
    `INSERT INTO networkSpent VALUES (${spent}, 3, 400, 50)`,
  ]);
  await restoreInto(first.folder, file);
  const database = new Database(path, { readonly: true });
  const one = (sql: string) => database.prepare(sql).pluck().get();
  assert.equal(one("SELECT value FROM meta WHERE key = 'highWater'"), "9999999999999");
  assert.equal(one("SELECT used FROM grantUses WHERE grant = 'g'"), 7);
  assert.equal(one("SELECT bytes FROM networkSpent"), 400);
  database.close();
});

function alter(path: string, statements: readonly string[]): void {
  const database = new Database(path);
  for (const each of statements) database.exec(each);
  database.close();
}

test("a home whose host runs is not restored", async () => {
  await using home = await openTestHost();
  const { file } = await backedUp(home);
  assert.equal(await codeOf(restoreInto(home.folder, file)), "HOME_IN_USE");
  assert.deepEqual(await kept(home, "before"), there("before"));
});

test("a damaged backup changes nothing, wherever it is damaged", async () => {
  await using home = await openTestHost();
  const { file } = await backedUp(home);
  await keep(home, "after");
  await home.host[Symbol.asyncDispose]();
  const whole = await readFile(file);
  const plain = gunzipSync(whole);
  const flipped = (at: number) => {
    const bytes = Buffer.from(plain);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return gzipSync(bytes);
  };
  const damaged = [
    Buffer.alloc(0),
    Buffer.from("no archive at all"),
    whole.subarray(0, whole.length >> 1),
    gzipSync(plain.subarray(0, plain.length - 4_096)),
    ...[0, 100, 600, 5_000, plain.length >> 1, plain.length - 2_000].map(flipped),
  ];
  for (const [index, bytes] of damaged.entries()) {
    await writeFile(file, bytes);
    const code = await codeOf(restoreInto(home.folder, file));
    assert.equal(code, "BACKUP_INVALID", `case ${index}`);
  }
  await rm(file);
  assert.equal(await codeOf(restoreInto(home.folder, file)), "FILE_UNUSABLE");
  await using again = await openHostIn(home.folder);
  assert.deepEqual(await kept(again, "after"), there("after"));
});

test("a home that a restore was cut short in starts no host, and is restored by doing it again", async () => {
  await using home = await openTestHost();
  const { file } = await backedUp(home);
  await home.host[Symbol.asyncDispose]();
  const path = join(home.folder, "home");
  const before = "before-restore-2027-01-01T00-00-00-000Z";
  await writeFile(join(path, "restoring.json"), JSON.stringify({ before }));
  assert.equal(await codeOf(openHostIn(home.folder)), "HOME_UNUSABLE");
  const restored = await restoreInto(home.folder, file);
  assert.equal(restored.before, before);
  await using again = await openHostIn(home.folder);
  assert.deepEqual(await kept(again, "before"), there("before"));
});
