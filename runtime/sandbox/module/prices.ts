import { Reader } from "./bytes.ts";
import { type Events, readEvents, readLocals } from "./body.ts";
import { op } from "./opcodes.ts";
import type { Module, Span } from "./parse.ts";
import { isBulk, type Prices } from "./regions.ts";

/** A function without loops, calls and bulk instructions and at most this dear goes unchecked. */
const freeUnitsMax = 64;

/** What a call costs beside its callee: a jump, a frame, and a look into a table. */
const callCost = 4;
const indirectCallCost = 8;
/** An import leaves the module; what it does there is charged by the host. */
const importCallCost = 16;

/** Prices of calls, and which functions are free of checks because their callers pay. */
export interface PricedModule extends Prices {
  /** By the position of the body in the code section. */
  isFree(body: number): boolean;
}

/**
 * Reads every body once: refuses features, and finds what a call of each function costs.
 *
 * @throws MODULE_FEATURE_REFUSED, MODULE_TOO_LARGE, MODULE_INVALID
 */
export function pricesOf(module: Module, bodies: readonly Span[], events: Events): PricedModule {
  const free = new Int16Array(bodies.length);
  let dearest = 0;
  for (const [index, body] of bodies.entries()) {
    free[index] = freeUnits(module.bytes, body, events);
    dearest = Math.max(dearest, free[index] as number);
  }
  const functionCost = new Int32Array(module.functionTypes.length);
  for (const index of functionCost.keys()) {
    const body = index - module.importedFunctions;
    const own = body < 0 ? importCallCost : callCost + Math.max(0, free[body] as number);
    functionCost[index] = own + widthOf(module, module.functionTypes[index] as number);
  }
  return {
    call: (index) => functionCost[index] as number,
    callIndirect: (type) => indirectCallCost + dearest + widthOf(module, type),
    arity: (blockType) => arityOf(module, blockType),
    isFree: (body) => (free[body] as number) >= 0,
  };
}

/** What a function costs that goes unchecked, -1 when it must check. */
function freeUnits(bytes: Uint8Array, body: Span, events: Events): number {
  const reader = new Reader(bytes, body.start, body.end);
  let units = readLocals(reader).count >> 3;
  readEvents(reader, events);
  for (let index = 0; index < events.count; index++) {
    if (mustCheck(events.operation(index))) return -1;
    // A block of many values moves them all at every branch.
    if (isTypedBlock(events, index)) return -1;
    units += events.before(index);
    if (units > freeUnitsMax) return -1;
  }
  return units;
}

function mustCheck(operation: number): boolean {
  switch (operation) {
    case op.loop:
    case op.call:
    case op.callIndirect:
    case op.returnCall:
    case op.returnCallIndirect:
    case op.throw:
    case op.rethrow:
    case op.throwRef:
      return true;
    default:
      return isBulk(operation);
  }
}

function isTypedBlock(events: Events, index: number): boolean {
  const operation = events.operation(index);
  const isBlock = (operation >= op.block && operation <= op.try) || operation === op.tryTable;
  return isBlock && operation !== op.else && events.argument(index) >= 0;
}

function widthOf(module: Module, type: number): number {
  const signature = module.types[type];
  return signature ? (signature.params.length + signature.results.length) >> 1 : 0;
}

const single = { params: 0, results: 1 };
const none = { params: 0, results: 0 };

function arityOf(module: Module, blockType: number): { params: number; results: number } {
  if (blockType === -64) return none;
  const signature = module.types[blockType];
  if (blockType < 0 || signature === undefined) return single;
  return { params: signature.params.length, results: signature.results.length };
}
