import { Reader } from "./bytes.ts";
import { type Events, readClauses } from "./body.ts";
import { op } from "./opcodes.ts";

/** What a body needs to know of the rest of its module to be priced. */
export interface Prices {
  /** What a call of this function costs its caller, in units. */
  call(functionIndex: number): number;
  /** What a call through a table costs, by the index of its type. */
  callIndirect(typeIndex: number): number;
  /** How many values a block of this type takes and leaves. */
  arity(blockType: number): { readonly params: number; readonly results: number };
}

/** Where a body is charged, and how much. */
export interface Plan {
  /** Units charged when the function is entered. */
  readonly entry: number;
  /** Units charged right after each event; 0 for none. */
  readonly after: Int32Array;
  /** Whether the event is a loop that something branches back to. */
  readonly loops: Uint8Array;
  readonly hasLoop: boolean;
  readonly hasCall: boolean;
}

/** A region with a cost at most this is charged with the region that leads to it. */
const smallRegion = 16;

/** How much may be charged ahead in a region: this, or as much again as it costs itself. */
const aheadMin = 32;

/** An exception is thrown and caught through the engine's runtime, which takes microseconds. */
const throwCost = 2_000;

/** The region of code that nothing reaches. */
const dead = 0;
const entry = 1;

interface Frame {
  readonly event: number;
  readonly operation: number;
  /** The region that leads to the block, and so to what follows it. */
  readonly region: number;
  /** The first region inside a loop. */
  head: number;
  /** Values that a branch to its label carries. */
  readonly arity: number;
  targeted: boolean;
}

/**
 * Finds the straight regions of a body and says where each is charged.
 *
 * A region is a run of instructions that control enters only at its start. Its cost is charged
 * there, or, if it is small, together with the region that always runs before it: too early and
 * sometimes in vain, but never too late.
 */
export function planOf(bytes: Uint8Array, events: Events, prices: Prices): Plan {
  const planner = new Planner(bytes, events, prices);
  for (let index = 0; index < events.count; index++) planner.take(index);
  return planner.finish();
}

class Planner {
  readonly #bytes: Uint8Array;
  readonly #events: Events;
  readonly #prices: Prices;
  readonly #loops: Uint8Array;
  readonly #frames: Frame[];
  /** For each region: its cost, the region that leads to it (-1: charged in any case), its event. */
  readonly #costs: number[] = [0, 0];
  readonly #leaders: number[] = [-1, -1];
  readonly #starts: number[] = [-1, -1];
  #region = entry;
  #hasCall = false;
  #hasLoop = false;

  constructor(bytes: Uint8Array, events: Events, prices: Prices) {
    this.#bytes = bytes;
    this.#events = events;
    this.#prices = prices;
    this.#loops = new Uint8Array(events.count);
    this.#frames = [newFrame(-1, op.block, entry, 0)];
  }

  take(index: number): void {
    const events = this.#events;
    const operation = events.operation(index);
    const argument = events.argument(index);
    this.#spend(events.before(index));
    switch (operation) {
      case op.block:
      case op.try:
      case op.tryTable:
      case op.loop:
      case op.if:
        this.#open(index, operation, argument);
        break;
      case op.else:
      case op.catch:
      case op.catchAll:
        this.#begin(index, this.#top().region);
        break;
      case op.end:
      case op.delegate:
        this.#close(index);
        break;
      case op.brIf:
        this.#branch(argument);
        this.#begin(index, this.#region);
        break;
      case op.br:
        this.#branch(argument);
        break;
      case op.brTable:
        this.#branchAll(index);
        break;
      case op.throw:
      case op.rethrow:
      case op.throwRef:
        this.#spend(throwCost);
        break;
      case op.call:
      case op.callIndirect:
      case op.returnCall:
      case op.returnCallIndirect:
        this.#call(operation, argument);
        break;
      default:
        if (isBulk(operation)) this.#hasCall = true;
    }
    if (endsStraightCode(operation)) this.#region = dead;
  }

  finish(): Plan {
    const after = new Int32Array(this.#events.count);
    const ahead = new Float64Array(this.#costs.length);
    const own = Float64Array.from(this.#costs);
    for (let region = this.#costs.length - 1; region > entry; region--) {
      const cost = this.#costs[region] as number;
      const leader = this.#leaders[region] as number;
      const room = Math.max(aheadMin, own[leader] ?? 0) - (ahead[leader] ?? 0);
      if (leader > dead && cost <= smallRegion && cost <= room) {
        ahead[leader] = (ahead[leader] as number) + cost;
        this.#costs[leader] = (this.#costs[leader] as number) + cost;
      } else after[this.#starts[region] as number] = cost;
    }
    return {
      entry: this.#costs[entry] as number,
      after,
      loops: this.#loops,
      hasLoop: this.#hasLoop,
      hasCall: this.#hasCall,
    };
  }

  #top(): Frame {
    return this.#frames[this.#frames.length - 1] as Frame;
  }

  #spend(units: number): void {
    this.#costs[this.#region] = (this.#costs[this.#region] as number) + units;
  }

  /** Begins a region after an event, unless nothing reaches it. */
  #begin(index: number, leader: number): void {
    if (leader === dead) this.#region = dead;
    else {
      this.#region = this.#costs.push(0) - 1;
      this.#leaders.push(leader);
      this.#starts.push(index);
    }
  }

  #open(index: number, operation: number, blockType: number): void {
    const { params, results } = this.#prices.arity(blockType);
    const arity = operation === op.loop ? params : results;
    const region = this.#region;
    if (operation === op.tryTable) this.#branchClauses(index);
    const frame = newFrame(index, operation, region, arity);
    this.#frames.push(frame);
    if (operation !== op.loop && operation !== op.if) return;
    this.#begin(index, region);
    frame.head = this.#region;
    if (operation === op.loop) this.#spend(1);
  }

  #close(index: number): void {
    const frame = this.#frames.pop() as Frame;
    if (this.#frames.length === 0) return;
    if (frame.operation === op.loop) {
      this.#closeLoop(index, frame);
      return;
    }
    const isStraight = frame.operation === op.block || frame.operation === op.tryTable;
    if (isStraight && !frame.targeted && this.#region !== dead) return;
    this.#begin(index, frame.region);
  }

  /** A loop that runs again must be charged at its head; what follows it runs once. */
  #closeLoop(index: number, frame: Frame): void {
    if (!frame.targeted || frame.region === dead) return;
    this.#loops[frame.event] = 1;
    this.#hasLoop = true;
    this.#leaders[frame.head] = -1;
    if (this.#region !== dead) this.#begin(index, frame.region);
  }

  #branch(depth: number): void {
    const frame = this.#frames[this.#frames.length - 1 - depth];
    if (frame === undefined) return;
    frame.targeted = true;
    this.#spend(frame.arity);
  }

  #branchAll(index: number): void {
    const reader = new Reader(this.#bytes, this.#events.start(index) + 1, this.#events.end(index));
    for (let left = reader.u32(); left >= 0; left--) {
      const frame = this.#frames[this.#frames.length - 1 - reader.u32()];
      if (frame) frame.targeted = true;
      if (frame && left === 0) this.#spend(frame.arity);
    }
  }

  #branchClauses(index: number): void {
    const reader = new Reader(this.#bytes, this.#events.start(index) + 1, this.#events.end(index));
    reader.s33();
    for (const { label } of readClauses(reader)) {
      const frame = this.#frames[this.#frames.length - 1 - label];
      if (frame) frame.targeted = true;
    }
  }

  #call(operation: number, index: number): void {
    this.#hasCall = true;
    const isDirect = operation === op.call || operation === op.returnCall;
    this.#spend(isDirect ? this.#prices.call(index) : this.#prices.callIndirect(index));
  }
}

/** Whether the pass replaces this instruction by a call of a function that charges its length. */
export function isBulk(operation: number): boolean {
  if (operation === op.dataDrop || operation === op.elemDrop) return false;
  return operation === op.memoryGrow || (operation >= 0xfc00 && operation !== op.tableSize);
}

function newFrame(event: number, operation: number, region: number, arity: number): Frame {
  return { event, operation, region, head: region, arity, targeted: false };
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
