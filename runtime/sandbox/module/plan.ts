import { type Events, readClauses } from "./body.ts";
import { Reader } from "./bytes.ts";
import { type Frame, Frames } from "./frames.ts";
import { op } from "./opcodes.ts";
import type { Signature } from "./signatures.ts";
import { dead, Regions } from "./regions.ts";

/** What a body needs to know of the rest of its module to be priced. */
export interface Prices {
  /** What a call of this function costs its caller, in units. */
  call(functionIndex: number): number;
  /** What a call through a table costs, by the index of its type. */
  callIndirect(typeIndex: number): number;
  /** What a block of this type takes and leaves. */
  block(blockType: number): Signature;
}

/** How a loop checks the counter. */
export const check = {
  /** Nothing branches back to it: it is no loop. */
  none: 0,
  /** On the exported counter, which something in it may look at or change. */
  global: 1,
  /** On a local copy that was made before. */
  local: 2,
  /** On a local copy, which is made before it and written back on every way out. */
  nest: 3,
  /** Not a loop but a call: so much was charged before it that it is time to ask. */
  straight: 4,
} as const;

/** Where a body is charged, how much, and on which counter. */
export interface Plan {
  /** Units charged when the function is entered. */
  readonly entry: number;
  /** Units charged right after each event; 0 for none. */
  readonly after: Int32Array;
  /** Whether that is charged on a local copy of the counter. */
  readonly isLocal: Uint8Array;
  /** For each event, one of `check`. */
  readonly checks: Uint8Array;
  /** For each loop with `check.nest`, the labels outside of it that it branches to. */
  readonly exits: ReadonlyMap<number, readonly number[]>;
  /** Whether the function has loops and nothing that looks at the exported counter. */
  readonly isClosed: boolean;
}

/** A loop that makes its own copy of the counter, and the events that lie in it. */
interface Nest {
  readonly event: number;
  readonly end: number;
  readonly exits: readonly number[];
}

/** An exception is thrown and caught through the engine's runtime, which takes microseconds. */
const throwCost = 2_000;

/** What straight code with calls may cost before the counter is looked at again, in units. */
const straightUnitsMax = 4_096;

/** Says where a body is charged, from its events. */
export function planOf(bytes: Uint8Array, events: Events, prices: Prices): Plan {
  const planner = new Planner(bytes, events, prices);
  for (let index = 0; index < events.count; index++) planner.take(index);
  return planner.finish();
}

class Planner {
  readonly #bytes: Uint8Array;
  readonly #events: Events;
  readonly #prices: Prices;
  readonly #checks: Uint8Array;
  readonly #regions = new Regions();
  readonly #frames = new Frames();
  readonly #nests: Nest[] = [];
  #function: Frame | undefined;

  constructor(bytes: Uint8Array, events: Events, prices: Prices) {
    this.#bytes = bytes;
    this.#events = events;
    this.#prices = prices;
    this.#checks = new Uint8Array(events.count);
    this.#frames.open(-1, op.block, this.#regions.current, 0, 0);
  }

  take(index: number): void {
    const events = this.#events;
    const operation = events.operation(index);
    const argument = events.argument(index);
    const regions = this.#regions;
    regions.spend(events.before(index));
    switch (operation) {
      case op.block:
      case op.loop:
      case op.if:
      case op.try:
      case op.tryTable:
        this.#open(index, operation, argument);
        break;
      case op.else:
      case op.catch:
      case op.catchAll:
        regions.begin(index, this.#frames.top.region);
        break;
      case op.end:
      case op.delegate:
        this.#close(index);
        break;
      case op.brIf:
        regions.spend(this.#frames.branch(argument));
        regions.begin(index, regions.current);
        break;
      case op.br:
        regions.spend(this.#frames.branch(argument));
        break;
      case op.return:
        this.#frames.branch(this.#frames.depth - 1);
        break;
      case op.brTable:
        this.#branchAll(index);
        break;
      default:
        this.#other(index, operation, argument);
    }
    if (endsStraightCode(operation)) regions.current = dead;
  }

  finish(): Plan {
    const checks = this.#checks;
    const isClosed = !this.#function?.isOpen && checks.includes(check.global);
    const isLocal = new Uint8Array(checks.length);
    const nests = isClosed ? [{ event: -1, end: checks.length, exits: [] }] : this.#nests;
    for (const { event, end } of nests) {
      for (let inner = event + 1; inner < end; inner++) {
        if (checks[inner] !== check.none) checks[inner] = check.local;
      }
      if (event >= 0) checks[event] = check.nest;
      isLocal.fill(1, Math.max(0, event), end);
    }
    return {
      ...this.#regions.charges(checks.length),
      isLocal,
      checks,
      exits: new Map(nests.map((nest) => [nest.event, nest.exits])),
      isClosed,
    };
  }

  #open(index: number, operation: number, blockType: number): void {
    const { params, results } = this.#prices.block(blockType);
    const regions = this.#regions;
    if (operation === op.tryTable) this.#branchClauses(index);
    this.#frames.open(index, operation, regions.current, params.length, results.length);
    const isTry = operation === op.try || operation === op.tryTable;
    if (isTry) this.#frames.top.isOpen = true;
    if (operation !== op.loop && operation !== op.if) return;
    regions.begin(index, regions.current);
    this.#frames.top.head = regions.current;
    if (operation === op.loop) regions.spend(1);
  }

  #close(index: number): void {
    const frame = this.#frames.close();
    const regions = this.#regions;
    if (this.#frames.depth === 0) {
      this.#function = frame;
      return;
    }
    if (frame.operation === op.loop) {
      this.#closeLoop(index, frame);
      return;
    }
    const isStraight = frame.operation === op.block || frame.operation === op.tryTable;
    if (isStraight && !frame.isTargeted && regions.current !== dead) return;
    regions.begin(index, frame.region);
  }

  /** A loop that runs again must be charged at its head; what follows it runs once. */
  #closeLoop(index: number, loop: Frame): void {
    const exits = this.#frames.exitsOf(loop);
    const regions = this.#regions;
    if (!loop.isTargeted || loop.region === dead) return;
    regions.detach(loop.head);
    if (regions.current !== dead) regions.begin(index, loop.region);
    this.#checks[loop.event] = check.global;
    if (loop.isOpen || loop.params > 0 || exits === undefined) return;
    while ((this.#nests.at(-1)?.event ?? -1) > loop.event) this.#nests.pop();
    this.#nests.push({ event: loop.event, end: index, exits });
  }

  #branchAll(index: number): void {
    const reader = new Reader(this.#bytes, this.#events.start(index) + 1, this.#events.end(index));
    let arity = 0;
    for (let left = reader.u32(); left >= 0; left--) arity = this.#frames.branch(reader.u32());
    this.#regions.spend(arity);
  }

  #branchClauses(index: number): void {
    const reader = new Reader(this.#bytes, this.#events.start(index) + 1, this.#events.end(index));
    reader.s33();
    for (const { label } of readClauses(reader)) this.#frames.branch(label);
  }

  #other(index: number, operation: number, argument: number): void {
    const isIndirect = operation === op.callIndirect || operation === op.returnCallIndirect;
    if (operation === op.call || operation === op.returnCall) {
      this.#call(index, this.#prices.call(argument));
    } else if (isIndirect) this.#call(index, this.#prices.callIndirect(argument));
    else if (isThrow(operation)) this.#regions.spend(throwCost);
    else if (!isBulk(operation)) return;
    this.#frames.top.isOpen = true;
  }

  #call(index: number, units: number): void {
    const regions = this.#regions;
    regions.spend(units);
    if (regions.current === dead || regions.cost < straightUnitsMax) return;
    regions.begin(index, regions.current);
    regions.detach(regions.current);
    this.#checks[index] = check.straight;
  }
}

/** Whether the pass replaces this instruction by a call of a function that charges its length. */
export function isBulk(operation: number): boolean {
  if (operation === op.dataDrop || operation === op.elemDrop) return false;
  return operation === op.memoryGrow || (operation >= 0xfc00 && operation !== op.tableSize);
}

/** Whether this instruction throws an exception. */
export function isThrow(operation: number): boolean {
  return operation === op.throw || operation === op.rethrow || operation === op.throwRef;
}

function endsStraightCode(operation: number): boolean {
  switch (operation) {
    case op.unreachable:
    case op.br:
    case op.brTable:
    case op.return:
    case op.returnCall:
    case op.returnCallIndirect:
    case op.throw:
    case op.rethrow:
    case op.throwRef:
      return true;
    default:
      return false;
  }
}
