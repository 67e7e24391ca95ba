import assert from "node:assert/strict";
import { test } from "node:test";
import { formats } from "#runtime/sandbox/schema/formats.ts";

/** Format → texts that are of it, texts that are not. */
const cases: Record<string, readonly [string[], string[]]> = {
  "date-time": [
    ["2020-01-01T00:00:00Z", "2020-01-01t00:00:00.123z", "1998-12-31T15:59:60-08:00"],
    ["2020-02-30T00:00:00Z", "2020-01-01T24:00:00Z", "2020-01-01T00:00:00", "1998-12-31T23:58:60Z"],
  ],
  date: [
    ["2020-02-29", "2000-02-29", "0000-01-01"],
    ["2021-02-29", "1900-02-29", "2020-13-01", "2020-1-1", "2020-00-01", "2020-01-00"],
  ],
  time: [
    ["00:00:00Z", "23:59:60Z", "12:00:00.52+00:00", "01:29:60+01:30"],
    ["08:30:06", "22:59:60Z", "24:00:00Z", "00:60:00Z", "00:00:61Z", "00:00:00+24:00"],
  ],
  duration: [
    ["P1D", "P1W", "PT1S", "P1Y2M3DT4H5M6S"],
    ["P", "PT", "P1DT", "P1W2D", "P-1D", "PT1.5S", "1D"],
  ],
  email: [
    ["a@b.example", "a.b+c@d", "!#$%@x.y"],
    ["@b", "a@", "a..b@c.d", ".a@b.c", "a b@c.d", "a@b@c d", `${"a".repeat(65)}@b.c`],
  ],
  hostname: [
    ["a", "a.b", "A-1.b2", "xn--bcher-kva.example"],
    ["", "a-.b", "-a", "a_b", "a..b"],
  ],
  ipv4: [
    ["1.2.3.4", "255.255.255.255"],
    ["256.1.1.1", "01.2.3.4", "1.2.3", "1.2.3.4.5"],
  ],
  ipv6: [
    [
      "::",
      "::1",
      "1::",
      "1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7::",
      "::ffff:1.2.3.4",
      "1:2:3:4:5:6:1.2.3.4",
    ],
    ["", ":", ":::", ":1", "1::2::3", "12345::", "1.2.3.4::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9"],
  ],
  uuid: [
    ["123e4567-e89b-12d3-a456-426614174000"],
    ["123e4567e89b12d3a456426614174000", "{123e4567-e89b-12d3-a456-426614174000}"],
  ],
  uri: [
    ["http://a.b/c?d#e", "urn:x:y", "mailto:a@b.c", "http://[::1]/"],
    ["", "a", "//a", "http://a b", "http://a/%zz", "é:x", "http://a/<>"],
  ],
  "uri-reference": [
    ["", "/a", "#x", "?q=1", "a%20b"],
    ["a b", "\\a", "%", "é"],
  ],
};

test("formats tell what is of a format from what is not", () => {
  for (const [name, [good, bad]] of Object.entries(cases)) {
    const isOf = formats.get(name);
    for (const text of good) assert.equal(isOf?.(text), true, `${name} ${text}`);
    for (const text of bad) assert.equal(isOf?.(text), false, `${name} ${text}`);
  }
  assert.deepEqual([...formats.keys()].sort(), Object.keys(cases).sort());
});

test("formats answer for a megabyte of text at once", () => {
  const start = performance.now();
  for (const [, isOf] of formats)
    for (const text of ["a.".repeat(5e5), "1:".repeat(5e5), "P1D".repeat(4e5), "a%20".repeat(3e5)])
      isOf(text);
  assert.ok(performance.now() - start < 1_000);
});
