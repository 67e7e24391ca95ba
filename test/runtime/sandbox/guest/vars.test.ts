import assert from "node:assert/strict";
import { test } from "node:test";
import { createVars } from "#runtime/sandbox/guest/vars.ts";

const bytes = (length: number) => new Uint8Array(length);

test("set() counts keys, values and 48 bytes an entry, and refuses what does not fit", () => {
  const vars = createVars(100);
  assert.equal(vars.set("é", bytes(51)), false);
  assert.equal(vars.set("é", bytes(50)), true);
  assert.equal(vars.set("b", bytes(0)), false);
  assert.equal(vars.get("b"), undefined);
  assert.equal(vars.get("é")?.length, 50);
});

test("set() over a key, and delete(), give room back", () => {
  const vars = createVars(100);
  for (let round = 0; round < 100; round++) {
    assert.equal(vars.set("a", bytes(51)), true);
    vars.delete("a");
    vars.delete("a");
  }
  assert.equal(vars.set("a", bytes(51)), true);
  assert.equal(vars.set("a", bytes(20)), true);
  assert.equal(vars.set("a", bytes(52)), false);
  assert.equal(vars.get("a")?.length, 20);
});

test("get() knows no names that every object has", () => {
  const vars = createVars(100);
  for (const name of ["__proto__", "constructor", "toString"])
    assert.equal(vars.get(name), undefined);
});
