import assert from "node:assert/strict";
import { test } from "node:test";
import { createCheck } from "#manifests/check.ts";
import { HostError } from "#manifests/errors.ts";
import { eventSchema, type HostEvent } from "#manifests/events.ts";
import { createEvents } from "#runtime/events.ts";
import { fakeClock } from "#test/support/clock.ts";

const check = createCheck(
  eventSchema,
  ({ path, problem }) => new HostError("REQUEST_INVALID", { part: "event", path, problem }),
);
const disk = { kind: "disk", text: "the disk runs full" } as const;
const denied = { kind: "denied", plugin: "acme/weather", subject: "network", text: "no" } as const;

test("emit() tells a thing at once, and what follows within the minute as one with its count", () => {
  const clock = fakeClock();
  const events = createEvents(clock);
  const heard: HostEvent[] = [];
  using _ = events.follow((event) => heard.push(event));
  for (let turn = 0; turn < 50; turn++) events.emit(disk);
  assert.deepEqual(
    heard.map(({ count }) => count),
    [1],
  );
  clock.advance(60_000);
  events.sweep();
  assert.deepEqual(
    heard.map(({ count }) => count),
    [1, 49],
  );
  events.sweep();
  events.emit(disk);
  assert.equal(heard.length, 3);
  assert.equal(new Set(heard.map(({ id }) => id)).size, 3);
  for (const event of heard) check(event);
});

test("emit() tells of denials only when there are ten in a minute, for each plugin apart", () => {
  const clock = fakeClock();
  const events = createEvents(clock);
  for (let turn = 0; turn < 9; turn++) events.emit(denied);
  events.emit({ ...denied, plugin: "acme/other" });
  assert.deepEqual(events.recent(), []);
  events.emit(denied);
  assert.deepEqual(
    events.recent().map(({ plugin, count }) => [plugin, count]),
    [["acme/weather", 10]],
  );
  clock.advance(60_000);
  for (let turn = 0; turn < 9; turn++) events.emit(denied);
  assert.equal(events.recent().length, 1);
});

test("emit() holds what it keeps bounded, however many things there are to tell apart", () => {
  const events = createEvents(fakeClock());
  for (let turn = 0; turn < 5_000; turn++) events.emit({ ...disk, subject: `${turn}`.repeat(60) });
  assert.equal(events.recent().length, 200);
  for (const event of events.recent()) check(event);
});

test("emit() tells the others when one who listens throws", () => {
  const events = createEvents(fakeClock());
  const heard: HostEvent[] = [];
  using _ = events.follow(() => assert.fail("broken"));
  using __ = events.follow((event) => heard.push(event));
  events.emit(disk);
  assert.equal(heard.length, 1);
});
