import assert from "node:assert/strict";
import { test } from "node:test";
import { Lookups } from "#runtime/capabilities/network/lookups.ts";

/** Look-ups that a test answers by hand. */
function open() {
  const asked: string[] = [];
  const waiting = new Map<string, () => void>();
  const lookups = new Lookups(
    (name) => {
      asked.push(name);
      return new Promise((done) => waiting.set(name, () => done(["8.8.8.8"])));
    },
    { all: 3, perPlugin: 2 },
  );
  const answer = async (name: string) => {
    waiting.get(name)?.();
    await turn();
  };
  return { lookups, asked, answer };
}

/** Lets everybody go on who can. */
const turn = () => new Promise((done) => setImmediate(done));
const idle = new AbortController().signal;

test("a plugin has its number of look-ups at one time, and lets those of others pass", async () => {
  const { lookups, asked, answer } = open();
  const [one, two] = [lookups.of("one"), lookups.of("two")];
  const all = ["a", "b", "c", "d"].map((name) => one(name, idle));
  await turn();
  assert.deepEqual(asked, ["a", "b"]);
  all.push(two("e", idle));
  all.push(two("f", idle));
  await turn();
  assert.deepEqual(asked, ["a", "b", "e"]);
  await answer("a");
  assert.deepEqual(asked, ["a", "b", "e", "c"]);
  await answer("b");
  await answer("e");
  assert.deepEqual(asked.slice(4).sort(), ["d", "f"]);
  for (const name of ["c", "d", "f"]) await answer(name);
  assert.deepEqual(new Set((await Promise.all(all)).flat()), new Set(["8.8.8.8"]));
});

test("whoever ends before its turn leaves the line, and nobody is asked for it", async () => {
  const { lookups, asked, answer } = open();
  const one = lookups.of("one");
  const first = [one("a", idle), one("b", idle)];
  await turn();
  const over = new AbortController();
  const late = one("c", over.signal);
  over.abort();
  await assert.rejects(late, { code: "NETWORK_FAILED" });
  await assert.rejects(one("d", AbortSignal.abort()), { code: "NETWORK_FAILED" });
  await answer("a");
  await answer("b");
  await Promise.all(first);
  assert.deepEqual(asked, ["a", "b"]);
});

test("a look-up that fails gives its place to the next", async () => {
  const names: string[] = [];
  const lookups = new Lookups(
    async (name) => {
      names.push(name);
      throw new TypeError(name);
    },
    { all: 1, perPlugin: 1 },
  );
  const all = ["a", "b", "c"].map((name) => lookups.of("one")(name, idle));
  const ends = await Promise.allSettled(all);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ["rejected", "rejected", "rejected"],
  );
  assert.deepEqual(names, ["a", "b", "c"]);
});
