import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ageText,
  bytesShort,
  countText,
  millisecondsText,
  secondsText,
} from "#runtime/edge/cli/readable.ts";

test("ageText() says how far a moment is in its largest unit, before and ahead", () => {
  const now = Date.parse("2026-01-10T00:00:00Z");
  assert.equal(ageText("2026-01-07T01:00:00Z", now), "2 d");
  assert.equal(ageText("2026-01-10T00:12:30Z", now), "12 min");
  assert.equal(ageText("2026-01-10T00:00:00Z", now), "0 s");
});

test("ageText() has a dash for no moment, and for what is none", () => {
  assert.deepEqual(
    [null, undefined, "soon"].map((moment) => ageText(moment, 0)),
    ["-", "-", "-"],
  );
});

test("numbers are short enough to read and never rounded up to the next unit's", () => {
  assert.deepEqual([0, 59, 60, 3_599, 86_400].map(secondsText), [
    "0 s",
    "59 s",
    "1 min",
    "59 min",
    "1 d",
  ]);
  assert.deepEqual([0, 512, 1023, 1024, 1_572_864, 2 ** 40].map(bytesShort), [
    "0 B",
    "512 B",
    "1023 B",
    "1 KiB",
    "1.5 MiB",
    "1 TiB",
  ]);
  assert.deepEqual([0.4242, 12.34, 999, 1_500].map(millisecondsText), [
    "0.424 ms",
    "12.3 ms",
    "999 ms",
    "1.5 s",
  ]);
  assert.deepEqual([0, 999, 12_345, 4_000_000, 1e10].map(countText), [
    "0",
    "999",
    "12.3 k",
    "4 M",
    "10 G",
  ]);
});
