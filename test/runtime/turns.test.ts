import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Turns } from "#runtime/turns.ts";

test("take() lets in one after the other, in the order in which they came", async () => {
  const turns = new Turns();
  const log: string[] = [];
  const act = async (name: string): Promise<void> => {
    using _ = await turns.take("it");
    log.push(`${name} begins`);
    await nextTurn();
    log.push(`${name} ends`);
  };
  await Promise.all(["a", "b", "c"].map(act));
  const expected = ["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]);
  assert.deepEqual(log, expected);
});

test("take() makes nobody wait for those who change something else", async () => {
  const turns = new Turns();
  using _ = await turns.take("one");
  using _other = await turns.take("other");
});

test("take() goes on after somebody who failed", async () => {
  const turns = new Turns();
  const failing = async (): Promise<void> => {
    using _ = await turns.take("it");
    assert.fail("on purpose");
  };
  await assert.rejects(failing(), /on purpose/);
  using _ = await turns.take("it");
});
