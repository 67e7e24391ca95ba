import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { HostFunction } from "./yardstick.ts";
import { guestOf, missing } from "./yardstick.ts";

const skip = await missing("notes");

// The host's key-value store, as far as one plugin sees it.
function storeOf(values: Map<string, string>): Record<string, HostFunction> {
  const of = (request: unknown) => request as { key: string; value: string; prefix: string };
  return {
    kv_get: (request) => ({ ok: { value: values.get(of(request).key) ?? null } }),
    kv_set: (request) => {
      values.set(of(request).key, of(request).value);
      return { ok: {} };
    },
    kv_delete: (request) => {
      values.delete(of(request).key);
      return { ok: {} };
    },
    kv_list: (request) => ({
      ok: { keys: [...values.keys()].filter((key) => key.startsWith(of(request).prefix)) },
    }),
  };
}

async function call(functions: Record<string, HostFunction>, tool: string, input: object) {
  await using guest = await guestOf("notes", { functions });
  return JSON.parse(await guest.call(tool, JSON.stringify(input)));
}

test("notes keeps a note in the host and not in itself", { skip }, async () => {
  const store = storeOf(new Map([["other", "x"]]));
  assert.deepEqual(await call(store, "put", { name: "milk", text: "two litres" }), {
    name: "milk",
  });
  assert.deepEqual(await call(store, "get", { name: "milk" }), {
    name: "milk",
    text: "two litres",
  });
  assert.deepEqual(await call(store, "list", {}), { names: ["milk"] });
  assert.deepEqual(await call(store, "list", { prefix: "x" }), { names: [] });
  assert.deepEqual(await call(store, "remove", { name: "milk" }), { name: "milk" });
  assert.deepEqual(await call(store, "get", { name: "milk" }), { name: "milk", text: null });
});

test("notes gives back every text as it was", { skip }, async () => {
  const store = storeOf(new Map());
  await using guest = await guestOf("notes", { functions: store });
  const text = fc.string({ unit: "binary", maxLength: 200 });
  const property = fc.asyncProperty(text, text, async (name, note) => {
    await guest.call("put", JSON.stringify({ name, text: note }));
    const answer = JSON.parse(await guest.call("get", JSON.stringify({ name })));
    assert.deepEqual(answer, { name, text: note });
  });
  await fc.assert(property, { numRuns: 200 });
});

test("notes turns half a character into U+FFFD and not into broken UTF-8", { skip }, async () => {
  const store = storeOf(new Map());
  await call(store, "put", { name: "half", text: "a\ud83ez" });
  assert.equal((await call(store, "get", { name: "half" })).text, "a\ufffdz");
});

test("notes says why the host refused", { skip }, async () => {
  const refusal: HostFunction = () => ({
    error: { code: "QUOTA_EXCEEDED", message: "1 MiB is full" },
  });
  const store = { kv_get: refusal, kv_set: refusal, kv_delete: refusal, kv_list: refusal };
  for (const tool of ["put", "get", "list", "remove"]) {
    await assert.rejects(
      call(store, tool, { name: "n", text: "t" }),
      /QUOTA_EXCEEDED: 1 MiB is full/,
    );
  }
});

test("notes refuses input without a name", { skip }, async () => {
  const store = storeOf(new Map());
  for (const input of [{}, { name: 1 }, { name: null, text: "t" }, []]) {
    await assert.rejects(call(store, "put", input), /Cannot keep the note: .* is missing/);
  }
});
