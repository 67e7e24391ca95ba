/** Metering changes nothing that a guest computes, whatever it does. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { prepare } from "#runtime/sandbox/module/prepare.ts";
import { type Fuelling, permissive, startMetered } from "#test/support/metered.ts";
import { randomGuest } from "#test/support/random-guest.ts";
import { wat } from "#test/support/wat.ts";

/** What can be told of a run: each call's answer, a hash of the memory, and the work really done. */
interface Run {
  readonly answers: readonly unknown[];
  readonly memory: string;
  readonly work: number;
}

const calls = [
  [0, 0],
  [1, 7],
  [-3, 60_000],
] as const;

function answer(run: CallableFunction, values: readonly number[]): unknown {
  try {
    return run(...values);
  } catch (error) {
    return error instanceof WebAssembly.Exception ? "an exception" : String(error);
  }
}

const host = () => {
  let looks = 0;
  return { host: { look: (value: number) => (value ^ ++looks) & 0xff } };
};

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function plainRun(bytes: Uint8Array): Run {
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const { run, memory, work } = new WebAssembly.Instance(module, host()).exports;
  const answers = calls.map((values) => answer(run as CallableFunction, values));
  return {
    answers,
    memory: hash(new Uint8Array((memory as WebAssembly.Memory).buffer)),
    work: (work as WebAssembly.Global<"i32">).value,
  };
}

function meteredRun(bytes: Uint8Array, fuelling: Fuelling): Run & { readonly spent: number } {
  const metered = startMetered(prepare(bytes, permissive), { ...fuelling, imports: host() });
  const answers = calls.map((values) =>
    answer((...args: readonly unknown[]) => metered.call("run", ...args), values),
  );
  return { answers, memory: hash(metered.memory()), work: metered.work(), spent: metered.spent() };
}

test("random guests answer, write and trap metered as they do unmetered, and pay for all", async () => {
  const decisions = fc.uint8Array({ minLength: 40, maxLength: 900, size: "max" });
  await fc.assert(
    fc.asyncProperty(decisions, async (bytes) => {
      const guest = await wat(randomGuest(bytes));
      const plain = plainRun(guest);
      const { spent, ...metered } = meteredRun(guest, {});
      assert.deepEqual(metered, plain);
      // What the host itself calls may go unpaid when it is small.
      const paid = spent + 64 * calls.length;
      assert.ok(paid >= plain.work, `${spent} units for ${plain.work} entries and rounds`);
      const { spent: again, ...hurried } = meteredRun(guest, { slice: 13 });
      assert.deepEqual(hurried, plain);
      assert.ok(plain.answers.some((each) => /Error/.test(String(each))) || again === spent);
    }),
    { numRuns: 250 },
  );
});
