import { Reader, type Writer } from "./bytes.ts";
import type { AppendedFunctions } from "./appended.ts";
import { type Events, readClauses, readEvents, readLocals } from "./body.ts";
import { type Added, borrowed, Code, takeChecked, takeGlobal, takeLocal } from "./insertions.ts";
import { Labels } from "./labels.ts";
import { op } from "./opcodes.ts";
import { isBulk, type Plan, planOf, type Prices } from "./regions.ts";
import type { Renumber } from "./renumber.ts";
import { codeOf, type Signature } from "./signatures.ts";
import type { SignatureTable } from "./signature-table.ts";

/** What metering a body needs of its module. */
export interface Metering {
  readonly bytes: Uint8Array;
  readonly added: Added;
  readonly appended: AppendedFunctions;
  readonly prices: Prices;
  readonly renumber: Renumber;
  readonly signatures: SignatureTable;
  readonly events: Events;
}

/** A body of the input: where it lies, its type, and whether its callers pay for it. */
export interface Body {
  readonly start: number;
  readonly end: number;
  readonly signature: Signature;
  readonly isFree: boolean;
}

/**
 * How a function counts.
 *
 * `free`: its callers pay. `global`: without loops; it pays from the exported counter.
 * `local`: loops without calls; the counter lives in a local meanwhile. `borrow`: loops with calls;
 * it takes a portion in advance, so that nothing needs writing back around its calls.
 */
type Mode = "free" | "global" | "local" | "borrow";

/**
 * Writes the metered form of one body: locals and instructions, without its size.
 *
 * @throws MODULE_INVALID
 */
export function meterBody(metering: Metering, body: Body, writer: Writer): void {
  const reader = new Reader(metering.bytes, body.start, body.end);
  const locals = readLocals(reader);
  const codeStart = reader.at;
  readEvents(reader, metering.events);
  const plan = planOf(metering.bytes, metering.events, metering.prices);
  const mode = modeOf(plan, body);
  const declarations = new Reader(metering.bytes, body.start, codeStart);
  writer.u32(declarations.u32() + (mode === "free" ? 0 : 1));
  writer.copy(metering.bytes, declarations.at, codeStart);
  if (mode !== "free") writer.u8(1, 0x7f);
  const local = body.signature.params.length + locals.count;
  const rewriter = new Rewriter(metering, plan, mode, local, writer);
  rewriter.write(body, codeStart, locals.count);
}

function modeOf(plan: Plan, body: Body): Mode {
  if (body.isFree) return "free";
  if (!plan.hasLoop) return "global";
  return plan.hasCall ? "borrow" : "local";
}

class Rewriter {
  readonly #metering: Metering;
  readonly #plan: Plan;
  readonly #mode: Mode;
  readonly #local: number;
  readonly #code: Code;
  readonly #labels = new Labels();
  readonly #outlined: boolean[] = [];
  #copied = 0;

  constructor(metering: Metering, plan: Plan, mode: Mode, local: number, writer: Writer) {
    this.#metering = metering;
    this.#plan = plan;
    this.#mode = mode;
    this.#local = local;
    this.#code = new Code(writer);
  }

  write(body: Body, codeStart: number, localCount: number): void {
    const { events, bytes } = this.#metering;
    this.#enter(body, this.#plan.entry + (localCount >> 3));
    this.#copied = codeStart;
    this.#open(false);
    for (let index = 0; index < events.count; index++) {
      this.#event(index);
      const units = this.#plan.after[index] as number;
      if (units > 0 && !this.#plan.loops[index]) this.#take(index, units);
    }
    this.#code.writer.copy(bytes, this.#copied, body.end);
    if (this.#usesLocal()) this.#settle().end();
  }

  #usesLocal(): boolean {
    return this.#mode === "local" || this.#mode === "borrow";
  }

  /** Pays for the entry; a function with an own counter is wrapped, so that it has one way out. */
  #enter(body: Body, units: number): void {
    const { added } = this.#metering;
    const code = this.#code;
    const local = this.#local;
    if (this.#mode === "global") takeChecked(code, added, local, units);
    if (this.#mode === "borrow") {
      takeChecked(code, added, local, units + borrowed);
      code.i32(borrowed).set(local);
    }
    if (this.#mode === "local") {
      code.of(op.globalGet, added.fuel).i32(units).do(op.i32Sub).set(local);
    }
    if (!this.#usesLocal()) return;
    code.do(op.block);
    const { results } = body.signature;
    const [first] = results;
    if (first === undefined) code.do(0x40);
    else if (results.length === 1) code.do(codeOf(first));
    else code.writer.s32(this.#metering.signatures.indexOf({ params: [], results }));
  }

  /** Gives the own counter back; leaves the values on the stack alone. */
  #settle(): Code {
    const { fuel } = this.#metering.added;
    const code = this.#code;
    if (this.#mode === "local") return code.get(this.#local).of(op.globalSet, fuel);
    if (this.#mode !== "borrow") return code;
    code.of(op.globalGet, fuel).get(this.#local).do(op.i32Add);
    return code.of(op.globalSet, fuel);
  }

  #take(index: number, units: number): void {
    this.#flush(this.#metering.events.end(index));
    if (this.#usesLocal()) takeLocal(this.#code, this.#local, units);
    else if (this.#mode === "global") takeGlobal(this.#code, this.#metering.added, units);
  }

  /** Copies what has not been copied up to an offset. */
  #flush(until: number): void {
    if (until <= this.#copied) return;
    this.#code.writer.copy(this.#metering.bytes, this.#copied, until);
    this.#copied = until;
  }

  /** Copies up to an instruction, which the caller writes in its new form. */
  #replace(index: number): Code {
    const { events } = this.#metering;
    this.#flush(events.start(index));
    this.#copied = events.end(index);
    return this.#code;
  }

  #open(isOutlined: boolean): void {
    this.#labels.open(isOutlined ? 3 : 0);
    this.#outlined.push(isOutlined);
  }

  #close(): boolean {
    this.#labels.close();
    return this.#outlined.pop() as boolean;
  }

  #event(index: number): void {
    const { events, renumber } = this.#metering;
    const operation = events.operation(index);
    const argument = events.argument(index);
    switch (operation) {
      case op.block:
      case op.if:
      case op.try:
        this.#open(false);
        break;
      case op.loop:
        this.#loop(index);
        break;
      case op.tryTable:
        this.#tryTable(index);
        break;
      case op.end:
        this.#end(index);
        break;
      case op.delegate:
        this.#close();
        this.#replace(index).of(operation, this.#labels.depth(argument));
        break;
      case op.rethrow:
        this.#leave(index);
        this.#replace(index).of(operation, this.#labels.depth(argument));
        break;
      case op.br:
      case op.brIf:
        this.#replace(index).of(operation, this.#labels.depth(argument));
        break;
      case op.brTable:
        this.#brTable(index);
        break;
      case op.return:
        this.#return(index);
        break;
      case op.throw:
      case op.throwRef:
        this.#leave(index);
        break;
      case op.globalGet:
      case op.globalSet:
        this.#replace(index).of(operation, renumber.global(argument));
        break;
      case op.call:
      case op.refFunc:
        this.#replace(index).of(operation, renumber.function(argument));
        break;
      case op.returnCall:
      case op.returnCallIndirect:
        this.#tailCall(index, operation, argument);
        break;
      default:
        if (isBulk(operation)) this.#bulk(index, operation);
    }
  }

  #bulk(index: number, operation: number): void {
    const { events, appended, bytes } = this.#metering;
    const instruction = new Reader(bytes, events.start(index), events.end(index));
    this.#replace(index).of(op.call, appended.indexFor(operation, instruction));
  }

  #return(index: number): void {
    if (!this.#usesLocal()) return;
    this.#replace(index).of(op.br, this.#labels.depth(this.#labels.count - 1));
  }

  #tailCall(index: number, operation: number, argument: number): void {
    this.#flush(this.#metering.events.start(index));
    this.#settle();
    if (operation === op.returnCallIndirect) return;
    this.#replace(index).of(operation, this.#metering.renumber.function(argument));
  }

  /** A handler outside may read the counter; a borrowed rest is forgone instead. */
  #leave(index: number): void {
    this.#flush(this.#metering.events.start(index));
    if (this.#mode === "local") this.#settle();
  }

  #brTable(index: number): void {
    const { events, bytes } = this.#metering;
    const code = this.#replace(index);
    const reader = new Reader(bytes, events.start(index) + 1, events.end(index));
    const count = reader.u32();
    code.of(op.brTable, count);
    for (let left = count; left >= 0; left--) code.writer.u32(this.#labels.depth(reader.u32()));
  }

  #tryTable(index: number): void {
    const { events, bytes } = this.#metering;
    const code = this.#replace(index);
    const start = events.start(index) + 1;
    const reader = new Reader(bytes, start, events.end(index));
    reader.s33();
    code.do(op.tryTable).writer.copy(bytes, start, reader.at);
    const clauses = readClauses(reader);
    code.writer.u32(clauses.length);
    for (const { kind, tag, label } of clauses) {
      code.writer.u8(kind);
      if (tag >= 0) code.writer.u32(tag);
      code.writer.u32(this.#labels.depth(label));
    }
    this.#open(false);
  }

  /** The check stands inside the loop, what to do about it outside, where it costs the loop nothing. */
  #loop(index: number): void {
    const { events, prices, bytes, added } = this.#metering;
    const units = this.#plan.after[index] as number;
    if (!this.#plan.loops[index]) {
      this.#open(false);
      return;
    }
    const local = this.#local;
    const slow = this.#mode === "borrow" ? added.refill : added.refuel;
    const isPlain = prices.arity(events.argument(index)).params === 0;
    const code = this.#replace(index);
    const blockType = bytes.subarray(events.start(index) + 1, events.end(index));
    if (isPlain) {
      code.do(op.block).writer.raw(blockType);
      code.do(op.loop).writer.raw(blockType);
      code.do(op.block, 0x40);
    }
    code.do(op.loop).writer.raw(blockType);
    code.get(local).i32(units).do(op.i32Sub).tee(local).i32(0).do(op.i32LtS);
    if (isPlain) code.of(op.brIf, 1);
    else code.if().get(local).of(op.call, slow).set(local).end();
    this.#open(isPlain);
  }

  #end(index: number): void {
    if (!this.#close()) return;
    const { added, events } = this.#metering;
    const slow = this.#mode === "borrow" ? added.refill : added.refuel;
    this.#flush(events.end(index));
    this.#code.of(op.br, 2).end();
    this.#code.get(this.#local).of(op.call, slow).set(this.#local).of(op.br, 0).end().end();
  }
}
