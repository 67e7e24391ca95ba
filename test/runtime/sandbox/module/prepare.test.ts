import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { passVersion, prepare } from "#runtime/sandbox/module/prepare.ts";
import { meteredText, permissive, prepareText, startMetered } from "#test/support/metered.ts";
import { wat } from "#test/support/wat.ts";

const guest = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/user" "kv_get" (func $get (param i64 f32) (result i64 i32)))
  (memory (export "memory") 3 7)
  (global (export "answer") i32 (i32.const 42))
  (func $start)
  (func (export "run") (param f64 v128) (result funcref) (ref.null func))
  (start $start))`;

test("prepare() tells what a module imports and exports, without what it inserts", async () => {
  const { imports, exports, memoryPagesMin, hasStart } = await prepareText(guest);
  assert.deepEqual(imports, [
    {
      module: "extism:host/env",
      name: "alloc",
      kind: "function",
      params: ["i64"],
      results: ["i64"],
    },
    {
      module: "extism:host/user",
      name: "kv_get",
      kind: "function",
      params: ["i64", "f32"],
      results: ["i64", "i32"],
    },
  ]);
  assert.deepEqual(exports, [
    { name: "memory", kind: "memory", params: [], results: [] },
    { name: "answer", kind: "global", params: [], results: [] },
    { name: "run", kind: "function", params: ["f64", "v128"], results: ["funcref"] },
  ]);
  assert.equal(memoryPagesMin, 3);
  assert.equal(hasStart, true);
});

test("prepare() says 0 pages and no start for a module without", async () => {
  const { memoryPagesMin, hasStart, imports, exports } = await prepareText("(module)");
  assert.deepEqual([memoryPagesMin, hasStart, imports, exports], [0, false, [], []]);
});

test("prepare() gives the same bytes for the same module", async () => {
  const [first, second] = [await prepareText(guest), await prepareText(guest)];
  assert.deepEqual(first.metered, second.metered);
  assert.ok(Number.isSafeInteger(passVersion) && passVersion > 0);
});

test("prepare() imports four things of the host and exports the counter", async () => {
  const { metered } = await prepareText(guest);
  const module = new WebAssembly.Module(metered as Uint8Array<ArrayBuffer>);
  const imports = WebAssembly.Module.imports(module).slice(2);
  assert.deepEqual(
    imports.map(({ module, name, kind }) => `${module} ${name} ${kind}`),
    [
      "convergio:meter charge function",
      "convergio:meter yield function",
      "convergio:meter grow function",
      "convergio:meter phase global",
    ],
  );
  const last = WebAssembly.Module.exports(module).at(-1);
  assert.deepEqual(last, { name: "convergio:fuel", kind: "global" });
});

test("prepare() writes the smaller maximum into the memory", async () => {
  const sizes = async (limits: string, memoryPagesMax: number) => {
    const prepared = await prepareText(
      `(module (memory ${limits}) (func (export "grow") (param i32) (result i32)
        (memory.grow (local.get 0))))`,
      { memoryPagesMax },
    );
    const { call } = startMetered(prepared);
    let pages = 0;
    while (Number(call("grow", 1)) >= 0) pages++;
    return pages;
  };
  assert.equal(await sizes("1", 5), 4);
  assert.equal(await sizes("1 3", 5), 2);
  assert.equal(await sizes("1 60000", 5), 4);
  assert.equal(await sizes("5", 5), 0);
});

test("prepare() refuses a memory that begins above the maximum", async () => {
  await assert.rejects(prepareText("(module (memory 6))", { memoryPagesMax: 5 }), (error) => {
    assert.ok(error instanceof HostError);
    assert.equal(error.code, "MODULE_TOO_LARGE");
    assert.match(error.message, /is 6, at most 5 is allowed/);
    return true;
  });
});

test("prepare() refuses what is no WebAssembly at all", () => {
  for (const bytes of [[], [0], [0, 0x61, 0x73, 0x6d], [0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]]) {
    assert.throws(() => prepare(Uint8Array.from(bytes), permissive), { code: "MODULE_INVALID" });
  }
});

test("prepare() reads a module that lies inside a larger buffer", async () => {
  const bytes = await wat(guest);
  const larger = new Uint8Array(bytes.length + 20).fill(0xff);
  larger.set(bytes, 7);
  const inside = larger.subarray(7, 7 + bytes.length);
  assert.deepEqual(prepare(inside, permissive).metered, prepare(bytes, permissive).metered);
});

test("prepare() names functions in stack traces as the module does", async () => {
  const { call } = await meteredText(`(module
    (func $innermost (result i32) (unreachable))
    (func $outer (export "run") (result i32) (i32.add (call $innermost) (i32.const 1))))`);
  assert.throws(
    () => call("run"),
    (error: Error) => /innermost[\s\S]*outer/.test(error.stack ?? ""),
  );
});

test("prepare() leaves out custom sections other than names", async () => {
  const bytes = await wat("(module)");
  const custom = [0, 6, 5, ...Buffer.from("secre")];
  const { metered } = prepare(Uint8Array.from([...bytes, ...custom]), permissive);
  const module = new WebAssembly.Module(metered as Uint8Array<ArrayBuffer>);
  assert.equal(WebAssembly.Module.customSections(module, "secre").length, 0);
  assert.equal(WebAssembly.Module.customSections(module, "name").length, 1);
});

test("prepare() does without a name section that is malformed", async () => {
  const bytes = await wat("(module)");
  for (const content of [
    [1, 0xff, 0xff, 3],
    [1, 2, 9, 9],
    [0xff],
    [1, 5, 1, 0, 0xff, 0xff, 0x7f],
  ]) {
    const section = [4, ...Buffer.from("name"), ...content];
    const module = Uint8Array.from([...bytes, 0, section.length, ...section]);
    assert.ok(prepare(module, permissive).metered.length > 0);
  }
});
