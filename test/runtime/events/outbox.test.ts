import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostEvent } from "#manifests/events.ts";
import { createEvents } from "#runtime/events.ts";
import { type Deliver, openOutbox } from "#runtime/events/outbox.ts";
import { fakeClock } from "#test/support/clock.ts";

/** An outbox that waits for nothing, and what came of it. */
function bench(deliver: Deliver) {
  const clock = fakeClock();
  const events = createEvents(clock);
  const lost: string[] = [];
  const pausesMs: number[] = [];
  const outbox = openOutbox({
    events,
    deliver,
    wait: async (ms) => void pausesMs.push(ms),
    onLost: ({ id }) => lost.push(id),
  });
  const emit = (subject: string): void => events.emit({ kind: "disk", subject, text: "low" });
  return { emit, clock, events, lost, pausesMs, outbox };
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

test("openOutbox() delivers events in order, one at a time", async () => {
  const got: (string | null)[] = [];
  const state = { now: 0, most: 0 };
  const { emit, outbox } = bench(async ({ subject }) => {
    state.most = Math.max(state.most, ++state.now);
    await soon();
    got.push(subject);
    state.now--;
  });
  for (const subject of ["a", "b", "c"]) emit(subject);
  while (got.length < 3) await soon();
  assert.deepEqual([got, state.most], [["a", "b", "c"], 1]);
  await outbox[Symbol.asyncDispose]();
});

test("openOutbox() tries again with growing pauses, and the same id each time", async () => {
  const ids: string[] = [];
  const { emit, pausesMs, lost, outbox } = bench(async ({ id }) => {
    ids.push(id);
    if (ids.length < 4) throw new TypeError("not now");
  });
  emit("a");
  while (ids.length < 4) await soon();
  assert.deepEqual([new Set(ids).size, lost], [1, []]);
  assert.deepEqual(pausesMs, [1_000, 5_000, 30_000]);
  await outbox[Symbol.asyncDispose]();
});

test("openOutbox() gives an event up after six tries, and the next one says so", async () => {
  const got: HostEvent[] = [];
  const state = { fails: true, tries: 0 };
  const { emit, lost, outbox } = bench(async (event) => {
    state.tries++;
    if (state.fails) throw new TypeError("never");
    got.push(event);
  });
  emit("a");
  while (lost.length === 0) await soon();
  assert.equal(state.tries, 6);
  state.fails = false;
  emit("b");
  while (got.length === 0) await soon();
  assert.deepEqual([got[0]?.subject, got[0]?.dropped], ["b", 1]);
  await outbox[Symbol.asyncDispose]();
});

test("openOutbox() keeps the newest thousand when nobody takes them, and says how many it left out", async () => {
  const got: HostEvent[] = [];
  const gate = Promise.withResolvers<void>();
  const { emit, events, clock, outbox } = bench(async (event) => {
    await gate.promise;
    got.push(event);
  });
  for (let turn = 0; turn < 1_500; turn++) {
    // Not so many in one minute that they are counted together.
    if (turn % 500 === 499) clock.advance(60_000);
    if (turn % 500 === 499) events.sweep();
    emit(`${turn}`);
  }
  gate.resolve();
  while (got.at(-1)?.subject !== "1499") await soon();
  assert.equal(got.length, 1_001);
  assert.deepEqual([got[0]?.subject, got[0]?.dropped], ["0", 0]);
  assert.deepEqual([got[1]?.subject, got[1]?.dropped], ["500", 499]);
  await outbox[Symbol.asyncDispose]();
});

test("openOutbox() ends when it is disposed, also in the middle of a try", async () => {
  const { emit, outbox } = bench(
    (_, signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  );
  emit("a");
  await soon();
  await outbox[Symbol.asyncDispose]();
});
