import type { Added, Code } from "./instructions.ts";
import type { Labels } from "./labels.ts";
import { op } from "./opcodes.ts";

/** What loops on a local counter are written with. */
export interface LoopPlace {
  readonly code: Code;
  readonly added: Added;
  /** The local that holds the counter. */
  readonly local: number;
}

/** Labels that were opened around a loop, and what closes them behind its end. */
export interface Wrapped {
  readonly wrappers: number;
  readonly close: () => void;
}

/**
 * Opens a loop that takes no values and charges a local.
 *
 * The check stands in the loop and refuelling outside of it, where it costs the loop nothing:
 * `block (loop (block (loop (br_if 1 below zero) …) (br 2)) refuel (br 0))`.
 *
 * @param type   the block type of the loop, as it is written
 */
export function openLoop(place: LoopPlace, type: Uint8Array, units: number): Wrapped {
  const { code, added, local } = place;
  code.do(op.block).writer.raw(type);
  code.do(op.loop).writer.raw(type);
  code.open(op.block);
  code.do(op.loop).writer.raw(type);
  chargeLoop(place, units).unlikely().of(op.brIf, 1);
  const close = () => {
    code.of(op.br, 2).end();
    // The loop begins anew and charges the same round again, which is therefore given back.
    code.get(local).of(op.call, added.refuel).i32(units).do(op.i32Add).set(local);
    code.of(op.br, 0).end().end();
  };
  return { wrappers: 3, close };
}

/** Opens a loop that takes values, around which nothing can be wrapped, and charges a local. */
export function openTypedLoop(place: LoopPlace, type: Uint8Array, units: number): void {
  const { code, added, local } = place;
  code.do(op.loop).writer.raw(type);
  chargeLoop(place, units).unlikely().open(op.if);
  code.get(local).of(op.call, added.refuel).set(local).end();
}

function chargeLoop({ code, local }: LoopPlace, units: number): Code {
  return code.get(local).i32(units).do(op.i32Sub).tee(local).i32(0).do(op.i32LtS);
}

/** A way out of a nest: the label it goes to, and how to write the block it passes through. */
export interface Exit {
  readonly label: number;
  readonly openBlock: () => void;
}

/**
 * Opens the blocks around a loop that copies the counter: one behind it and one for each way out
 * of it, where the copy is written back.
 *
 * Until `close` the exits' labels are reached through these blocks, once `divert` has been called.
 */
export function openNest(
  place: LoopPlace,
  labels: Labels,
  type: Uint8Array,
  exits: readonly Exit[],
): Wrapped & { readonly divert: () => void } {
  const { code, added, local } = place;
  const outside = labels.height;
  const targets = exits.map(({ label }) => labels.target(label));
  const writeBack = () => code.get(local).of(op.globalSet, added.fuel);
  code.do(op.block).writer.raw(type);
  for (const { openBlock } of exits) openBlock();
  const divert = () => {
    for (const [index, { label }] of exits.entries()) labels.divert(label, outside + 2 + index);
  };
  const close = () => {
    writeBack().of(op.br, exits.length);
    for (let index = exits.length - 1; index >= 0; index--) {
      const target = targets[index] as number;
      code.end();
      writeBack().of(op.br, outside + 1 + index - target);
      labels.divert(exits[index]?.label as number, target);
    }
    code.end();
  };
  return { wrappers: exits.length + 1, close, divert };
}
