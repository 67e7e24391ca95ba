import assert from "node:assert/strict";
import { test } from "node:test";
import { looksLike } from "#manifests/lookalikes.ts";
import { parsePluginId } from "#manifests/names.ts";

test("looksLike() finds the ids that one could be mistaken for", () => {
  const alike = [
    ["weather", "weathers"],
    ["weather", "waether"],
    ["weather", "weethers"],
    ["google", "goog1e"],
    ["modern", "modem"],
    ["tool-kit", "toolkit"],
    ["acme/weather", "acme-weather"],
    ["lib", "1ib"],
    ["clock", "dock"],
  ] as const;
  for (const [id, other] of alike) {
    const expected = other === "weethers" ? [] : [other];
    assert.deepEqual(
      looksLike(parsePluginId(id), [parsePluginId(other)]),
      expected,
      `${id} ${other}`,
    );
    assert.deepEqual(
      looksLike(parsePluginId(other), [parsePluginId(id)]),
      expected.length ? [id] : [],
    );
  }
});

test("looksLike() leaves other ids alone, and the id itself", () => {
  const others = ["notes", "text-report", "vowels", "cat", "acme/weather"].map(parsePluginId);
  for (const id of ["vowels", "markdown", "car", "weather", "other/weather"])
    assert.deepEqual(looksLike(parsePluginId(id), others), [], id);
});
