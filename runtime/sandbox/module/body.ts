import { HostError } from "#manifests/errors.ts";
import { Reader } from "./bytes.ts";
import { checkAtMost, moduleLimits } from "./limits.ts";
import { costs, op, shape, shapes, vectorCost } from "./opcodes.ts";
import { passHeapType, readBlockType, readValueType } from "./signatures.ts";

/** Numbers kept of each event: operation, where it starts and ends, argument, cost before it. */
const stride = 5;

/**
 * The instructions of a body that structure it or name something by index, in order.
 *
 * One list serves all bodies of a module in turn, so that memory is bounded by the largest.
 */
export class Events {
  #numbers = new Int32Array(stride * 1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }
  clear(): void {
    this.#count = 0;
  }
  add(operation: number, start: number, end: number, argument: number, before: number): void {
    const at = this.#count++ * stride;
    if (at + stride > this.#numbers.length) this.#grow();
    const numbers = this.#numbers;
    numbers[at] = operation;
    numbers[at + 1] = start;
    numbers[at + 2] = end;
    numbers[at + 3] = argument;
    numbers[at + 4] = before;
  }
  /** The operation, one of `op`. */
  operation(index: number): number {
    return this.#numbers[index * stride] as number;
  }
  /** Offsets into the module of the instruction. */
  start(index: number): number {
    return this.#numbers[index * stride + 1] as number;
  }
  end(index: number): number {
    return this.#numbers[index * stride + 2] as number;
  }
  /** The first immediate: an index or depth, or the block type. */
  argument(index: number): number {
    return this.#numbers[index * stride + 3] as number;
  }
  /** What the plain instructions between the event before and this one cost. */
  before(index: number): number {
    return this.#numbers[index * stride + 4] as number;
  }
  #grow(): void {
    const larger = new Int32Array(this.#numbers.length * 2);
    larger.set(this.#numbers);
    this.#numbers = larger;
  }
}

/** What a body declares before its code. */
export interface Locals {
  readonly count: number;
  readonly groups: number;
}

/**
 * Reads the declarations of locals; the reader stands at the code after it.
 *
 * @throws MODULE_FEATURE_REFUSED, MODULE_INVALID
 */
export function readLocals(reader: Reader): Locals {
  const groups = reader.u32();
  let count = 0;
  for (let left = groups; left > 0; left--) {
    count += reader.u32();
    readValueType(reader);
  }
  return { count, groups };
}

/** A bulk instruction of at most so many bytes is plain when its length stands right before it. */
const shortBytesMax = 256;

/** What a bulk instruction costs beside its length, which is charged where it runs. */
const bulkCost = 4;

/** What a short bulk instruction costs beside a unit for every eight bytes. */
const shortCost = 2;

/**
 * Collects the events of one body and refuses what is not in the allow-list.
 *
 * @param reader   at the first instruction of a validated body, bounded by its end
 * @throws MODULE_FEATURE_REFUSED, MODULE_TOO_LARGE, MODULE_INVALID
 */
export function readEvents(reader: Reader, events: Events): void {
  events.clear();
  let before = 0;
  let depth = 1;
  let last = 0;
  while (reader.at < reader.end) {
    const start = reader.at;
    const code = reader.u8();
    const kind = shapes[code] as number;
    if (kind === shape.plain) before += costs[code] as number;
    else if (kind < shape.event) {
      before += costs[code] as number;
      passImmediates(reader, code, kind);
    } else if (kind === shape.vector) {
      before += vectorCost;
      passVector(reader);
    } else {
      const operation = kind === shape.bulk ? readBulk(reader) : code;
      const argument = kind === shape.bulk ? 0 : readArgument(reader, kind);
      const short = operation > 0xff ? shortBytes(reader, operation, last, start) : -1;
      before += short < 0 ? costOf(operation) : shortCost + (short >> 3);
      if (operation !== 0 && short < 0) {
        events.add(operation, start, reader.at, argument, before);
        before = 0;
      }
      if (kind === shape.eventBlock || kind === shape.eventClauses) depth++;
      else if (code === op.end || code === op.delegate) depth--;
      checkAtMost("the nesting of a function", depth, moduleLimits.nestingMax);
    }
    last = start;
  }
}

function costOf(operation: number): number {
  if (operation === 0) return 1;
  if (operation <= 0xff) return costs[operation] as number;
  return operation === op.tableGrow ? (costs[op.memoryGrow] as number) : bulkCost;
}

/** Returns the length of a memory instruction that is constant and short, else -1. */
function shortBytes(reader: Reader, operation: number, last: number, start: number): number {
  const isMemory =
    operation === op.memoryFill || operation === op.memoryCopy || operation === op.memoryInit;
  if (!isMemory || reader.bytes[last] !== op.i32Const) return -1;
  const constant = new Reader(reader.bytes, last + 1, start);
  const bytes = constant.s33();
  return bytes >= 0 && bytes <= shortBytesMax ? bytes : -1;
}

function passImmediates(reader: Reader, code: number, kind: number): void {
  if (kind === shape.number) reader.passNumber();
  else if (kind === shape.address) passAddress(reader);
  else if (kind === shape.bytes4) reader.pass(4);
  else if (kind === shape.bytes8) reader.pass(8);
  else if (kind === shape.heapType) passHeapType(reader);
  else if (kind === shape.types) {
    for (let left = reader.u32(); left > 0; left--) readValueType(reader);
  } else throw new HostError("MODULE_FEATURE_REFUSED", { feature: featureOf(code) });
}

function featureOf(code: number): string {
  if (code === 0xfe) return "threads";
  if (code === 0xfb) return "garbage-collected objects";
  if (code === 0x14 || code === 0x15 || (code >= 0xd3 && code <= 0xd6)) {
    return "typed function references";
  }
  if (code >= 0xe0 && code <= 0xe6) return "stack switching";
  return `the instruction 0x${code.toString(16)}`;
}

function passAddress(reader: Reader): void {
  if (reader.u32() & 0x40) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: "more than one memory" });
  }
  reader.passNumber();
}

function readArgument(reader: Reader, kind: number): number {
  if (kind === shape.event) return 0;
  if (kind === shape.eventNumber) return reader.u32();
  if (kind === shape.eventBlock) return readBlockType(reader);
  if (kind === shape.eventCallIndirect) {
    const type = reader.u32();
    reader.u32();
    return type;
  }
  if (kind === shape.eventTargets) {
    let left = reader.u32() + 1;
    while (left-- > 0) reader.u32();
    return 0;
  }
  const type = readBlockType(reader);
  for (const _ of readClauses(reader));
  return type;
}

/** One clause of a `try_table`: which tag it catches, if any, and the label it goes to. */
export interface Clause {
  readonly kind: number;
  readonly tag: number;
  readonly label: number;
}

/**
 * Reads the clauses that follow the block type of a `try_table`.
 *
 * @throws MODULE_INVALID
 */
export function readClauses(reader: Reader): Clause[] {
  const clauses: Clause[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const kind = reader.u8();
    clauses.push({ kind, tag: kind < 2 ? reader.u32() : -1, label: reader.u32() });
  }
  return clauses;
}

/** Returns the operation, or 0 for the conversions, which are plain. */
function readBulk(reader: Reader): number {
  const code = reader.u32();
  if (code < 8) return 0;
  const operation = 0xfc00 | code;
  if (code > 0x11) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: `the instruction 0xfc ${code}` });
  }
  reader.u32();
  const isPair =
    operation === op.memoryInit ||
    operation === op.memoryCopy ||
    operation === op.tableInit ||
    operation === op.tableCopy;
  if (isPair) reader.u32();
  return operation;
}

function passVector(reader: Reader): void {
  const code = reader.u32();
  if (code >= 0x100) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: "relaxed SIMD" });
  }
  const isLoad = code <= 11 || code === 92 || code === 93;
  const isLaneAccess = code >= 84 && code <= 91;
  if (isLoad || isLaneAccess) passAddress(reader);
  if (code === 12 || code === 13) reader.pass(16);
  if (isLaneAccess || (code >= 21 && code <= 34)) reader.pass(1);
}
