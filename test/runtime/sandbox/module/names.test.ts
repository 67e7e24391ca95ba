import assert from "node:assert/strict";
import { test } from "node:test";
import { Reader } from "#runtime/sandbox/module/bytes.ts";
import { prepareText } from "#test/support/metered.ts";

/** The subsections of the name section of a module, by their ids. */
function subsections(bytes: Uint8Array): Map<number, Reader> {
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const [content] = WebAssembly.Module.customSections(module, "name");
  const reader = new Reader(new Uint8Array(content as ArrayBuffer));
  const found = new Map<number, Reader>();
  while (reader.at < reader.end) {
    const id = reader.u8();
    const length = reader.u32();
    found.set(id, new Reader(reader.bytes, reader.at, reader.at + length));
    reader.pass(length);
  }
  return found;
}

function namesIn(reader: Reader | undefined): Record<number, string> {
  assert.ok(reader);
  const names: Record<number, string> = {};
  for (let left = reader.u32(); left > 0; left--) names[reader.u32()] = reader.text();
  return names;
}

const guest = `(module $guest
  (type $shape (func (param i32)))
  (import "m" "taken" (func $taken)) (import "m" "given" (global $given i32))
  (memory 1) (global $count (mut i32) (i32.const 1)) (data $text "x")
  (func $first (param $x i32) (local $y i64))
  (func $second (loop $label (br $label)))
  (func (memory.fill (i32.const 0) (i32.const 0) (memory.size))))`;

test("the name section follows functions to their new places, and names the inserted ones", async () => {
  const { metered } = await prepareText(guest);
  const names = namesIn(subsections(metered).get(1));
  assert.deepEqual(Object.entries(names), [
    ["0", "taken"],
    ["1", "convergio:charge"],
    ["2", "convergio:yield"],
    ["3", "convergio:grow"],
    ["4", "first"],
    ["5", "second"],
    ["7", "convergio:refuel"],
    ["8", "convergio:spend"],
    ["9", "convergio:memory.fill long"],
    ["10", "convergio:memory.fill"],
  ]);
});

test("the name section follows globals and locals, and gives up labels, which move", async () => {
  const { metered } = await prepareText(guest);
  const found = subsections(metered);
  assert.deepEqual(namesIn(found.get(7)), { 0: "given", 2: "count" });
  const locals = found.get(2);
  assert.ok(locals);
  const byFunction = new Map<number, Record<number, string>>();
  for (let left = locals.u32(); left > 0; left--) byFunction.set(locals.u32(), namesIn(locals));
  assert.deepEqual(byFunction.get(4), { 0: "x", 1: "y" });
  assert.equal(found.has(3), false);
});
