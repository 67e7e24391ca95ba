import { readClauses } from "./body.ts";
import { Reader } from "./bytes.ts";
import { type Counter, takeLocal } from "./counters.ts";
import type { Code } from "./instructions.ts";
import { Labels } from "./labels.ts";
import { openLoop, openNest, openTypedLoop } from "./loops.ts";
import type { Body, Metering } from "./meter.ts";
import { op } from "./opcodes.ts";
import { check, isBulk, type Plan } from "./plan.ts";
import { codeOf, type ValueType } from "./signatures.ts";

/** What a body is rewritten with. */
export interface Rewriting {
  readonly metering: Metering;
  readonly body: Body;
  readonly plan: Plan;
  readonly counter: Counter;
  readonly code: Code;
  /** The local that holds a copy of the counter. */
  readonly local: number;
}

/** A label of the old code that is open. */
interface Open {
  /** The types of the values that a branch to it carries. */
  readonly carried: readonly ValueType[];
  /** Writes what belongs behind its end. */
  readonly close: (() => void) | undefined;
}

/** An entry that costs at most this is charged with the loop that the function begins with. */
const foldedMax = 16;

/** Copies a body, with charges inserted and everything renumbered that they move. */
export class Rewriter {
  readonly #at: Rewriting;
  readonly #labels = new Labels();
  readonly #open: Open[] = [];
  /** Up to where the old code has been copied. */
  #copied = 0;
  /** Units of the entry that the first loop charges. */
  #folded = 0;

  constructor(rewriting: Rewriting) {
    this.#at = rewriting;
  }

  /** Writes the code from its start, charging the entry. */
  write(codeStart: number, entryUnits: number): void {
    const { metering, body, plan, counter, code } = this.#at;
    const { results } = body.signature;
    if (this.#leadsToLoop() && entryUnits <= foldedMax) this.#folded = entryUnits;
    else counter.enter(entryUnits);
    if (counter.wraps) this.#writeBlock(results);
    this.#copied = codeStart;
    this.#openLabel(results, 0);
    for (let index = 0; index < metering.events.count; index++) {
      this.#event(index);
      const units = plan.after[index] as number;
      if (units > 0) this.#take(index, units);
    }
    code.writer.copy(metering.bytes, this.#copied, body.end);
    if (!counter.wraps) return;
    counter.leave();
    code.end();
  }
  /** Whether nothing but plain instructions stands before a loop that checks the counter. */
  #leadsToLoop(): boolean {
    const { metering, plan } = this.#at;
    for (let index = 0; index < metering.events.count; index++) {
      const operation = metering.events.operation(index);
      if (operation === op.loop) return plan.checks[index] === check.global;
      const isPlain =
        operation === op.block || operation === op.globalGet || operation === op.globalSet;
      if (!isPlain) return false;
    }
    return false;
  }

  /** Opens a block without parameters. */
  #writeBlock(results: readonly ValueType[]): void {
    const { code, metering } = this.#at;
    const [first] = results;
    code.do(op.block);
    if (first === undefined) code.do(0x40);
    else if (results.length === 1) code.do(codeOf(first));
    else code.writer.s32(metering.signatures.indexOf({ params: [], results }));
  }

  #take(index: number, units: number): void {
    const { metering, plan, counter, code, local } = this.#at;
    const kind = plan.checks[index];
    // A loop has charged itself.
    if (kind !== check.none && kind !== check.straight) return;
    this.#copyUntil(metering.events.end(index));
    if (kind === check.straight) counter.head(units);
    else if (plan.isLocal[index]) takeLocal(code, local, units);
    else counter.take(units);
  }

  #copyUntil(offset: number): void {
    if (offset <= this.#copied) return;
    this.#at.code.writer.copy(this.#at.metering.bytes, this.#copied, offset);
    this.#copied = offset;
  }

  /** Copies up to an instruction, which the caller writes in its new form. */
  #replace(index: number): Code {
    const { events } = this.#at.metering;
    this.#copyUntil(events.start(index));
    this.#copied = events.end(index);
    return this.#at.code;
  }

  #openLabel(carried: readonly ValueType[], wrappers: number, close?: () => void): void {
    this.#labels.open(wrappers);
    this.#open.push({ carried, close });
  }

  #closeLabel(): Open | undefined {
    this.#labels.close();
    return this.#open.pop();
  }

  #event(index: number): void {
    const { events } = this.#at.metering;
    const operation = events.operation(index);
    const argument = events.argument(index);
    switch (operation) {
      case op.block:
      case op.if:
      case op.try:
        this.#openLabel(this.#at.metering.prices.block(argument).results, 0);
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
        this.#closeLabel();
        this.#replace(index).of(operation, this.#labels.depth(argument));
        break;
      case op.rethrow:
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
      default:
        this.#renumber(index, operation, argument);
    }
  }

  /** Instructions that leave the body for a while, or name something of the module. */
  #renumber(index: number, operation: number, argument: number): void {
    const { renumber, events } = this.#at.metering;
    switch (operation) {
      case op.globalGet:
      case op.globalSet:
        this.#replace(index).of(operation, renumber.global(argument));
        break;
      case op.refFunc:
        this.#replace(index).of(operation, renumber.function(argument));
        break;
      case op.call:
      case op.callIndirect:
        this.#copyUntil(events.start(index));
        this.#at.counter.call();
        if (operation === op.callIndirect) break;
        this.#replace(index).of(operation, renumber.function(argument));
        break;
      case op.returnCall:
      case op.returnCallIndirect:
        this.#copyUntil(events.start(index));
        this.#at.counter.leave();
        if (operation === op.returnCallIndirect) break;
        this.#replace(index).of(operation, renumber.function(argument));
        break;
      default:
        if (isBulk(operation)) this.#bulk(index, operation);
    }
  }

  #bulk(index: number, operation: number): void {
    const { events, appended, bytes } = this.#at.metering;
    const instruction = new Reader(bytes, events.start(index), events.end(index));
    this.#replace(index).of(op.call, appended.indexFor(operation, instruction));
  }

  /** Where a counter must be put away, the only way out is the end. */
  #return(index: number): void {
    if (!this.#at.counter.wraps && !this.#at.plan.isLocal[index]) return;
    this.#replace(index).of(op.br, this.#labels.depth(this.#open.length - 1));
  }

  #brTable(index: number): void {
    const { events, bytes } = this.#at.metering;
    const code = this.#replace(index);
    const reader = new Reader(bytes, events.start(index) + 1, events.end(index));
    const count = reader.u32();
    code.of(op.brTable, count);
    for (let left = count; left >= 0; left--) code.writer.u32(this.#labels.depth(reader.u32()));
  }

  #tryTable(index: number): void {
    const { events, bytes, prices } = this.#at.metering;
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
    this.#openLabel(prices.block(events.argument(index)).results, 0);
  }

  #loop(index: number): void {
    const { metering, plan, counter } = this.#at;
    const { events } = metering;
    const { params } = metering.prices.block(events.argument(index));
    const kind = plan.checks[index];
    if (kind === check.none) this.#openLabel(params, 0);
    else if (kind === check.global) {
      this.#copyUntil(events.end(index));
      counter.head((plan.after[index] as number) + this.#folded);
      this.#folded = 0;
      this.#openLabel(params, 0);
    } else this.#localLoop(index, params);
  }

  #localLoop(index: number, params: readonly ValueType[]): void {
    const { metering, plan, counter } = this.#at;
    const { events, bytes } = metering;
    const type = bytes.subarray(events.start(index) + 1, events.end(index));
    const units = plan.after[index] as number;
    const place = { ...this.#at, added: metering.added };
    this.#replace(index);
    if (params.length > 0) {
      openTypedLoop(place, type, units);
      this.#openLabel(params, 0);
      return;
    }
    if (plan.checks[index] === check.local) {
      const loop = openLoop(place, type, units);
      this.#openLabel(params, loop.wrappers, loop.close);
      return;
    }
    const exits = (plan.exits.get(index) ?? []).map((label) => ({
      label,
      openBlock: () => this.#writeBlock(this.#open[label]?.carried ?? []),
    }));
    const nest = openNest(place, this.#labels, type, exits);
    counter.copy();
    const loop = openLoop(place, type, units);
    const close = () => {
      loop.close();
      nest.close();
    };
    this.#openLabel(params, nest.wrappers + loop.wrappers, close);
    nest.divert();
  }

  #end(index: number): void {
    const closed = this.#closeLabel();
    if (closed?.close === undefined) return;
    this.#copyUntil(this.#at.metering.events.end(index));
    closed.close();
  }
}
