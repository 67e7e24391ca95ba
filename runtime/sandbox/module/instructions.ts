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
  /** Functions: counter → counter; units → nothing. */
  readonly refuel: number;
  readonly spend: number;
}

/** Writes instructions, each method one of them or a short idiom. */
export class Code {
  readonly writer: Writer;
  /** Offsets of the branches that are hardly ever taken. */
  readonly unlikelyAt: number[] = [];

  constructor(writer: Writer) {
    this.writer = writer;
  }

  /** Instructions without immediates. */
  do(...operations: readonly number[]): this {
    for (const operation of operations) {
      if (operation > 0xff) this.writer.u8(0xfc).u32(operation & 0xff);
      else this.writer.u8(operation);
    }
    return this;
  }

  /** An instruction with unsigned immediates. */
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

  /** Tells the engine to keep what the next branch leads to out of the way. */
  unlikely(): this {
    this.unlikelyAt.push(this.writer.length);
    return this;
  }

  /** A block, loop or `if` without parameters and results. */
  open(operation: number): this {
    return this.do(operation, 0x40);
  }

  end(): this {
    return this.do(op.end);
  }
}

/** Refuels the exported counter when a local, which holds its value, is below zero. */
export function refuelBelowZero(code: Code, added: Added, local: number): Code {
  code.get(local).i32(0).do(op.i32LtS).unlikely().open(op.if);
  return code.get(local).of(op.call, added.refuel).of(op.globalSet, added.fuel).end();
}
