import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assembled } from "#runtime/edge/drill/build-guests.ts";

const texts = globSync("runtime/edge/drill/guests/*.wat");

test("every hostile module has its text beside it", () => {
  const modules = globSync("runtime/edge/drill/guests/*.wasm");
  assert.deepEqual(modules.map((path) => path.replace(/wasm$/, "wat")).sort(), [...texts].sort());
});

for (const path of texts)
  test(`${path} is what its module was made from; else run node runtime/edge/drill/build-guests.ts`, async () => {
    const made = await assembled(readFileSync(path, "utf8"));
    const kept = readFileSync(path.replace(/wat$/, "wasm"));
    assert.ok(kept.equals(made));
  });
