/** Long ranges are cut into pieces, and nobody can tell: same bytes, same entries, same traps. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { prepare } from "#runtime/sandbox/module/prepare.ts";
import { permissive, startMetered } from "#test/support/metered.ts";
import { wat } from "#test/support/wat.ts";

const pages = 9;
const memoryBytes = pages * 65_536;
const entries = 30_000;
const segmentBytes = 300_000;

const guest = await wat(`(module
  (memory (export "memory") ${pages})
  (table $t (export "table") ${entries} externref) (table $u (export "other") 20000 externref)
  (table $f (export "functions") 20000 funcref)
  (data $d "${"0123456789".repeat(segmentBytes / 10)}")
  (elem $e func ${"$one $two ".repeat(10_000)})
  (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32)
    (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (data.drop $d))
  (func (export "copyTable") (param i32 i32 i32)
    (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copyAcross") (param i32 i32 i32)
    (table.copy $u $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fillTable") (param i32 externref i32)
    (table.fill $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "initTable") (param i32 i32 i32)
    (table.init $f $e (local.get 0) (local.get 1) (local.get 2)))
  (func (export "dropTable") (elem.drop $e)))`);

/** An instance: unmetered, or metered with the pieces that its fuel is handed out in. */
interface Pair {
  readonly plain: WebAssembly.Exports;
  readonly call: (name: string, ...values: readonly unknown[]) => unknown;
  readonly metered: WebAssembly.Exports;
}

const prepared = prepare(guest, permissive);

function startBoth(): Pair {
  const plain = new WebAssembly.Instance(new WebAssembly.Module(guest as Uint8Array<ArrayBuffer>));
  const { call, exports } = startMetered(prepared, { slice: 1_000 });
  return { plain: plain.exports, call, metered: exports };
}

function outcome(run: () => unknown): string {
  try {
    run();
    return "done";
  } catch (error) {
    return String(error);
  }
}

function checkSame(pair: Pair, name: string, values: readonly unknown[]): void {
  const expected = outcome(() => (pair.plain[name] as CallableFunction)(...values));
  assert.equal(
    outcome(() => pair.call(name, ...values)),
    expected,
    `${name} ${values.join(" ")}`,
  );
}

const bytesOf = ({ memory }: WebAssembly.Exports) =>
  Buffer.from((memory as WebAssembly.Memory).buffer);

function checkSameMemory({ plain, metered }: Pair): void {
  assert.equal(Buffer.compare(bytesOf(plain), bytesOf(metered)), 0);
}

function listed(table: unknown): unknown[] {
  const { length, get } = table as { length: number; get(index: number): unknown };
  return Array.from({ length }, (_, index) => get.call(table, index));
}

/** Numbers at which something changes: pieces are 131,072 bytes and 8,192 entries long. */
const offset = (limit: number, piece: number) =>
  fc.oneof(
    fc.nat(limit + 10),
    fc.constantFrom(0, 1, piece - 1, piece, piece + 1, 2 * piece, limit - piece, limit - 1, limit),
    fc.constantFrom(-1, -2_147_483_648, 2_147_483_647),
  );

const range = (limit: number, piece: number) =>
  fc.tuple(offset(limit, piece), offset(limit, piece), offset(limit, piece));

test("memory is filled, copied and initialised as without metering", () => {
  const pair = startBoth();
  checkSame(pair, "init", [0, 0, segmentBytes]);
  checkSame(pair, "init", [segmentBytes, 0, memoryBytes - segmentBytes]);
  checkSameMemory(pair);
  const name = fc.constantFrom("fill", "copy", "copy", "init");
  fc.assert(
    fc.property(name, range(memoryBytes, 131_072), (name, values) => {
      checkSame(pair, name, values);
      checkSameMemory(pair);
    }),
    { numRuns: 300 },
  );
});

test("overlapping copies keep what the source held, in both directions", () => {
  for (const [target, source] of [
    [0, 1],
    [1, 0],
    [0, 131_072],
    [131_072, 0],
    [1_000, 132_073],
    [132_073, 1_000],
    [5, 5],
  ] as const) {
    const pair = startBoth();
    checkSame(pair, "init", [0, 0, segmentBytes]);
    checkSame(pair, "copy", [target, source, 400_000]);
    checkSameMemory(pair);
  }
});

test("a range out of bounds traps before anything is written, zero bytes far away too", () => {
  const pair = startBoth();
  for (const values of [
    [memoryBytes - 200_000, 7, 200_001],
    [1, 7, memoryBytes],
    [memoryBytes + 1, 7, 0],
    [memoryBytes, 7, 0],
    [-1, 7, 0],
    [-1, 7, -1],
    [0, 7, -1],
  ])
    checkSame(pair, "fill", values);
  checkSame(pair, "copy", [0, memoryBytes - 200_000, 200_001]);
  checkSame(pair, "init", [0, 1, segmentBytes]);
  assert.ok(bytesOf(pair.metered).every((byte) => byte === 0));
  checkSameMemory(pair);
});

test("a segment that was dropped is empty", () => {
  const pair = startBoth();
  checkSame(pair, "drop", []);
  for (const values of [
    [0, 0, 0],
    [0, 0, 1],
    [0, 0, segmentBytes],
    [200_000, 0, 200_000],
  ])
    checkSame(pair, "init", values);
  checkSameMemory(pair);
});

test("tables are filled, copied and initialised as without metering", () => {
  const pair = startBoth();
  const same = () => {
    for (const name of ["table", "other"])
      assert.deepEqual(listed(pair.metered[name]), listed(pair.plain[name]));
    const numbers = ({ functions }: WebAssembly.Exports) =>
      listed(functions).map((entry) => (entry as () => number)?.());
    assert.deepEqual(numbers(pair.metered), numbers(pair.plain));
  };
  for (let index = 0; index < entries; index += 1_000)
    checkSame(pair, "fillTable", [index, `entry ${index}`, 990]);
  same();
  const name = fc.constantFrom("copyTable", "copyAcross", "initTable");
  fc.assert(
    fc.property(name, range(entries, 8_192), (name, values) => {
      checkSame(pair, name, values);
    }),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(offset(entries, 8_192), offset(entries, 8_192), (at, length) => {
      checkSame(pair, "fillTable", [at, `filled ${at}`, length]);
    }),
    { numRuns: 50 },
  );
  same();
  checkSame(pair, "dropTable", []);
  checkSame(pair, "initTable", [0, 0, 10_000]);
  checkSame(pair, "initTable", [0, 0, 0]);
  same();
});
