import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grants } from "#manifests/grants.ts";
import type { Guarded } from "#runtime/capabilities/capability.ts";
import { createKv } from "#runtime/capabilities/kv.ts";
import { createTable } from "#runtime/capabilities/table.ts";
import { portsWith } from "#test/support/asker.ts";
import { ask, askerWith, type Told } from "#test/support/asker.ts";
import { fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { storeIn } from "#test/support/store.ts";

const grant = (own: Partial<NonNullable<Grants["kv"]>> = {}): Pick<Grants, "kv"> => ({
  kv: { per: "plugin", via: "any", expires: null, uses: null, quotaBytes: 10_000, ...own },
});

/** The functions over a store of its own. */
async function open() {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await temporaryFolder());
  const clock = fakeClock();
  const store = undo.use(await storeIn(path, clock));
  const acts: string[] = [];
  const table = createTable(
    [createKv(store.kv)],
    portsWith(({ act, target, allowed }) => {
      acts.push(`${act} ${target} ${allowed}`);
    }),
  );
  const held = undo.move();
  const functionOf = (name: string): Guarded => {
    const found = table.functionOf(`extism:host/user.${name}`);
    assert.ok(found);
    return found;
  };
  return {
    acts,
    clock,
    table,
    ask: (
      name: string,
      request: unknown,
      asker = askerWith(grant()),
      blocks?: readonly Uint8Array[],
    ): Promise<Told> => ask(functionOf(name), asker, request, blocks),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

test("kv_set keeps a text, kv_get gives it, kv_delete takes it", async () => {
  await using kv = await open();
  assert.deepEqual((await kv.ask("kv_get", { key: "a" })).ok, { value: null });
  assert.deepEqual((await kv.ask("kv_set", { key: "a", value: "ü ☃" })).ok, { set: true });
  assert.deepEqual((await kv.ask("kv_get", { key: "a" })).ok, { value: "ü ☃" });
  assert.deepEqual((await kv.ask("kv_delete", { key: "a" })).ok, { deleted: true });
  assert.deepEqual((await kv.ask("kv_delete", { key: "a" })).ok, { deleted: false });
  assert.deepEqual((await kv.ask("kv_get", { key: "a" })).ok, { value: null });
});

test("bytes go in and come back as a block, and text that came as one is text", async () => {
  await using kv = await open();
  const bytes = Buffer.from([0xff, 0, 1]);
  await kv.ask("kv_set", { key: "a" }, undefined, [bytes]);
  const told = await kv.ask("kv_get", { key: "a" });
  assert.deepEqual([told.ok, told.blocks.map((each) => Buffer.from(each))], [{}, [bytes]]);
  await kv.ask("kv_set", { key: "b" }, undefined, [Buffer.from("text")]);
  assert.deepEqual((await kv.ask("kv_get", { key: "b" })).ok, { value: "text" });
});

test("kv_set without a value or a block is refused", async () => {
  await using kv = await open();
  assert.equal((await kv.ask("kv_set", { key: "a" })).code, "HOST_REQUEST_INVALID");
});

test("kv_set with ifValue changes a value only when it is what was read", async () => {
  await using kv = await open();
  const set = async (value: string, ifValue: string | null) =>
    (await kv.ask("kv_set", { key: "a", value, ifValue })).ok;
  assert.deepEqual(await set("1", "0"), { set: false });
  assert.deepEqual(await set("1", null), { set: true });
  assert.deepEqual(await set("2", null), { set: false });
  assert.deepEqual(await set("2", "1"), { set: true });
  assert.deepEqual((await kv.ask("kv_get", { key: "a" })).ok, { value: "2" });
});

test("of many that swap at once, one wins", async () => {
  await using kv = await open();
  await kv.ask("kv_set", { key: "a", value: "0" });
  const tries = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      kv.ask("kv_set", { key: "a", value: `${index + 1}`, ifValue: "0" }),
    ),
  );
  assert.equal(tries.filter(({ ok }) => (ok as { set: boolean }).set).length, 1);
});

test("a value with a time to live is gone after it", async () => {
  await using kv = await open();
  await kv.ask("kv_set", { key: "a", value: "1", ttl: 2 });
  kv.clock.advance(1_999);
  assert.deepEqual((await kv.ask("kv_get", { key: "a" })).ok, { value: "1" });
  kv.clock.advance(1);
  assert.deepEqual((await kv.ask("kv_get", { key: "a" })).ok, { value: null });
});

test("kv_list gives keys in pages", async () => {
  await using kv = await open();
  for (const key of ["a/1", "a/2", "a/3", "b/1"]) await kv.ask("kv_set", { key, value: "" });
  assert.deepEqual((await kv.ask("kv_list", { prefix: "a/", limit: 2 })).ok, {
    keys: ["a/1", "a/2"],
    cursor: "a/2",
  });
  assert.deepEqual((await kv.ask("kv_list", { prefix: "a/", limit: 2, after: "a/2" })).ok, {
    keys: ["a/3"],
    cursor: null,
  });
  assert.equal(((await kv.ask("kv_list", {})).ok as { keys: unknown[] }).keys.length, 4);
});

test("a value beyond the quota is refused, and what was there stays", async () => {
  await using kv = await open();
  const asker = askerWith(grant({ quotaBytes: 200 }));
  await kv.ask("kv_set", { key: "a", value: "x".repeat(100) }, asker);
  const refused = await kv.ask("kv_set", { key: "b", value: "y".repeat(100) }, asker);
  assert.equal(refused.code, "KV_FULL");
  assert.deepEqual((await kv.ask("kv_get", { key: "b" }, asker)).ok, { value: null });
  assert.equal((await kv.ask("kv_set", { key: "b", value: "y" }, asker)).code, undefined);
});

test("nothing is kept or read without a grant", async () => {
  await using kv = await open();
  await kv.ask("kv_set", { key: "a", value: "1" });
  for (const [name, request] of [
    ["kv_get", { key: "a" }],
    ["kv_set", { key: "a", value: "2" }],
    ["kv_delete", { key: "a" }],
    ["kv_list", {}],
  ] as const)
    assert.equal((await kv.ask(name, request, askerWith())).code, "CAPABILITY_DENIED");
  assert.deepEqual((await kv.ask("kv_get", { key: "a" })).ok, { value: "1" });
  assert.deepEqual(
    kv.acts.slice(1, 5),
    ["get", "set", "delete", "list"].map((act) => `kv_${act} own false`),
  );
});

test("values are the plugin's own: not another id's, another signer's, another source's", async () => {
  await using kv = await open();
  const mine = askerWith(grant());
  await kv.ask("kv_set", { key: "a", value: "mine" }, mine);
  for (const change of [{ plugin: "acme/other" }, { signer: "mallory" }, { source: "elsewhere" }]) {
    const binding = { ...mine.binding, ...change } as typeof mine.binding;
    const other = askerWith(grant(), { binding });
    assert.deepEqual((await kv.ask("kv_get", { key: "a" }, other)).ok, { value: null });
    assert.deepEqual((await kv.ask("kv_list", {}, other)).ok, { keys: [], cursor: null });
    await kv.ask("kv_set", { key: "a", value: "theirs" }, other);
  }
  assert.deepEqual((await kv.ask("kv_get", { key: "a" }, mine)).ok, { value: "mine" });
});

test("a grant per caller keeps what the owners of keys have apart", async () => {
  await using kv = await open();
  const per = grant({ per: "caller" });
  const [ada, bob] = ["ada", "bob"].map((owner) => askerWith(per, { owner }));
  await kv.ask("kv_set", { key: "a", value: "ada's" }, ada);
  assert.deepEqual((await kv.ask("kv_get", { key: "a" }, bob)).ok, { value: null });
  await kv.ask("kv_set", { key: "a", value: "bob's" }, bob);
  assert.deepEqual((await kv.ask("kv_get", { key: "a" }, ada)).ok, { value: "ada's" });
  const shared = askerWith(grant(), { owner: "ada" });
  assert.deepEqual((await kv.ask("kv_get", { key: "a" }, shared)).ok, { value: null });
});

for (const request of [
  { key: "" },
  { key: "x".repeat(513) },
  { key: "a", ttl: 0 },
  { key: "a", ttl: 1.5 },
  { key: "a", value: 7 },
  { key: "a", value: null },
])
  test(`kv_set of ${JSON.stringify(request).slice(0, 30)} is refused`, async () => {
    await using kv = await open();
    const told = await kv.ask("kv_set", { value: "1", ...request });
    assert.equal(told.code, "HOST_REQUEST_INVALID");
  });

test("only what changes nothing counts as reading", async () => {
  await using kv = await open();
  const reading = ["get", "set", "delete", "list"].map((name) =>
    kv.table.reads(`extism:host/user.kv_${name}`),
  );
  assert.deepEqual(reading, [true, false, false, true]);
});
