import { type Reader, Writer } from "./bytes.ts";
import * as bulk from "./bulk.ts";
import type { Appended } from "./bulk.ts";
import { type Added, Code, refuelBelowZero } from "./instructions.ts";
import { op } from "./opcodes.ts";
import type { Range, Table } from "./parse.ts";

/** What the functions for bulk instructions need to know; sizes are those of the metered module. */
export interface Stores {
  readonly tables: readonly Table[];
  readonly memories: readonly Range[];
  /** Bytes of each data segment and entries of each element segment. */
  readonly dataLengths: readonly number[];
  readonly elementLengths: readonly number[];
}

/** The functions that the pass appends; one for each bulk instruction is made when it is met. */
export class AppendedFunctions {
  readonly #added: Added;
  readonly #stores: Stores;
  readonly #functions: Appended[];
  readonly #indexes = new Map<string, number>();

  constructor(added: Added, stores: Stores) {
    this.#added = added;
    this.#stores = stores;
    this.#functions = [refuel(added), spend(added)];
  }

  /** In the order of their indexes, of which `refuel` has the first. */
  all(): readonly Appended[] {
    return this.#functions;
  }

  /** The index of the function that stands for a bulk instruction, whose bytes are given. */
  indexFor(operation: number, instruction: Reader): number {
    instruction.pass(1);
    if (operation > 0xff) instruction.u32();
    const first = instruction.u32();
    const second = instruction.at < instruction.end ? instruction.u32() : 0;
    const key = `${operation} ${first} ${second}`;
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    let made = this.#make(operation, first, second);
    if ("long" in made) {
      const long = this.#added.refuel + this.#functions.push(made.long) - 1;
      made = made.front(long);
    }
    const index = this.#added.refuel + this.#functions.push(made) - 1;
    this.#indexes.set(key, index);
    return index;
  }

  #make(operation: number, first: number, second: number): Appended | bulk.Pair {
    const added = this.#added;
    const { tables, memories, dataLengths, elementLengths } = this.#stores;
    const table = (index: number) => tables[index] as Table;
    const maximum = (range: Range | undefined) => range?.maximum ?? 0;
    switch (operation) {
      case op.memoryFill:
        return bulk.memoryFill(added);
      case op.memoryCopy:
        return bulk.memoryCopy(added);
      case op.memoryInit:
        return bulk.memoryInit(added, first, dataLengths[first] ?? 0);
      case op.tableFill:
        return bulk.tableFill(added, first, table(first).type);
      case op.tableCopy:
        return bulk.tableCopy(added, first, second);
      case op.tableInit:
        return bulk.tableInit(added, first, second, elementLengths[first] ?? 0);
      case op.tableGrow:
        return bulk.tableGrow(added, first, table(first), maximum(table(first)));
      default:
        return bulk.memoryGrow(added, maximum(memories[0]));
    }
  }
}

/**
 * (counter) → counter: asks the host for more.
 *
 * A start section runs before there is a stack that could be suspended, so `phase` says whom to
 * ask. An answer of 0 or less ends the guest by a trap, which it cannot catch.
 */
function refuel(added: Added): Appended {
  const code = new Code(new Writer());
  code.writer.u32(0);
  code.of(op.globalGet, added.phase).do(op.if, 0x7f).get(0).of(op.call, added.yield);
  code.do(op.else).get(0).of(op.call, added.charge).end().tee(0);
  code.i32(0).do(op.i32LeS).open(op.if).do(op.unreachable).end().get(0).end();
  return {
    name: "refuel",
    signature: { params: ["i32"], results: ["i32"] },
    code: code.writer.view(),
  };
}

/** (units) → nothing: pays before a bulk instruction runs. */
function spend(added: Added): Appended {
  const code = new Code(new Writer());
  code.writer.u32(0);
  code.of(op.globalGet, added.fuel).get(0).do(op.i32Sub).tee(0).of(op.globalSet, added.fuel);
  refuelBelowZero(code, added, 0).end();
  return {
    name: "spend",
    signature: { params: ["i32"], results: [] },
    code: code.writer.view(),
  };
}
