import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FairQueue, type Waiter } from "#runtime/sandbox/queue.ts";

interface Marked extends Waiter<number> {
  readonly mark: number;
}

function waiter(caller: string, mark = 0): Marked {
  return { caller, mark, grant: () => {}, refuse: () => {} };
}

const all = () => true;

test("FairQueue.shift() serves callers in turn, and each in its own order", () => {
  const queue = new FairQueue<number>();
  for (const [mark, caller] of [..."aaaabbc"].entries()) queue.push(waiter(caller, mark));
  const served = Array.from({ length: 7 }, () => queue.shift(all) as Marked);
  assert.equal(served.map(({ caller }) => caller).join(""), "abcabaa");
  assert.deepEqual(
    served.filter(({ caller }) => caller === "a").map(({ mark }) => mark),
    [0, 1, 2, 3],
  );
  assert.equal(queue.shift(all), undefined);
});

test("FairQueue.shift() passes over who is not admitted, without costing them their turn", () => {
  const queue = new FairQueue<number>();
  for (const caller of "aabb") queue.push(waiter(caller));
  assert.equal(queue.shift((caller) => caller !== "a")?.caller, "b");
  assert.equal(queue.shift(all)?.caller, "a");
  assert.equal(
    queue.shift(() => false),
    undefined,
  );
  assert.equal(queue.size, 2);
});

test("FairQueue.remove() takes one out once", () => {
  const queue = new FairQueue<number>();
  const [first, second] = [waiter("a", 1), waiter("a", 2)];
  queue.push(first);
  queue.push(second);
  assert.equal(queue.remove(first), true);
  assert.equal(queue.remove(first), false);
  assert.equal(queue.remove(waiter("nobody")), false);
  assert.equal(queue.shift(all), second);
  assert.equal(queue.remove(second), false);
  assert.deepEqual([queue.size, queue.callers, queue.sizeOf("a")], [0, 0, 0]);
});

type Act =
  | { readonly kind: "push"; readonly caller: string }
  | { readonly kind: "shift" }
  | { readonly kind: "remove"; readonly at: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(..."abcd").map((caller) => ({ kind: "push", caller }) as const),
  },
  { weight: 3, arbitrary: fc.constant({ kind: "shift" } as const) },
  { weight: 1, arbitrary: fc.nat().map((at) => ({ kind: "remove", at }) as const) },
);

test("FairQueue loses nobody, serves nobody twice, and lets nobody be overtaken twice", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
      const queue = new FairQueue<number>();
      const waiting = new Set<Marked>();
      // How often each other caller was served while this one waited.
      const overtaken = new Map<string, Map<string, number>>();
      for (const [mark, each] of acts.entries()) {
        if (each.kind === "push") {
          const one = waiter(each.caller, mark);
          queue.push(one);
          waiting.add(one);
          if (!overtaken.has(each.caller)) overtaken.set(each.caller, new Map());
        } else if (each.kind === "remove") {
          const one = [...waiting][each.at % Math.max(1, waiting.size)];
          if (one === undefined) continue;
          assert.equal(queue.remove(one), true);
          waiting.delete(one);
          if (queue.sizeOf(one.caller) === 0) overtaken.delete(one.caller);
        } else {
          const one = queue.shift(all) as Marked | undefined;
          assert.equal(one === undefined, waiting.size === 0);
          if (one === undefined) continue;
          const own = [...waiting].filter(({ caller }) => caller === one.caller);
          assert.equal(one, own[0]);
          waiting.delete(one);
          overtaken.delete(one.caller);
          for (const counts of overtaken.values()) {
            const count: number = (counts.get(one.caller) ?? 0) + 1;
            assert.ok(count <= 1, `${one.caller} was served twice before somebody who waited`);
            counts.set(one.caller, count);
          }
          if (queue.sizeOf(one.caller) > 0) overtaken.set(one.caller, new Map());
        }
        assert.equal(queue.size, waiting.size);
        assert.equal(queue.callers, new Set([...waiting].map(({ caller }) => caller)).size);
      }
      assert.deepEqual(new Set(queue.drain()), waiting);
      assert.equal(queue.size, 0);
    }),
    { numRuns: 500 },
  );
});
