import type { AppendedFunctions } from "./appended.ts";
import { type Events, readEvents, readLocals } from "./body.ts";
import { Reader, type Writer } from "./bytes.ts";
import {
  type Counter,
  freeCounter,
  globalCounter,
  localCounter,
  tallyCounter,
} from "./counters.ts";
import { type Added, Code } from "./instructions.ts";
import { check, type Plan, planOf, type Prices } from "./plan.ts";
import type { Renumber } from "./renumber.ts";
import { Rewriter } from "./rewriter.ts";
import type { SignatureTable } from "./signature-table.ts";
import type { Signature } from "./signatures.ts";

/** What metering a body needs of its module. */
export interface Metering {
  readonly bytes: Uint8Array;
  readonly added: Added;
  readonly appended: AppendedFunctions;
  readonly prices: Prices;
  readonly renumber: Renumber;
  readonly signatures: SignatureTable;
  readonly events: Events;
  /** Whether the guest can catch exceptions, and so go on after a frame was left by one. */
  readonly catches: boolean;
}

/** A body of the input: where it lies, its type, and whether its callers pay for it. */
export interface Body {
  readonly start: number;
  readonly end: number;
  readonly signature: Signature;
  readonly isFree: boolean;
}

/** A function with fewer charged regions pays for each directly. */
const talliedMin = 8;

/** A function whose regions cost more together may owe too much while it calls others. */
const talliedUnitsMax = 1_024;

/** Clearing eight locals takes about as long as one instruction. */
const localsShift = 3;

/**
 * Writes the metered form of one body, without its size, and returns the offsets in it of branches
 * that are hardly ever taken.
 *
 * @throws MODULE_INVALID
 */
export function meterBody(metering: Metering, body: Body, writer: Writer): readonly number[] {
  const { bytes, events, prices, added } = metering;
  const reader = new Reader(bytes, body.start, body.end);
  const locals = readLocals(reader);
  const codeStart = reader.at;
  readEvents(reader, events);
  const plan = planOf(bytes, events, prices);
  const code = new Code(writer);
  const local = body.signature.params.length + locals.count;
  const counter = counterOf(plan, body, metering, { code, added, local });
  const declarations = new Reader(bytes, body.start, codeStart);
  writer.u32(declarations.u32() + (counter.locals > 0 ? 1 : 0));
  writer.copy(bytes, declarations.at, codeStart);
  if (counter.locals > 0) writer.u8(counter.locals, 0x7f);
  const rewriter = new Rewriter({ metering, body, plan, counter, code, local });
  rewriter.write(codeStart, plan.entry + (locals.count >> localsShift));
  return code.unlikelyAt;
}

function counterOf(
  plan: Plan,
  body: Body,
  { catches }: Metering,
  place: Parameters<typeof globalCounter>[0],
): Counter {
  if (body.isFree) return freeCounter;
  if (plan.isClosed) return localCounter(place);
  // What a frame owes would be forgotten when an exception leaves it.
  if (catches) return globalCounter(place);
  let regions = 0;
  let units = 0;
  for (const [index, cost] of plan.after.entries()) {
    if (cost === 0 || plan.isLocal[index] || plan.checks[index] !== check.none) continue;
    regions++;
    units += cost;
  }
  if (regions < talliedMin) return globalCounter(place);
  return tallyCounter(place, units > talliedUnitsMax);
}
