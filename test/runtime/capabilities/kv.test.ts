import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Grants, nothingGranted } from "#manifests/grants.ts";
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
  const expires = new Date(kv.clock.now() + 2_000).toISOString();
  kv.clock.advance(1_999);
  assert.deepEqual((await kv.ask("kv_get", { key: "a" })).ok, { value: "1", expires });
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

test("bytes are compared as bytes: kv_set and kv_delete with ifBlock", async () => {
  await using kv = await open();
  const [one, two] = [Buffer.of(0xff, 0), Buffer.of(0xff, 1)];
  const set = (request: object, blocks: readonly Uint8Array[]) =>
    kv.ask("kv_set", { key: "a", ...request }, undefined, blocks);
  assert.deepEqual((await set({}, [one])).ok, { set: true });
  assert.deepEqual((await set({ ifBlock: true }, [two, two])).ok, { set: false });
  assert.deepEqual((await set({ ifBlock: true }, [two, one])).ok, { set: true });
  assert.deepEqual((await set({ value: "text", ifBlock: true }, [two])).ok, { set: true });
  const erase = (request: object, blocks: readonly Uint8Array[] = []) =>
    kv.ask("kv_delete", { key: "a", ...request }, undefined, blocks);
  assert.deepEqual((await erase({ ifBlock: true }, [one])).ok, { deleted: false });
  assert.deepEqual((await erase({ ifValue: null })).ok, { deleted: false });
  assert.deepEqual((await erase({ ifValue: "text" })).ok, { deleted: true });
  assert.deepEqual((await erase({ ifValue: "text" })).ok, { deleted: false });
});

test("a condition that is none, or two, is refused and changes nothing", async () => {
  await using kv = await open();
  await kv.ask("kv_set", { key: "a", value: "b" });
  for (const [name, request, blocks] of [
    ["kv_set", { value: "c", ifBlock: true }, []],
    ["kv_set", { ifBlock: true }, [Buffer.of(1)]],
    ["kv_set", { value: "c", ifBlock: true, ifValue: "b" }, [Buffer.from("b")]],
    ["kv_delete", { ifBlock: true }, []],
    ["kv_delete", { ifBlock: false }, []],
  ] as const) {
    const told = await kv.ask(name, { key: "a", ...request }, undefined, blocks);
    assert.equal(told.code, "HOST_REQUEST_INVALID");
  }
  assert.deepEqual((await kv.ask("kv_get", { key: "a" })).ok, { value: "b" });
});

test("kv_get says until when a value is kept", async () => {
  await using kv = await open();
  await kv.ask("kv_set", { key: "a", value: "b", ttl: 60 });
  const expires = new Date(kv.clock.now() + 60_000).toISOString();
  assert.deepEqual((await kv.ask("kv_get", { key: "a" })).ok, { value: "b", expires });
});

test("a tool that only reads is denied what writes, and told so", async () => {
  await using kv = await open();
  const reader = askerWith(grant(), { readOnly: true });
  for (const [name, request] of [
    ["kv_set", { key: "a", value: "b" }],
    ["kv_delete", { key: "a" }],
  ] as const)
    assert.equal((await kv.ask(name, request, reader)).code, "CAPABILITY_DENIED");
  assert.deepEqual((await kv.ask("kv_get", { key: "a" }, reader)).ok, { value: null });
  assert.deepEqual((await kv.ask("kv_list", {}, reader)).ok, { keys: [], cursor: null });
});

test("the last use of a grant keeps a value under its quota", async () => {
  await using kv = await open();
  const left = { kv: grant().kv };
  const asker = askerWith({}, { grants: () => ({ ...nothingGranted, kv: left.kv ?? null }) });
  const { kv: own } = grant({ uses: 1 });
  const last = askerWith(
    {},
    {
      grants: () => {
        const held = { ...nothingGranted, kv: left.kv === null ? null : own };
        left.kv = null;
        return held;
      },
    },
  );
  assert.deepEqual((await kv.ask("kv_set", { key: "a", value: "b" }, last)).ok, { set: true });
  assert.equal((await kv.ask("kv_set", { key: "a", value: "c" }, asker)).code, "CAPABILITY_DENIED");
});

/** A model of a store without bounds: what each key holds, in the order of its bytes. */
const key = fc.string({
  unit: fc.constantFrom("a", "b", "\u00fc", "/"),
  minLength: 1,
  maxLength: 4,
});
const text = fc.string({ maxLength: 6 });
const step = fc.oneof(
  fc.record({ act: fc.constant("set" as const), key, text, expected: fc.option(text) }),
  fc.record({ act: fc.constant("put" as const), key, text }),
  fc.record({ act: fc.constant("delete" as const), key }),
  fc.record({ act: fc.constant("list" as const), key, limit: fc.integer({ min: 1, max: 3 }) }),
);

test("any sequence of acts leaves what a simple model of them holds, page by page", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await using kv = await open();
      const model = new Map<string, string>();
      for (const each of steps) {
        if (each.act === "put") {
          await kv.ask("kv_set", { key: each.key, value: each.text });
          model.set(each.key, each.text);
        } else if (each.act === "set") {
          const { ok } = await kv.ask("kv_set", {
            ...{ key: each.key, value: each.text, ifValue: each.expected },
          });
          const isSet = (model.get(each.key) ?? null) === each.expected;
          assert.deepEqual(ok, { set: isSet });
          if (isSet) model.set(each.key, each.text);
        } else if (each.act === "delete") {
          const { ok } = await kv.ask("kv_delete", { key: each.key });
          assert.deepEqual(ok, { deleted: model.delete(each.key) });
        } else {
          const found: string[] = [];
          let after: string | null = null;
          do {
            const page = { prefix: each.key, limit: each.limit, ...(after !== null && { after }) };
            const { ok } = await kv.ask("kv_list", page);
            const { keys, cursor } = ok as { keys: string[]; cursor: string | null };
            found.push(...keys);
            after = cursor;
          } while (after !== null);
          const known = [...model.keys()].filter((one) => one.startsWith(each.key));
          const inOrder = known.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
          assert.deepEqual(found, inOrder);
        }
      }
      for (const [one, value] of model)
        assert.deepEqual((await kv.ask("kv_get", { key: one })).ok, { value });
    }),
    { numRuns: 25 },
  );
});
