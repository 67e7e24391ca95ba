import assert from "node:assert/strict";
import { test } from "node:test";
import { Quarantine } from "#runtime/quarantine.ts";
import { fakeClock } from "#test/support/clock.ts";

const minuteMs = 60_000;

test("book() puts a plugin apart at the third death, and disables it at the sixth", () => {
  const quarantine = new Quarantine(fakeClock());
  const sentences = Array.from({ length: 6 }, () => quarantine.book("it"));
  assert.deepEqual(sentences, ["none", "none", "apart", "none", "none", "disabled"]);
  assert.equal(quarantine.isApart("it"), true);
  assert.equal(quarantine.isApart("other"), false);
});

test("book() forgets deaths that are ten minutes old", () => {
  const clock = fakeClock();
  const quarantine = new Quarantine(clock);
  for (let count = 0; count < 20; count++) {
    assert.equal(quarantine.book("it"), "none");
    clock.advance(5 * minuteMs);
  }
  assert.equal(quarantine.book("it"), "none");
  clock.advance(5 * minuteMs - 1);
  assert.equal(quarantine.book("it"), "apart");
});

test("book() counts each plugin on its own", () => {
  const quarantine = new Quarantine(fakeClock());
  for (const plugin of ["a", "b", "a", "b"]) assert.equal(quarantine.book(plugin), "none");
  assert.equal(quarantine.book("a"), "apart");
  assert.equal(quarantine.isApart("b"), false);
});

test("forgive() begins anew", () => {
  const quarantine = new Quarantine(fakeClock());
  for (let count = 0; count < 5; count++) quarantine.book("it");
  quarantine.forgive("it");
  assert.equal(quarantine.isApart("it"), false);
  assert.deepEqual([quarantine.book("it"), quarantine.book("it")], ["none", "none"]);
});
