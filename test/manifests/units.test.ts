import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesText, durationText, parseBytes, parseDuration } from "#manifests/units.ts";
import { refusalOf } from "#test/support/refusal.ts";

test("parseBytes() takes binary units written in full", () => {
  assert.equal(parseBytes("64MiB"), 67_108_864);
  assert.equal(parseBytes("0B"), 0);
  assert.equal(parseBytes("1TiB"), 2 ** 40);
  const bad = [
    "",
    "64",
    "64MB",
    "64mib",
    "1.5MiB",
    "-1B",
    "01B",
    " 1B",
    "1 B",
    "1e3B",
    "9".repeat(20),
  ];
  for (const text of [...bad, "1000TiB"])
    assert.equal(refusalOf(() => parseBytes(text)).code, "NAME_INVALID", text);
});

test("sizes and durations stay exact up to the longest ones", () => {
  for (const text of ["999999999999999B", "999999999999KiB", "999999999MiB", "999999GiB", "999TiB"])
    assert.ok(Number.isSafeInteger(parseBytes(text)), text);
  for (const text of ["999999999999999ms", "999999999999s", "9999999999m", "99999999h", "9999999d"])
    assert.ok(Number.isSafeInteger(parseDuration(text)), text);
});

test("parseDuration() takes one unit", () => {
  assert.equal(parseDuration("250ms"), 250);
  assert.equal(parseDuration("90d"), 7_776_000_000);
  for (const text of ["", "5", "5 s", "1m30s", "5S", "-1s", "1.5s", "1w", "１s"])
    assert.equal(refusalOf(() => parseDuration(text)).code, "NAME_INVALID", text);
});

test("sizes and durations survive being written and read", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999 }), (value) => {
      assert.equal(parseBytes(bytesText(value)), value);
      assert.equal(parseDuration(durationText(value)), value);
    }),
  );
  assert.equal(bytesText(67_108_864), "64MiB");
  assert.equal(bytesText(1_000), "1000B");
  assert.equal(bytesText(0), "0B");
  assert.equal(durationText(90_000), "90s");
});
