import { Reader } from "./bytes.ts";
import { type Events, readEvents, readLocals } from "./body.ts";
import { op } from "./opcodes.ts";
import type { Module, Span } from "./parse.ts";
import { emptyBlock, type Signature, valueTypes } from "./signatures.ts";
import { isBulk, isThrow, type Prices } from "./plan.ts";

/** A function without loops that costs at most this, with what it calls, goes unchecked. */
const freeUnitsMax = 64;

/** What a call costs beside its callee: a jump, a frame, and a look into a table. */
const callCost = 4;
const indirectCallCost = 8;
/** An import leaves the module; what it does there is charged by the host. */
const importCallCost = 16;

/** Chains of unchecked functions are followed so far; a longer one is cut by a check. */
const chainMax = 50;

/** Prices of calls, and which functions are free of checks because their callers pay. */
export interface PricedModule extends Prices {
  /** By the position of the body in the code section. */
  isFree(body: number): boolean;
  /** Whether the module can catch exceptions. */
  readonly catches: boolean;
}

/** What is known of a function before it is decided whether it goes unchecked. */
interface Candidate {
  /** Its cost without that of what it calls, -1 when it must check. */
  readonly units: number;
  /** The functions that it calls, and how often it calls through a table. */
  readonly calls: readonly number[];
  readonly indirectCalls: number;
  readonly isLeaf: boolean;
}

/**
 * Reads every body once: refuses features, and finds what a call of each function costs.
 *
 * @param referenced   functions that tables and globals name; those that bodies name are added
 * @throws MODULE_FEATURE_REFUSED, MODULE_TOO_LARGE, MODULE_INVALID
 */
export function pricesOf(
  module: Module,
  bodies: readonly Span[],
  events: Events,
  referenced: Set<number>,
): PricedModule {
  let catches = false;
  const candidates = bodies.map((body) => {
    const reader = new Reader(module.bytes, body.start, body.end);
    const locals = readLocals(reader);
    readEvents(reader, events);
    if (noteReferences(events, referenced)) catches = true;
    return candidateOf(events, locals.count);
  });
  const leaves = candidates.filter(({ isLeaf }) => isLeaf);
  const dearest = leaves.reduce((most, { units }) => Math.max(most, units), 0);
  const free = freeFunctions(candidates, module.importedFunctions, referenced, dearest);
  const calls = Int32Array.from(module.functionTypes, (type, index) => {
    const body = index - module.importedFunctions;
    const own = body < 0 ? importCallCost : callCost + Math.max(0, free[body] as number);
    return own + widthOf(module, type);
  });
  return {
    call: (index) => calls[index] as number,
    callIndirect: (type) => indirectCallCost + dearest + widthOf(module, type),
    block: (blockType) => blockOf(module, blockType),
    isFree: (body) => (free[body] as number) >= 0,
    catches,
  };
}

/** Adds the functions that a body refers to, and returns whether it catches exceptions. */
function noteReferences(events: Events, referenced: Set<number>): boolean {
  let catches = false;
  for (let index = 0; index < events.count; index++) {
    const operation = events.operation(index);
    if (operation === op.refFunc) referenced.add(events.argument(index));
    if (operation === op.try || operation === op.tryTable) catches = true;
  }
  return catches;
}

const checked: Candidate = { units: -1, calls: [], indirectCalls: 0, isLeaf: false };

function candidateOf(events: Events, localCount: number): Candidate {
  let units = localCount >> 3;
  let indirectCalls = 0;
  let bulkCalls = 0;
  const calls: number[] = [];
  for (let index = 0; index < events.count; index++) {
    const operation = events.operation(index);
    if (mustCheck(operation) || isTypedBlock(events, index)) return checked;
    units += events.before(index);
    if (operation === op.call || operation === op.returnCall) calls.push(events.argument(index));
    if (operation === op.callIndirect || operation === op.returnCallIndirect) indirectCalls++;
    if (isBulk(operation)) bulkCalls++;
    if (units + (calls.length + indirectCalls) * callCost > freeUnitsMax) return checked;
  }
  const isLeaf = calls.length + indirectCalls + bulkCalls === 0;
  return { units, calls, indirectCalls, isLeaf };
}

/**
 * Returns what each function costs that goes unchecked, -1 for the others.
 *
 * Whoever calls in a circle meets a check: a function that would close a circle of unchecked ones
 * checks, and so does one that a table may lead to, unless it calls nothing.
 */
function freeFunctions(
  candidates: readonly Candidate[],
  imported: number,
  referenced: ReadonlySet<number>,
  dearest: number,
): Int16Array {
  const [undecided, open] = [-3, -2];
  const free = new Int16Array(candidates.length).fill(undecided);
  const decide = (body: number, depth: number): void => {
    const { units, calls, indirectCalls, isLeaf } = candidates[body] as Candidate;
    const isReachable = referenced.has(body + imported);
    free[body] = open;
    if (units < 0 || (!isLeaf && (isReachable || depth > chainMax))) {
      free[body] = -1;
      return;
    }
    let total = units + indirectCalls * (indirectCallCost + dearest);
    for (const callee of calls) {
      const target = callee - imported;
      if (target >= 0 && free[target] === undecided) decide(target, depth + 1);
      if (target >= 0 && free[target] === open) total = freeUnitsMax + 1;
      total += target < 0 ? importCallCost : callCost + Math.max(0, free[target] as number);
    }
    free[body] = total > freeUnitsMax ? -1 : total;
  };
  for (const body of candidates.keys()) if (free[body] === undecided) decide(body, 0);
  return free;
}

function mustCheck(operation: number): boolean {
  return operation === op.loop || isThrow(operation);
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

/** What a block of one value or none leaves, by its type as it is written. */
const shortBlocks: ReadonlyMap<number, Signature> = new Map([
  [emptyBlock, { params: [], results: [] }],
  ...valueTypes.map(
    ([code, type]) => [code - 128, { params: [], results: [type] }] as [number, Signature],
  ),
]);

function blockOf(module: Module, blockType: number): Signature {
  return (shortBlocks.get(blockType) ?? module.types[blockType]) as Signature;
}
