import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyRecord } from "#runtime/store/records.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { storeIn } from "#test/support/store.ts";

const key: KeyRecord = {
  id: "k_1",
  hash: "a".repeat(64),
  owner: "ada",
  name: "laptop",
  scopes: ["invoke:acme/weather", "read"],
  ratePerMinute: 60,
  createdAt: 1_000,
  expiresAt: 9_000,
  lastUsedAt: null,
  revokedAt: null,
};
const fresh: KeyRecord = { ...key, id: "k_2", hash: "b".repeat(64) };

test("insert(), rotate() and revoke() survive a restart", async () => {
  await using folder = await temporaryFolder();
  {
    await using store = await storeIn(folder.path);
    await store.keys.insert(key);
    await store.keys.rotate(key.id, 5_000, fresh);
    await store.keys.revoke(fresh.id, 6_000);
  }
  await using store = await storeIn(folder.path);
  const { keys } = await store.loadAll();
  assert.deepEqual(keys, [
    { ...key, expiresAt: 5_000 },
    { ...fresh, revokedAt: 6_000 },
  ]);
});

test("rotate() changes nothing when the new key cannot be kept", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  await store.keys.insert(key);
  await assert.rejects(store.keys.rotate(key.id, 5_000, { ...fresh, hash: key.hash }));
  await assert.rejects(store.keys.rotate("nobody", 5_000, fresh));
  await assert.rejects(store.keys.revoke("nobody", 5_000));
  assert.deepEqual(await store.keys.loadAll(), [key]);
});

test("touch() notes when a key was used, once a minute", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const used = async (at: number): Promise<number | null | undefined> => {
    store.keys.touch(key.id, at);
    await store.hot.flushed();
    return (await store.keys.loadAll())[0]?.lastUsedAt;
  };
  await store.keys.insert(key);
  assert.equal(await used(100_000), 100_000);
  assert.equal(await used(159_999), 100_000);
  assert.equal(await used(160_000), 160_000);
  // Somebody set the machine's clock back.
  assert.equal(await used(2_000), 2_000);
});
