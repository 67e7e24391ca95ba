/**
 * Who attacks: the author of a module, who writes every byte of it.
 *
 * What must not happen: that an index which is one past the end, and so names nothing, names what
 * the metering adds: the counter, the phase, the host's imports, its functions, labels and locals.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
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
import { permissive } from "#test/support/metered.ts";

const i32 = 0x7f;
const funcref = 0x70;
const memory = section(5, vector([0, 1]));
const table = section(4, vector([funcref, 0, 1]));
const global = section(6, vector([i32, 1, 0x41, 0, 0x0b]));
const elements = section(9, vector([1, 0, ...vector([0])]));
const tag = section(13, vector([0, 0]));
const run = (kind: number, index: number) =>
  section(7, vector([...text("x"), kind, ...leb(index)]));
const nothing = code(body([]));

/** Each index space, as a module that uses an index of it; 0 is there, 1 is one past the end. */
const spaces: Readonly<Record<string, (index: number) => Uint8Array>> = {
  "global.get": (index) => oneFunction([0x23, index, 0x1a], [], global),
  "global.set": (index) => oneFunction([0x41, 0, 0x24, index], [], global),
  call: (index) => oneFunction([0x10, index]),
  return_call: (index) => oneFunction([0x12, index]),
  "ref.func": (index) =>
    binary(types([[], []]), functions(0), elements, code(body([0xd2, index, 0x1a]))),
  "type of call_indirect": (index) => oneFunction([0x41, 0, 0x11, index, 0], [], table),
  "table of call_indirect": (index) => oneFunction([0x41, 0, 0x11, 0, index], [], table),
  "type of a block": (index) => oneFunction([0x02, index, 0x0b]),
  "type of a function": (index) => binary(types([[], []]), functions(index), nothing),
  "exported function": (index) => binary(types([[], []]), functions(0), run(0, index), nothing),
  "exported table": (index) => binary(table, run(1, index)),
  "exported memory": (index) => binary(memory, run(2, index)),
  "exported global": (index) => binary(global, run(3, index)),
  "exported tag": (index) => binary(types([[], []]), tag, run(4, index)),
  start: (index) => binary(types([[], []]), functions(0), section(8, leb(index)), nothing),
  "function of an element": (index) =>
    binary(types([[], []]), functions(0), section(9, vector([1, 0, ...vector([index])])), nothing),
  "table of an element": (index) =>
    binary(table, section(9, vector([2, index, 0x41, 0, 0x0b, 0, ...vector()]))),
  "global of an offset": (index) =>
    binary(
      section(2, vector([...text("m"), ...text("g"), 3, i32, 0])),
      memory,
      section(11, vector([0, 0x23, index, 0x0b, 0])),
    ),
  "global of a global": (index) =>
    binary(
      section(2, vector([...text("m"), ...text("g"), 3, i32, 0])),
      section(6, vector([i32, 0, 0x23, index, 0x0b])),
    ),
  "data of memory.init": (index) =>
    binary(
      ...[types([[], []]), functions(0), memory, section(12, [1])],
      code(body([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, index, 0])),
      section(11, vector([1, 0])),
    ),
  "element of table.init": (index) =>
    binary(
      ...[types([[], []]), functions(0), table, elements],
      code(body([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 12, index, 0])),
    ),
  "element of elem.drop": (index) =>
    binary(types([[], []]), functions(0), table, elements, code(body([0xfc, 13, index]))),
  "table.get": (index) => oneFunction([0x41, 0, 0x25, index, 0x1a], [], table),
  "table.size": (index) => oneFunction([0xfc, 16, index, 0x1a], [], table),
  throw: (index) => binary(types([[], []]), functions(0), tag, code(body([0x08, index]))),
  "local.get": (index) => oneFunction([0x20, index, 0x1a], [[1, i32]]),
  "local.set in a loop": (index) =>
    oneFunction([0x03, 0x40, 0x41, 0, 0x21, index, 0x0c, 0, 0x0b], [[1, i32]]),
  br: (index) => oneFunction([0x0c, index]),
  "br in a loop": (index) => oneFunction([0x03, 0x40, 0x41, 0, 0x0d, index + 1, 0x0c, 0, 0x0b]),
  br_table: (index) => oneFunction([0x41, 0, 0x0e, 1, 0, index]),
  "memory.size": (index) => oneFunction([0x3f, index, 0x1a], [], memory),
};

for (const [space, module] of Object.entries(spaces))
  test(`prepare() refuses an index one past the end of ${space}`, () => {
    assert.ok(prepare(module(0), permissive).metered.length > 0, "index 0 is there");
    for (let index = 1; index < 12; index++) {
      assert.throws(
        () => prepare(module(index), permissive),
        (error) => error instanceof HostError && error.code === "MODULE_INVALID",
        `index ${index}`,
      );
    }
  });
