import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { type Caller, createKeys, type Keys, owner } from "#runtime/keys.ts";
import type { KeyStore } from "#runtime/store/keys.ts";
import type { KeyRecord } from "#runtime/store/records.ts";
import { fakeClock } from "#test/support/clock.ts";
import { refusalOf } from "#test/support/refusal.ts";

const dayMs = 86_400_000;

/** Keys over a store in memory, and what was written and audited in which order. */
function open(records: readonly KeyRecord[] = []) {
  const clock = fakeClock();
  const log: string[] = [];
  const stored = new Map(records.map((record) => [record.id, record]));
  const store: KeyStore = {
    loadAll: async () => [...stored.values()],
    insert: async (key) => {
      log.push(`insert ${key.name}`);
      stored.set(key.id, key);
    },
    rotate: async (id, expiresAt, key) => {
      log.push(`rotate ${key.name}`);
      stored.set(id, { ...(stored.get(id) as KeyRecord), expiresAt });
      stored.set(key.id, key);
    },
    revoke: async (id, revokedAt) => {
      log.push("revoke");
      stored.set(id, { ...(stored.get(id) as KeyRecord), revokedAt });
    },
    touch: (id, usedAt) => void log.push(`touch ${id === "" ? "" : "it"} ${usedAt - clock.now()}`),
  };
  const keys = createKeys({
    clock,
    records: [...stored.values()],
    store,
    audit: async (by, act) => {
      await Promise.resolve();
      log.push(`${by.owner} ${act}`);
    },
    defaults: () => ({ days: 90, ratePerMinute: 600 }),
  });
  return { clock, keys, log, stored };
}

function keyed(...scopes: string[]): Caller {
  return { kind: "key", id: "maker", owner: "mia", scopes, ratePerMinute: 0 };
}

const make = (keys: Keys, scopes: readonly string[], by: Caller = owner) =>
  keys.create(by, { owner: "ada", name: "laptop", scopes });

test("create() gives 256 random bits behind cvg_, once, and keeps only their hash", async () => {
  const { keys, stored } = open();
  const { key, secret } = await make(keys, ["invoke"]);
  assert.match(secret, /^cvg_[\w-]{43}$/);
  const [record] = stored.values();
  assert.equal(record?.hash, createHash("sha256").update(secret).digest("hex"));
  for (const shown of [key, keys.list()[0], record]) {
    const text = JSON.stringify(shown);
    assert.ok(!text.includes(secret) && !text.includes(secret.slice(4)));
  }
  assert.ok(!JSON.stringify(keys.list()).includes(record?.hash ?? ""));
  assert.notEqual((await make(keys, ["invoke"])).secret, secret);
});

test("create() fills in 90 days and the rate of the host, and takes others", async () => {
  const { keys, clock } = open();
  const { key } = await make(keys, ["read"]);
  assert.equal(Date.parse(key.expiresAt) - clock.now(), 90 * dayMs);
  assert.deepEqual([key.ratePerMinute, key.lastUsedAt, key.revokedAt], [600, null, null]);
  const request = { owner: "ada", name: "ci", scopes: ["read"], days: 7, ratePerMinute: 5 };
  const { key: own } = await keys.create(owner, request);
  assert.equal(Date.parse(own.expiresAt) - clock.now(), 7 * dayMs);
  assert.equal(own.ratePerMinute, 5);
});

test("authenticate() tells who holds a secret, with its rights", async () => {
  const { keys, log } = open();
  const { key, secret } = await make(keys, ["invoke:acme/weather"]);
  const caller = keys.authenticate(secret);
  assert.deepEqual(caller, {
    kind: "key",
    id: key.id,
    owner: "ada",
    scopes: ["invoke:acme/weather"],
    ratePerMinute: 600,
  });
  assert.equal(log.at(-1), "touch it 0");
});

for (const [what, change] of [
  ["nothing", () => ""],
  ["another secret", () => `cvg_${"A".repeat(43)}`],
  ["its beginning", (secret: string) => secret.slice(0, -1)],
  ["more than it", (secret: string) => `${secret}A`],
  ["it in capitals", (secret: string) => secret.toUpperCase()],
  ["it without its prefix", (secret: string) => secret.slice(4)],
  ["its hash", (secret: string) => createHash("sha256").update(secret).digest("hex")],
  ["a name of the language", () => "__proto__"],
] as const)
  test(`authenticate() refuses ${what}`, async () => {
    const { keys } = open();
    const { secret } = await make(keys, ["invoke"]);
    assert.equal(refusalOf(() => keys.authenticate(change(secret))).code, "KEY_UNKNOWN");
  });

test("authenticate() refuses a key from the moment that it expires, also after a restart", async () => {
  const { keys, clock, stored } = open();
  const { secret, key } = await make(keys, ["invoke"]);
  clock.set(Date.parse(key.expiresAt) - 1);
  keys.authenticate(secret);
  clock.set(Date.parse(key.expiresAt));
  assert.equal(refusalOf(() => keys.authenticate(secret)).code, "KEY_EXPIRED");
  const again = open([...stored.values()]);
  again.clock.set(Date.parse(key.expiresAt) - 1);
  assert.equal(again.keys.authenticate(secret).id, key.id);
  again.clock.set(Date.parse(key.expiresAt));
  assert.equal(refusalOf(() => again.keys.authenticate(secret)).code, "KEY_EXPIRED");
});

test("revoke() holds at once, is audited before it is written, and survives a restart", async () => {
  const { keys, log, stored } = open();
  const { key, secret } = await make(keys, ["invoke"]);
  log.length = 0;
  const view = await keys.revoke(owner, key.id);
  assert.notEqual(view.revokedAt, null);
  assert.deepEqual(log, ["owner revoke", "revoke"]);
  for (const ring of [keys, open([...stored.values()]).keys])
    assert.equal(refusalOf(() => ring.authenticate(secret)).code, "KEY_EXPIRED");
});

test("create() and rotate() are audited before they are written", async () => {
  const { keys, log } = open();
  const { key } = await make(keys, ["invoke"]);
  assert.deepEqual(log, ["owner create", "insert laptop"]);
  await keys.rotate(owner, key.id, 5);
  assert.deepEqual(log.slice(2), ["owner rotate", "rotate laptop"]);
});

test("rotate() gives a new secret with the same rights, and the old one works as long as was said", async () => {
  const { keys, clock } = open();
  const { key, secret } = await make(keys, ["invoke:a:b", "read"]);
  clock.advance(dayMs);
  const next = await keys.rotate(owner, key.id, 10);
  assert.notEqual(next.key.id, key.id);
  assert.deepEqual(next.key.scopes, key.scopes);
  assert.equal(Date.parse(next.key.expiresAt) - clock.now(), 90 * dayMs);
  clock.advance(10 * 60_000 - 1);
  assert.equal(keys.authenticate(secret).id, key.id);
  clock.advance(1);
  assert.equal(refusalOf(() => keys.authenticate(secret)).code, "KEY_EXPIRED");
  assert.equal(keys.authenticate(next.secret).id, next.key.id);
});

test("rotate() never lengthens the life of the old secret", async () => {
  const { keys, clock } = open();
  const { key, secret } = await make(keys, ["read"]);
  clock.set(Date.parse(key.expiresAt) - 1_000);
  await keys.rotate(owner, key.id, 60);
  clock.advance(1_000);
  assert.equal(refusalOf(() => keys.authenticate(secret)).code, "KEY_EXPIRED");
});

test("a key that is revoked while it is rotated stays revoked", async () => {
  const { keys } = open();
  const { key, secret } = await make(keys, ["read"]);
  await Promise.all([keys.rotate(owner, key.id, 60), keys.revoke(owner, key.id)]);
  assert.equal(refusalOf(() => keys.authenticate(secret)).code, "KEY_EXPIRED");
  const other = await make(keys, ["read"]);
  await Promise.all([keys.revoke(owner, other.key.id), keys.rotate(owner, other.key.id, 60)]);
  assert.equal(refusalOf(() => keys.authenticate(other.secret)).code, "KEY_EXPIRED");
});

for (const [maker, wanted, isAllowed] of [
  [["admin"], ["admin"], true],
  [["admin"], ["invoke", "read"], true],
  [["keys", "read"], ["read"], true],
  [["keys", "read"], ["keys"], true],
  [["keys", "read"], ["invoke"], false],
  [["keys"], ["admin"], false],
  [["keys"], ["install"], false],
  [["invoke:a"], ["invoke:a:b"], true],
  [["invoke:a:b"], ["invoke:a"], false],
  [["invoke:a"], ["invoke:ab"], false],
] as const)
  test(`a key with ${maker} ${isAllowed ? "makes" : "cannot make"} one with ${wanted}`, async () => {
    const { keys, stored } = open();
    const made = make(keys, wanted, keyed(...maker));
    if (isAllowed) await made;
    else await assert.rejects(made, { code: "KEY_ABOVE_MAKER" });
    assert.equal(stored.size, isAllowed ? 1 : 0);
  });

for (const scopes of [
  [],
  ["invoke", "install"],
  ["admin", "read"],
  ["fly"],
  Array(33).fill("read"),
])
  test(`create() refuses the scopes ${scopes.slice(0, 3).join()}`, async () => {
    const { keys, stored } = open();
    await assert.rejects(make(keys, scopes), { code: "SCOPES_INVALID" });
    assert.equal(stored.size, 0);
  });

test("nobody rotates or revokes a key above their own, or one that is not there", async () => {
  const { keys } = open();
  const { key, secret } = await make(keys, ["admin"]);
  const lower = keyed("keys", "read");
  await assert.rejects(keys.rotate(lower, key.id, 0), { code: "KEY_ABOVE_MAKER" });
  await assert.rejects(keys.revoke(lower, key.id), { code: "KEY_ABOVE_MAKER" });
  await assert.rejects(keys.revoke(lower, "nobody"), { code: "KEY_NOT_FOUND" });
  keys.authenticate(secret);
});

test("checkScope() hands on a caller whose scopes cover an act, and names the scope that is missing", () => {
  const { keys } = open();
  const caller = keyed("logs", "invoke:a");
  assert.equal(keys.checkScope(caller, "logs"), caller);
  assert.equal(keys.checkScope(caller, "invoke:a:b"), caller);
  const { code, message } = refusalOf(() => keys.checkScope(caller, "install"));
  assert.equal(code, "SCOPE_MISSING");
  assert.match(message, /install/);
});
