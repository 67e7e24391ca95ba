import { Writer } from "./bytes.ts";
import { type Added, Code, refuelBelowZero } from "./instructions.ts";
import { op } from "./opcodes.ts";
import type { Table } from "./parse.ts";
import type { Signature, ValueType } from "./signatures.ts";

/** Bytes that one memory instruction may touch: about 10 µs. */
const chunkBytes = 128 * 1024;

/** Entries that one table instruction may touch; the engine needs 30 to 75 ns for each. */
const chunkEntries = 8_192;

/** Units of fuel a table entry costs. */
const entryCost = 64;

/** Units of fuel a page of grown memory costs: its bytes by eight, as if they were filled. */
const pageCostShift = 13;

/** A function that the pass appends; `code` holds its locals and instructions. */
export interface Appended {
  readonly name: string;
  readonly signature: Signature;
  readonly code: Uint8Array;
}

/** An instruction over a range, which is cut into pieces. */
interface Piecewise {
  readonly name: string;
  readonly operation: number;
  readonly immediates: readonly number[];
  /** What stands between destination and length: a source offset or the value to fill with. */
  readonly second: ValueType;
  readonly chunk: number;
  /** Leaves on the stack, as an i64, how long the destination and source are. */
  readonly destination: (code: Code) => Code;
  readonly source?: (code: Code) => Code;
  /** Turns a count on the stack into units of fuel. */
  readonly units: (code: Code) => Code;
}

const memoryLength = (code: Code) =>
  code.of(op.memorySize, 0).do(op.i64ExtendI32U, op.i64Const, 16, op.i64Shl);
const tableLength = (table: number) => (code: Code) =>
  code.of(op.tableSize, table).do(op.i64ExtendI32U);
const fixedLength = (length: number) => (code: Code) => code.i32(length).do(op.i64ExtendI32U);
const byteUnits = (code: Code) => code.i32(3).do(op.i32ShrU).i32(2).do(op.i32Add);
const entryUnits = (code: Code) => code.i32(entryCost).do(op.i32Mul).i32(2).do(op.i32Add);

/** Stands for `memory.fill`. */
export function memoryFill(added: Added): Pair {
  return piecewise(added, {
    name: "memory.fill",
    operation: op.memoryFill,
    immediates: [0],
    second: "i32",
    chunk: chunkBytes,
    destination: memoryLength,
    units: byteUnits,
  });
}

/** Stands for `memory.copy`. */
export function memoryCopy(added: Added): Pair {
  return piecewise(added, {
    name: "memory.copy",
    operation: op.memoryCopy,
    immediates: [0, 0],
    second: "i32",
    chunk: chunkBytes,
    destination: memoryLength,
    source: memoryLength,
    units: byteUnits,
  });
}

/**
 * Stands for `memory.init` from one segment.
 *
 * @param length   bytes of the segment while it is not dropped
 */
export function memoryInit(added: Added, segment: number, length: number): Pair {
  return piecewise(added, {
    name: `memory.init ${segment}`,
    operation: op.memoryInit,
    immediates: [segment, 0],
    second: "i32",
    chunk: chunkBytes,
    destination: memoryLength,
    source: fixedLength(length),
    units: byteUnits,
  });
}

/** Stands for `table.fill` of one table. */
export function tableFill(added: Added, table: number, type: ValueType): Pair {
  return piecewise(added, {
    name: `table.fill ${table}`,
    operation: op.tableFill,
    immediates: [table],
    second: type,
    chunk: chunkEntries,
    destination: tableLength(table),
    units: entryUnits,
  });
}

/** Stands for `table.copy` between two tables. */
export function tableCopy(added: Added, target: number, source: number): Pair {
  return piecewise(added, {
    name: `table.copy ${target} ${source}`,
    operation: op.tableCopy,
    immediates: [target, source],
    second: "i32",
    chunk: chunkEntries,
    destination: tableLength(target),
    source: tableLength(source),
    units: entryUnits,
  });
}

/**
 * Stands for `table.init` from one segment.
 *
 * @param length   entries of the segment while it is not dropped
 */
export function tableInit(added: Added, segment: number, table: number, length: number): Pair {
  return piecewise(added, {
    name: `table.init ${segment} ${table}`,
    operation: op.tableInit,
    immediates: [segment, table],
    second: "i32",
    chunk: chunkEntries,
    destination: tableLength(table),
    source: fixedLength(length),
    units: entryUnits,
  });
}

/** The function that stands for an instruction, and one for its long ranges, at the next index. */
export interface Pair {
  readonly long: Appended;
  readonly front: (long: number) => Appended;
}

/**
 * (destination, second, length): the instruction, charged before it runs and cut into pieces.
 *
 * A range that is out of bounds is given to the instruction whole, which traps before it writes;
 * so no piece of it is ever written, as the standard demands.
 */
function piecewise(added: Added, what: Piecewise): Pair {
  const signature: Signature = { params: ["i32", what.second, "i32"], results: [] };
  const code = new Code(new Writer());
  code.writer.u32(0);
  outOfBounds(code, what);
  if (what.source) code.get(0).get(1).do(op.i32LeU).open(op.if);
  pieces(code, added, what, "forward");
  if (what.source) {
    code.do(op.else);
    pieces(code, added, what, "backward");
    code.end();
  }
  what.units(code.get(2)).of(op.call, added.spend);
  code
    .get(0)
    .get(1)
    .get(2)
    .of(what.operation, ...what.immediates)
    .end();
  const long = { name: `${what.name} long`, signature, code: code.writer.view() };
  return { long, front: (index) => front(added, what, signature, index) };
}

/** Kept short, so that the engine may put it in place of its calls. */
function front(added: Added, what: Piecewise, signature: Signature, long: number): Appended {
  const code = new Code(new Writer());
  code.writer.u8(1, 1, 0x7f);
  code.get(2).i32(what.chunk).do(op.i32GtU).open(op.if);
  code.get(0).get(1).get(2).of(op.call, long).do(op.return).end();
  code.of(op.globalGet, added.fuel);
  what.units(code.get(2)).do(op.i32Sub).tee(3).of(op.globalSet, added.fuel);
  refuelBelowZero(code, added, 3);
  code
    .get(0)
    .get(1)
    .get(2)
    .of(what.operation, ...what.immediates)
    .end();
  return { name: what.name, signature, code: code.writer.view() };
}

function outOfBounds(code: Code, what: Piecewise): void {
  const beyond = (start: number, length: (code: Code) => Code) => {
    code.get(start).do(op.i64ExtendI32U).get(2).do(op.i64ExtendI32U, op.i64Add);
    length(code).do(op.i64GtU);
  };
  beyond(0, what.destination);
  if (what.source) {
    beyond(1, what.source);
    code.do(op.i32Or);
  }
  code
    .open(op.if)
    .get(0)
    .get(1)
    .get(2)
    .of(what.operation, ...what.immediates)
    .end();
}

/** Moves all but the last piece; backward when the target lies behind the source. */
function pieces(
  code: Code,
  added: Added,
  what: Piecewise,
  direction: "forward" | "backward",
): void {
  const step = (local: number, operation: number) =>
    code.get(local).i32(what.chunk).do(operation).set(local);
  code.open(op.loop);
  what.units(code.i32(what.chunk)).of(op.call, added.spend);
  step(2, op.i32Sub);
  if (direction === "backward") {
    code.get(0).get(2).do(op.i32Add).get(1).get(2).do(op.i32Add);
  } else code.get(0).get(1);
  code.i32(what.chunk).of(what.operation, ...what.immediates);
  if (direction === "forward") {
    step(0, op.i32Add);
    if (what.source) step(1, op.i32Add);
  }
  code.get(2).i32(what.chunk).do(op.i32GtU).of(op.brIf, 0).end();
}

/**
 * (pages) → old size or -1: asks the host, charges the pages, then grows.
 *
 * @param pagesMax   the maximum written for this memory; growth beyond it fails without asking
 */
export function memoryGrow(added: Added, pagesMax: number): Appended {
  const code = new Code(new Writer());
  code.writer.u32(0);
  code.get(0).i32(pagesMax).of(op.memorySize, 0).do(op.i32Sub, op.i32GtU);
  fail(code);
  code.get(0).open(op.if);
  code.get(0).of(op.call, added.grow).do(op.i32Eqz);
  fail(code);
  code.get(0).i32(pageCostShift).do(op.i32Shl).of(op.call, added.spend);
  code.end();
  code.get(0).of(op.memoryGrow, 0).end();
  const signature: Signature = { params: ["i32"], results: ["i32"] };
  return { name: "memory.grow", signature, code: code.writer.view() };
}

/** (value, entries) → old size or -1: asks the host for their bytes, then grows in pieces. */
export function tableGrow(added: Added, index: number, table: Table, entriesMax: number): Appended {
  const code = new Code(new Writer());
  const [value, entries, old] = [0, 1, 2];
  const growBy = (push: () => Code) => {
    entryUnits(push()).of(op.call, added.spend);
    code.get(value);
    push().of(op.tableGrow, index).i32(-1).do(op.i32LeS);
    fail(code);
  };
  code.writer.u8(1, 1, 0x7f);
  code.get(entries).i32(entriesMax).of(op.tableSize, index).do(op.i32Sub, op.i32GtU);
  fail(code);
  code.of(op.tableSize, index).set(old).get(entries).open(op.if);
  code.get(entries).i32(8).do(op.i32Mul).i32(0xffff).do(op.i32Add).i32(16).do(op.i32ShrU);
  code.of(op.call, added.grow).do(op.i32Eqz);
  fail(code);
  code.end().open(op.block).open(op.loop);
  code.get(entries).i32(chunkEntries).do(op.i32LeU).of(op.brIf, 1);
  growBy(() => code.i32(chunkEntries));
  code.get(entries).i32(chunkEntries).do(op.i32Sub).set(entries).of(op.br, 0).end().end();
  growBy(() => code.get(entries));
  code.get(old).end();
  const signature: Signature = { params: [table.type, "i32"], results: ["i32"] };
  return { name: `table.grow ${index}`, signature, code: code.writer.view() };
}

/** Answers -1, as a growth that failed, when the condition on the stack holds. */
function fail(code: Code): void {
  code.open(op.if).i32(-1).do(op.return).end();
}
