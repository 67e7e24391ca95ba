import type { Writer } from "./bytes.ts";
import { op } from "./opcodes.ts";

/** Indexes, in the metered module, of what the pass adds. */
export interface Added {
  /** Imported functions: (i32) → i32. */
  readonly charge: number;
  readonly yield: number;
  readonly grow: number;
  /** Imported global: 0 while instantiating, else a suspending import may be called. */
  readonly phase: number;
  /** Exported global: the counter. */
  readonly fuel: number;
  /** Functions: counter → counter, borrowed → borrowed, units → nothing. */
  readonly refuel: number;
  readonly refill: number;
  readonly spend: number;
}

/** What a function with loops and calls takes from the counter at a time, in units. */
export const borrowed = 256;

/** Writes instructions; one method an instruction or a short idiom of the pass. */
export class Code {
  readonly writer: Writer;

  constructor(writer: Writer) {
    this.writer = writer;
  }
  do(...operations: readonly number[]): this {
    for (const operation of operations) {
      if (operation > 0xff) this.writer.u8(0xfc).u32(operation & 0xff);
      else this.writer.u8(operation);
    }
    return this;
  }
  /** An instruction with one unsigned immediate. */
  of(operation: number, ...immediates: readonly number[]): this {
    this.do(operation);
    for (const immediate of immediates) this.writer.u32(immediate);
    return this;
  }
  i32(value: number): this {
    this.writer.u8(op.i32Const).s32(value);
    return this;
  }
  get(local: number): this {
    return this.of(op.localGet, local);
  }
  set(local: number): this {
    return this.of(op.localSet, local);
  }
  tee(local: number): this {
    return this.of(op.localTee, local);
  }
  /** `if` without a result. */
  if(): this {
    return this.do(op.if, 0x40);
  }
  end(): this {
    return this.do(op.end);
  }
}

/** Takes units from a local counter, without asking whether any are left. */
export function takeLocal(code: Code, local: number, units: number): Code {
  return code.get(local).i32(units).do(op.i32Sub).set(local);
}

/** Takes units from the global counter, without asking whether any are left. */
export function takeGlobal(code: Code, added: Added, units: number): Code {
  return code.of(op.globalGet, added.fuel).i32(units).do(op.i32Sub).of(op.globalSet, added.fuel);
}

/** Takes units from the global counter and refuels when it falls below zero. */
export function takeChecked(code: Code, added: Added, local: number, units: number): Code {
  code.of(op.globalGet, added.fuel).i32(units).do(op.i32Sub).tee(local);
  code.of(op.globalSet, added.fuel).get(local).i32(0).do(op.i32LtS).if();
  return code.get(local).of(op.call, added.refuel).of(op.globalSet, added.fuel).end();
}
