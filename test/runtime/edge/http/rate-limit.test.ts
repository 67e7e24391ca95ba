import assert from "node:assert/strict";
import { test } from "node:test";
import { addressGroup, createRateLimit } from "#runtime/edge/http/rate-limit.ts";
import { fakeClock } from "#test/support/clock.ts";

test("spend() gives a minute's worth at once, then one by one as time passes", () => {
  const clock = fakeClock();
  const limit = createRateLimit(10, clock);
  const spend = () => limit.spend("key", 60);
  for (let turn = 0; turn < 60; turn++) assert.equal(spend(), 0);
  assert.equal(spend(), 1);
  clock.advance(999);
  assert.equal(spend(), 1);
  clock.advance(1);
  assert.equal(spend(), 0);
  assert.equal(spend(), 1);
  clock.advance(3_600_000);
  for (let turn = 0; turn < 60; turn++) assert.equal(spend(), 0);
  assert.equal(spend(), 1);
});

test("spend() is not moved by somebody who sets the clock of the machine", () => {
  const clock = fakeClock();
  const limit = createRateLimit(10, clock);
  assert.equal(limit.spend("key", 1), 0);
  clock.set(clock.now() + 86_400_000);
  assert.equal(limit.spend("key", 1), 60);
});

test("spend() keeps names apart, and no more of them than it may", () => {
  const limit = createRateLimit(2, fakeClock());
  assert.equal(limit.spend("a", 1), 0);
  assert.equal(limit.spend("b", 1), 0);
  assert.equal(limit.spend("b", 1), 60);
  assert.equal(limit.spend("c", 1), 0);
  assert.equal(limit.spend("c", 1), 60);
  assert.equal(limit.spend("a", 1), 0);
});

test("addressGroup() counts an IPv6 network as one, and IPv4 addresses singly", () => {
  const cases: readonly (readonly [address: string, group: string])[] = [
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "::ffff:203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:db8::9", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["", ""],
  ];
  for (const [address, group] of cases) assert.equal(addressGroup(address), group);
});
