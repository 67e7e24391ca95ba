/** What a module may not be: each refusal with its code, and the largest that is still admitted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { moduleLimits } from "#runtime/sandbox/module/limits.ts";
import { prepare } from "#runtime/sandbox/module/prepare.ts";
import {
  binary,
  body,
  code,
  functions,
  leb,
  oneFunction,
  section,
  text,
  types,
  vector,
} from "#test/support/binary.ts";
import { permissive, prepareText } from "#test/support/metered.ts";
import { wat } from "#test/support/wat.ts";

const nop = 0x01;

function refusal(bytes: Uint8Array, options = permissive): HostError {
  try {
    prepare(bytes, options);
  } catch (error) {
    assert.ok(error instanceof HostError, String(error));
    assert.doesNotMatch(error.message, /fault of the host/);
    return error;
  }
  return assert.fail("it was prepared");
}

const many = (count: number, entry: readonly number[]) => [
  ...leb(count),
  ...Array.from({ length: count }, () => entry).flat(),
];
const nested = (depth: number) =>
  oneFunction([...Array(depth).fill([0x02, 0x40]).flat(), ...Array(depth).fill(0x0b)]);
const functionsOf = (count: number) =>
  binary(types([[], []]), section(3, many(count, [0])), section(10, many(count, body([]))));
const tableOf = (entries: number) => binary(section(4, vector([0x70, 0, ...leb(entries)])));
const bodyOf = (bytes: number) => oneFunction(Array(bytes - 2).fill(nop));
const localsOf = (count: number) => oneFunction([], [[count, 0x7e]]);

/** Modules by their size, and the size that is still admitted. */
const sized: readonly (readonly [string, (size: number) => Uint8Array, number])[] = [
  ["blocks in blocks", nested, moduleLimits.nestingMax - 1],
  ["functions", functionsOf, moduleLimits.functionsMax],
  ["entries of a table", tableOf, moduleLimits.tableEntriesMax],
  ["bytes of a body", bodyOf, moduleLimits.bodyBytesMax],
  ["locals", localsOf, moduleLimits.localsMax],
];

for (const [what, module, max] of sized)
  test(`prepare() admits ${max} ${what}, and not one more`, () => {
    assert.ok(prepare(module(max), permissive).metered.length > 0);
    assert.equal(refusal(module(max + 1)).code, "MODULE_TOO_LARGE");
  });

test("prepare() refuses a module above 64 MiB without reading it", () => {
  const bytes = new Uint8Array(moduleLimits.moduleBytesMax + 1);
  assert.equal(refusal(bytes).code, "MODULE_TOO_LARGE");
});

test("prepare() adds up the locals of all groups, however large each says it is", () => {
  const groups = Array.from({ length: 4 }, () => [0xffffffff, 0x7f] as const);
  assert.equal(refusal(oneFunction([], groups)).code, "MODULE_TOO_LARGE");
  const most = [...leb(10_000_000), 0x7f, 0x0b];
  const lying = binary(types([[], []]), functions(0), section(10, vector([...leb(30), ...most])));
  assert.match(refusal(lying).code, /^MODULE_(INVALID|TOO_LARGE)$/);
});

test("prepare() adds up the entries that all tables and element segments begin with", async () => {
  const half = "(table 600000 funcref)";
  await assert.rejects(prepareText(`(module ${half} ${half})`), { code: "MODULE_TOO_LARGE" });
});

test("prepare() looks for the locals of a body in that body alone", () => {
  const lying = [3, ...leb(0xffffffff).slice(0, 2), 0x7f];
  const bodies = Array.from({ length: 40_000 }, () => lying);
  const bytes = binary(
    types([[], []]),
    section(3, many(bodies.length, [0])),
    section(10, vector(...bodies)),
  );
  const started = performance.now();
  assert.match(refusal(bytes).code, /^MODULE_(INVALID|TOO_LARGE)$/);
  assert.ok(performance.now() - started < 5_000);
});

test("prepare() adds up what all types take and give", () => {
  const wide = [0x60, ...leb(1_000), ...Array(1_000).fill(0x7f), 0];
  assert.equal(refusal(binary(section(1, many(1_100, wide)))).code, "MODULE_TOO_LARGE");
});

test("prepare() is done with thousands of loops in each other that all leave each other", () => {
  const depth = 3_900;
  const open = Array(depth).fill([0x03, 0x40]).flat();
  const leave = Array.from({ length: depth }, (_, index) => [0x41, 0, 0x0d, ...leb(index)]).flat();
  const started = performance.now();
  prepare(oneFunction([...open, ...leave, ...leave, ...Array(depth).fill(0x0b)]), permissive);
  assert.ok(performance.now() - started < 5_000);
});

test("prepare() refuses counts that no section has room for", () => {
  for (const id of [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13]) {
    for (const count of [1, 50_000, 0x7fffffff, 0xffffffff]) {
      const { code } = refusal(binary(section(id, leb(count))));
      // A count of data segments alone is a claim about a section that is not there.
      assert.match(code, /^MODULE_(INVALID|TOO_LARGE)$/, `section ${id}, count ${count}`);
    }
  }
});

test("prepare() refuses long initialisers", () => {
  const sum = (terms: number) => [
    ...[0x41, 0],
    ...Array.from({ length: terms }, () => [0x41, 1, 0x6a]).flat(),
    0x0b,
  ];
  const global = (terms: number) => binary(section(6, vector([0x7f, 0, ...sum(terms)])));
  assert.ok(prepare(global(100), permissive).metered.length > 0);
  assert.equal(refusal(global(10_000)).code, "MODULE_TOO_LARGE");
});

test("prepare() refuses a function that metering makes too large for the engine", () => {
  const loop = [0x03, 0x40, 0x41, 0, 0x0d, 0, 0x0b];
  const bytes = oneFunction(Array.from({ length: 140_000 }, () => loop).flat());
  assert.ok(WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>));
  assert.equal(refusal(bytes).code, "MODULE_TOO_LARGE");
});

const memory = (...type: readonly number[]) => binary(section(5, vector(type)));
const imported = (kind: number, ...description: readonly number[]) =>
  binary(types([[], []]), section(2, vector([...text("m"), ...text("n"), kind, ...description])));

/** Features that cannot be bounded or differ between machines, and what the refusal calls them. */
const features: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["a component", Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), /component model/],
  ["shared memory", memory(3, 1, 1), /shared memory/],
  ["an imported shared memory", imported(2, 3, 1, 1), /shared memory/],
  ["64-bit memory", memory(4, 1), /memory64/],
  ["a 64-bit table", binary(section(4, vector([0x70, 4, 1]))), /memory64/],
  ["two memories", binary(section(5, vector([0, 1], [0, 1]))), /more than one memory/],
  ["a struct type", binary(section(1, vector([0x5f, 0]))), /garbage-collected/],
  ["a recursive type", binary(section(1, vector([0x4e, 1, 0x60, 0, 0]))), /garbage-collected/],
  ["a typed reference", binary(types([[0x64, 0x70], []])), /garbage-collected|invalid/],
  ["anyref", binary(types([[0x6e], []])), /garbage-collected/],
  ["a null of anyref", oneFunction([0xd0, 0x6e, 0x1a]), /garbage-collected/],
  ["i31", oneFunction([0x41, 0, 0xfb, 28, 0x1a]), /garbage-collected/],
  [
    "atomic access",
    oneFunction([0x41, 0, 0xfe, 0x10, 2, 0, 0x1a], [], section(5, vector([0, 1]))),
    /threads/,
  ],
  ["an atomic fence", oneFunction([0xfe, 0x03, 0]), /threads/],
  [
    "a block of a typed reference",
    oneFunction([0x02, 0x63, 0x70, 0xd0, 0x70, 0x0b, 0x1a]),
    /garbage/,
  ],
  ["a block of anyref", oneFunction([0x02, 0x6e, 0xd0, 0x6e, 0x0b, 0x1a]), /garbage/],
  [
    "elements of a typed reference",
    binary(section(9, vector([5, 0x63, 0x70, ...vector([0xd0, 0x70, 0x0b])]))),
    /garbage/,
  ],
  ["call_ref", oneFunction([0xd0, 0x00, 0x14, 0]), /garbage-collected|typed function/],
  [
    "a table with initial values",
    binary(section(4, vector([0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b]))),
    /initial values/,
  ],
];

for (const [what, bytes, sentence] of features)
  test(`prepare() refuses ${what} and says so`, () => {
    const { code, message } = refusal(bytes);
    if (code === "MODULE_INVALID") assert.ok(!WebAssembly.validate(bytes as never), message);
    else {
      assert.equal(code, "MODULE_FEATURE_REFUSED");
      assert.match(message, sentence);
    }
  });

test("prepare() refuses relaxed SIMD, whose results differ between machines", () => {
  const zero = [0xfd, 12, ...Array(16).fill(0)];
  const { code, message } = refusal(oneFunction([...zero, ...zero, 0xfd, 0x80, 0x02, 0x1a]));
  assert.equal(code, "MODULE_FEATURE_REFUSED");
  assert.match(message, /relaxed SIMD/);
});

test("prepare() refuses JavaScript string builtins", async () => {
  const text = '(module (import "wasm:js-string" "length" (func (param externref) (result i32))))';
  await assert.rejects(prepareText(text), { code: "MODULE_FEATURE_REFUSED" });
});

/** One function for each feature of the allow-list, or what a module needs for it. */
const admitted: Readonly<Record<string, string>> = {
  "bulk memory": `(memory 1) (data $d "x") (func
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (data.drop $d)
    (memory.copy (i32.const 0) (i32.const 1) (i32.const 2))
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 2)))`,
  "bulk tables": `(table 3 funcref) (elem $e func $f) (func $f
    (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $e)
    (table.copy (i32.const 0) (i32.const 1) (i32.const 2)))`,
  "sign extension": "(func (param i32) (result i32) (i32.extend8_s (local.get 0)))",
  "saturating conversions": "(func (param f64) (result i64) (i64.trunc_sat_f64_u (local.get 0)))",
  "multiple values": `(func (param i32 i64) (result i64 i32)
    (local.get 1) (block (param i64) (result i64 i32) (local.get 0)))`,
  "reference types": `(table $t 1 externref) (table $u 1 funcref) (func (param externref)
    (table.set $t (i32.const 0) (local.get 0))
    (drop (table.grow $u (ref.null func) (i32.const 1)))
    (drop (ref.is_null (table.get $t (i32.const 0)))))`,
  vectors: "(func (param v128) (result i32) (i8x16.extract_lane_s 3 (i8x16.popcnt (local.get 0))))",
  "tail calls": `(type $t (func (result i32))) (table 1 funcref)
    (func $f (result i32) (return_call_indirect (type $t) (i32.const 0)))
    (func (result i32) (return_call $f))`,
  "extended constants":
    "(global i32 (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))",
  exceptions: `(tag $e (param i32)) (func (result i32)
    (try (result i32) (do (throw $e (i32.const 1))) (catch $e) (catch_all (rethrow 0))))`,
  delegation: "(func (try (do (try (do) (delegate 0))) (catch_all)))",
};

for (const [feature, text] of Object.entries(admitted))
  test(`prepare() admits ${feature}`, async () => {
    assert.ok((await prepareText(`(module ${text})`)).metered.length > 0);
  });

test("prepare() admits exceptions by reference", () => {
  // block (result exnref) (try_table (catch_all_ref 0)) unreachable end throw_ref
  const bytes = oneFunction([...[0x02, 0x69, 0x1f, 0x40, 1, 3, 0, 0x0b, 0x00, 0x0b, 0x0a]]);
  assert.ok(prepare(bytes, permissive).metered.length > 0);
});

test("prepare() asks for every import whether it is admitted", async () => {
  const asked: string[] = [];
  const bytes = await wat(`(module
    (import "a" "f" (func)) (import "b" "g" (global i32)) (import "c" "h" (func (param i64))))`);
  const admits = (module: string, name: string) => {
    asked.push(`${module}.${name}`);
    return module !== "c";
  };
  const { code, message, facts } = refusal(bytes, { ...permissive, admits });
  assert.equal(code, "IMPORT_REFUSED");
  assert.match(message, /imports c\.h/);
  assert.deepEqual(facts, { module: "c", name: "h" });
  assert.deepEqual(asked, ["a.f", "b.g", "c.h"]);
});

for (const kind of ["(memory 1)", "(table 1 funcref)", "(global i32)", "(tag)"])
  test(`prepare() refuses ${kind} from the Extism environment and from WASI`, async () => {
    for (const module of ["extism:host/env", "extism:host/user", "wasi_snapshot_preview1"]) {
      const bytes = await wat(`(module (import "${module}" "x" ${kind}))`);
      assert.equal(refusal(bytes).code, "IMPORT_REFUSED");
    }
  });

test("prepare() refuses imports and exports under the names that it uses itself", async () => {
  for (const import_ of [
    '"convergio:meter" "charge" (func (param i32) (result i32))',
    '"convergio:meter" "phase" (global (mut i32))',
    '"convergio:" "x" (func)',
    '"x" "convergio:fuel" (func)',
  ])
    assert.equal(refusal(await wat(`(module (import ${import_}))`)).code, "IMPORT_REFUSED");
  for (const export_ of ["convergio:fuel", "convergio:", "convergio:meter"]) {
    const { code, message } = refusal(await wat(`(module (func (export "${export_}")))`));
    assert.equal(code, "MODULE_INVALID");
    assert.match(message, /a name of the host's own/);
  }
});

test("prepare() validates every body before it believes any of them", () => {
  const wrong = body([0x41, 0]);
  const right = Array.from({ length: 3_000 }, () => body([nop]));
  const bytes = binary(types([[], []]), functions(...Array(3_001).fill(0)), code(...right, wrong));
  assert.equal(refusal(bytes).code, "MODULE_INVALID");
});
