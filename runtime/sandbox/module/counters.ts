import { type Added, type Code, refuelBelowZero } from "./instructions.ts";
import { op } from "./opcodes.ts";

/** How a function counts: what is written where it is charged. */
export interface Counter {
  /** How many i32 locals it needs; the first holds the copy of the counter in a nest. */
  readonly locals: number;
  /** Whether the body is wrapped in a block, so that it has one way out, before `leave`. */
  readonly wraps: boolean;
  /** At the start of the function. */
  enter(units: number): void;
  /** At the head of a loop that may look at the exported counter. */
  head(units: number): void;
  /** At the start of a region outside of nests. */
  take(units: number): void;
  /** Before a call. */
  call(): void;
  /** Copies the counter into the local of a nest. */
  copy(): void;
  /** At the end of the function, with its results on the stack. */
  leave(): void;
}

/** What the counters write with: `local` is the first of their locals. */
export interface Place {
  readonly code: Code;
  readonly added: Added;
  readonly local: number;
}

/** Counts nothing: the callers of the function pay for it. */
export const freeCounter: Counter = {
  locals: 0,
  wraps: false,
  enter() {},
  head() {},
  take() {},
  call() {},
  copy() {},
  leave() {},
};

/** Counts on the exported global. */
export function globalCounter({ code, added, local }: Place): Counter {
  const check = (units: number) => {
    code.of(op.globalGet, added.fuel).i32(units).do(op.i32Sub).tee(local);
    refuelBelowZero(code.of(op.globalSet, added.fuel), added, local);
  };
  return {
    locals: 1,
    wraps: false,
    enter: check,
    head: check,
    take: (units) =>
      code.of(op.globalGet, added.fuel).i32(units).do(op.i32Sub).of(op.globalSet, added.fuel),
    call() {},
    copy: () => code.of(op.globalGet, added.fuel).set(local),
    leave() {},
  };
}

/** Charges a region in a nest, or in a function that counts on a local. */
export function takeLocal(code: Code, local: number, units: number): Code {
  return code.get(local).i32(units).do(op.i32Sub).set(local);
}

/** Counts on a local, for a function in which nothing looks at the exported global. */
export function localCounter({ code, added, local }: Place): Counter {
  return {
    ...freeCounter,
    locals: 1,
    wraps: true,
    enter: (units) => code.of(op.globalGet, added.fuel).i32(units).do(op.i32Sub).set(local),
    leave: () => code.get(local).of(op.globalSet, added.fuel),
  };
}

/** What a frame may owe when it calls, in units: 20,000 frames owe some milliseconds at most. */
const owedMax = 512;

/**
 * Counts on the exported global, but notes the small sums of its regions in a local and pays them
 * together at the next loop or at the end.
 *
 * @param owesMuch   whether one run through the function may owe more than a frame should
 */
export function tallyCounter(place: Place, owesMuch: boolean): Counter {
  const { code, added, local } = place;
  const tally = local + 1;
  const owed = () => code.get(tally).do(op.i32Sub);
  const forget = () => code.i32(0).set(tally);
  const pay = () => {
    code.of(op.globalGet, added.fuel);
    owed().of(op.globalSet, added.fuel);
  };
  const head = (units: number) => {
    code.of(op.globalGet, added.fuel).i32(units).do(op.i32Sub);
    owed().tee(local).of(op.globalSet, added.fuel);
    forget();
    refuelBelowZero(code, added, local);
  };
  const call = () => {
    code.get(tally).i32(owedMax).do(op.i32GtU).unlikely().open(op.if);
    pay();
    forget().end();
  };
  return {
    locals: 2,
    wraps: true,
    enter: globalCounter(place).enter,
    head,
    take: (units) => code.get(tally).i32(units).do(op.i32Add).set(tally),
    call: owesMuch ? call : () => undefined,
    copy: () => {
      code.of(op.globalGet, added.fuel);
      owed().set(local);
      forget();
    },
    leave: pay,
  };
}
