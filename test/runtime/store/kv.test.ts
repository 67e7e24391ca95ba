import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { entryBytes } from "#runtime/store/kv-table.ts";
import type { KvSpace } from "#runtime/store/kv.ts";
import { bindingOf } from "#runtime/store/records.ts";
import { fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { version } from "#test/support/installed.ts";
import { storeIn } from "#test/support/store.ts";

const space: KvSpace = { ...bindingOf(version("acme/notes")), owner: "" };
const roomy = { quotaBytes: 1_000_000 };
const text = (value: string): Buffer => Buffer.from(value);

test("set() keeps a value over a restart, and get() returns its bytes", async () => {
  await using folder = await temporaryFolder();
  const value = new Uint8Array([0, 255, 10, 0]);
  {
    await using store = await storeIn(folder.path);
    await store.kv.set(space, "kéy\0", value, roomy);
  }
  await using store = await storeIn(folder.path);
  assert.deepEqual(store.kv.get(space, "kéy\0"), { value: Buffer.from(value), expiresAt: null });
  assert.equal(store.kv.get(space, "kéy"), undefined);
});

test("set() gives every plugin, signer and owner a space of their own", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const spaces = [
    space,
    { ...space, owner: "ada" },
    { ...space, signer: "somebody" },
    { ...space, source: "elsewhere" },
    { ...space, plugin: version("notes").plugin },
  ];
  for (const [index, one] of spaces.entries())
    await store.kv.set(one, "k", text(String(index)), roomy);
  const found = spaces.map((one) => store.kv.get(one, "k")?.value.toString());
  assert.deepEqual(found, ["0", "1", "2", "3", "4"]);
});

test("set() refuses what goes beyond the quota, and keeps the old value", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const quotaBytes = 2 * (entryBytes + 1 + 4);
  for (const key of ["a", "b"]) await store.kv.set(space, key, text("1234"), { quotaBytes });
  const refusal = { code: "KV_FULL", facts: { plugin: "acme/notes", limitBytes: quotaBytes } };
  await assert.rejects(store.kv.set(space, "b", text("12345"), { quotaBytes }), refusal);
  await assert.rejects(store.kv.set(space, "c", text(""), { quotaBytes }), refusal);
  await store.kv.set(space, "b", text("4321"), { quotaBytes });
  assert.equal(store.kv.get(space, "b")?.value.toString(), "4321");
  assert.equal(store.kv.usedBytes(space), quotaBytes);
  assert.equal(store.hot.failure, undefined);
});

test("set() counts writes of one turn together", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const quotaBytes = 10 * (entryBytes + 2);
  const writes = Array.from({ length: 30 }, (_, index) =>
    store.kv.set(space, String(index + 10), text(""), { quotaBytes }),
  );
  const outcomes = await Promise.allSettled(writes);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 10);
  assert.equal(store.kv.usedBytes(space), quotaBytes);
});

test("set() with a time to live keeps a value until then and no longer", async () => {
  await using folder = await temporaryFolder();
  const clock = fakeClock(1_000);
  await using store = await storeIn(folder.path, clock);
  await store.kv.set(space, "k", text("v"), { ...roomy, ttlMs: 500 });
  clock.advance(499);
  assert.equal(store.kv.get(space, "k")?.expiresAt, 1_500);
  clock.advance(1);
  assert.equal(store.kv.get(space, "k"), undefined);
  assert.deepEqual(store.kv.list(space, "", 9, null).keys, []);
  assert.equal(await store.kv.delete(space, "k"), false);
  await store.kv.set(space, "k", text("w"), roomy);
  clock.advance(1_000_000);
  assert.equal(store.kv.get(space, "k")?.value.toString(), "w");
});

test("set() makes room from values whose time is over, and sweep() deletes them", async () => {
  await using folder = await temporaryFolder();
  const clock = fakeClock(1_000);
  await using store = await storeIn(folder.path, clock);
  const terms = { quotaBytes: 2 * (entryBytes + 2) };
  for (const key of ["a", "b"]) await store.kv.set(space, key, text("x"), { ...terms, ttlMs: 10 });
  clock.advance(10);
  await store.kv.set(space, "c", text("x"), terms);
  assert.deepEqual(store.kv.list(space, "", 9, null).keys, ["c"]);
  const other = { ...space, owner: "ada" };
  await store.kv.set(other, "d", text("x"), { ...terms, ttlMs: 10 });
  clock.advance(10);
  assert.equal(await store.kv.sweep(), 1);
  assert.equal(store.kv.usedBytes(other), 0);
});

test("compareAndSwap() changes a value only when it is what was expected", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const swap = (expected: string | null, next: string | null): Promise<boolean> => {
    const bytes = (value: string | null) => (value === null ? null : text(value));
    const change = { expected: bytes(expected), next: bytes(next) };
    return store.kv.compareAndSwap(space, "k", change, { quotaBytes: 60 });
  };
  assert.equal(await swap("old", "new"), false);
  assert.equal(await swap(null, "one"), true);
  assert.equal(await swap(null, "two"), false);
  assert.equal(await swap("on", "two"), false);
  assert.equal(await swap("one", "two"), true);
  await assert.rejects(swap("two", "x".repeat(60)), { code: "KV_FULL" });
  assert.equal(store.kv.get(space, "k")?.value.toString(), "two");
  assert.equal(await swap("two", null), true);
  assert.equal(store.kv.usedBytes(space), 0);
});

test("compareAndSwap() lets one of many that expect the same win", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const swaps = Array.from({ length: 20 }, (_, index) =>
    store.kv.compareAndSwap(space, "k", { expected: null, next: text(String(index)) }, roomy),
  );
  const won = await Promise.all(swaps);
  assert.deepEqual(
    won.flatMap((one, index) => (one ? [String(index)] : [])),
    [store.kv.get(space, "k")?.value.toString()],
  );
});

test("list() gives keys with a prefix, page by page", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const keys = ["a", "a/", "a/1", "a/2", "a/\u{10ffff}", "a0", "b", "\u{10ffff}", "%", "a%"];
  for (const key of keys) await store.kv.set(space, key, text(""), roomy);
  const pages: (readonly string[])[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = store.kv.list(space, "a/", 2, cursor);
    pages.push(page.keys);
    cursor = page.cursor;
    if (cursor === null) break;
  }
  assert.deepEqual(pages, [
    ["a/", "a/1"],
    ["a/2", "a/\u{10ffff}"],
  ]);
  assert.equal(store.kv.list(space, "", 99, null).keys.length, keys.length);
  assert.deepEqual(store.kv.list(space, "\u{10ffff}", 9, null).keys, ["\u{10ffff}"]);
  assert.deepEqual(store.kv.list({ ...space, owner: "ada" }, "", 9, null), {
    keys: [],
    cursor: null,
  });
});

test("set(), compareAndSwap() and delete() do what a map does, and count its bytes", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const key = fc.constantFrom("a", "b", "ab", "☃");
  const value = fc.string({ maxLength: 8 });
  const step = fc.oneof(
    fc.record({ act: fc.constant("set" as const), key, value }),
    fc.record({ act: fc.constant("delete" as const), key, value }),
    fc.record({ act: fc.constant("swap" as const), key, value, expected: value }),
  );
  const runs = { count: 0 };
  const play = async (
    steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[],
  ) => {
    const own = { ...space, owner: String(runs.count++) };
    const model = new Map<string, string>();
    for (const each of steps) {
      const { key: name, value: next } = each;
      if (each.act === "set") {
        await store.kv.set(own, name, text(next), roomy);
        model.set(name, next);
      } else if (each.act === "delete") {
        assert.equal(await store.kv.delete(own, name), model.delete(name));
      } else {
        const change = { expected: text(each.expected), next: text(next) };
        const fits = model.get(name) === each.expected;
        assert.equal(await store.kv.compareAndSwap(own, name, change, roomy), fits);
        if (fits) model.set(name, next);
      }
    }
    const sizes = [...model].map(([k, v]) => text(k).length + text(v).length + entryBytes);
    const { keys } = store.kv.list(own, "", 99, null);
    const found = keys.map((one) => [one, store.kv.get(own, one)?.value.toString()]);
    assert.deepEqual(new Map(found as [string, string][]), model);
    assert.equal(
      store.kv.usedBytes(own),
      sizes.reduce((sum, size) => sum + size, 0),
    );
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 20 }), play), { numRuns: 60 });
});

test("list(), set() and sweep() look at what they need and not at a whole space", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const all = { quotaBytes: 10_000_000 };
  const writes = Array.from({ length: 50_000 }, (_, index) =>
    store.kv.set(space, `k${String(index).padStart(6, "0")}`, text(""), all),
  );
  await Promise.all(writes);
  const full = { quotaBytes: store.kv.usedBytes(space) };
  const started = performance.now();
  // A thousand of each take half a second; as many walks over all keys would take half a minute.
  for (let index = 0; index < 1_000; index++) {
    store.kv.list(space, "k00001", 1, "k000011");
    store.kv.list(space, "k", 1, "k019990");
    await assert.rejects(store.kv.set(space, "more", text("x"), full), { code: "KV_FULL" });
  }
  assert.ok(performance.now() - started < 8_000);
});
