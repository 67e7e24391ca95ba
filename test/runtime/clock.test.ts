import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "#runtime/clock.ts";
import { fakeClock } from "#test/support/clock.ts";

test("systemClock() draws as many bytes as it is asked for, and other ones each time", () => {
  const clock = systemClock();
  const draws = Array.from({ length: 64 }, () => Buffer.from(clock.random(16)).toString("hex"));
  assert.equal(new Set(draws).size, 64);
  assert.ok(draws.every((draw) => draw.length === 32));
});

test("systemClock() tells a monotonic time that never goes back", () => {
  const clock = systemClock();
  const times = Array.from({ length: 1_000 }, () => clock.monotonic());
  assert.deepEqual(
    times.toSorted((a, b) => a - b),
    times,
  );
});

test("fakeClock() lets time pass for both times, and sets the wall clock alone", () => {
  const clock = fakeClock(5_000);
  const before = clock.monotonic();
  clock.advance(250);
  clock.set(1_000);
  assert.deepEqual([clock.now(), clock.monotonic() - before], [1_000, 250]);
});
