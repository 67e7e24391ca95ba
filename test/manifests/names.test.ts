import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkAuthorId,
  compareVersions,
  isInRange,
  parseDigest,
  parsePluginId,
  parsePluginReference,
  parseRange,
  parseToolName,
  parseVersion,
  toLocalId,
} from "#manifests/names.ts";
import { refusalOf } from "#test/support/refusal.ts";

const hash = `sha256:${"a1".repeat(32)}`;

/** Parser → texts that it takes, texts that it refuses. */
const cases: readonly (readonly [(text: string) => string, string[], string[]])[] = [
  [
    parsePluginId,
    ["a", "weather", "acme/weather", "a-1/b-2-c", "local/x", `${"a".repeat(31)}/${"b".repeat(32)}`],
    [
      ...["", "A", "a_b", "-a", "a-", "a--b", "a/", "/a", "a/b/c", "a b", "a@1", "../a", "a%2fb"],
      ...["wеather", "a\n", `${"a".repeat(32)}/${"b".repeat(32)}`, "a".repeat(1e6)],
    ],
  ],
  [
    parseToolName,
    ["a", "Render-PDF", "_", "a".repeat(64)],
    ["", "a b", "a.b", "é", "a".repeat(65)],
  ],
  [
    parseVersion,
    ["0.0.0", "1.2.3", "1.0.0-rc.1"],
    [
      "",
      "1",
      "1.2",
      "v1.2.3",
      "01.2.3",
      "1.2.3+build",
      " 1.2.3",
      "1.2.3\n",
      `1.0.0-${"a".repeat(1e6)}`,
    ],
  ],
  [
    parseRange,
    ["*", ">=0.1 <1", "^1.2.0", "1.x || 2.x"],
    ["", " ", "new", ">", ">=1 ".repeat(1e5)],
  ],
  [
    parseDigest,
    [hash],
    ["", "sha256:", hash.toUpperCase(), `${hash}0`, hash.replace("256", "512")],
  ],
];

test("parsers of names take the grammar and nothing else, and say what it is", () => {
  for (const [parse, good, bad] of cases) {
    for (const text of good) assert.equal(parse(text), text);
    for (const text of bad) {
      const { code, message } = refusalOf(() => parse(text));
      assert.equal(code, "NAME_INVALID");
      assert.ok(message.length < 400, message);
    }
  }
});

test("checkAuthorId() refuses ids that say where a plugin came from", () => {
  assert.equal(checkAuthorId(parsePluginId("acme/local-weather")), "acme/local-weather");
  for (const id of ["local", "local/a", "dev/a", "oci/a", "convergio", "convergio/a", "acme/local"])
    assert.equal(refusalOf(() => checkAuthorId(parsePluginId(id))).code, "NAME_RESERVED");
});

test("toLocalId() makes an id of any name that has a letter or a digit", () => {
  const names: Record<string, string> = {
    weather: "local/weather",
    "acme/weather": "local/weather",
    "Count Vowels_2": "local/count-vowels-2",
    "--a--": "local/a",
    [`${"a".repeat(57)}--b`]: `local/${"a".repeat(57)}`,
  };
  for (const [name, id] of Object.entries(names)) assert.equal(toLocalId(name), id);
  for (const name of ["", "---", "éè", "a/"])
    assert.equal(refusalOf(() => toLocalId(name)).code, "NAME_INVALID");
});

test("parsePluginReference() tells version, range and digest apart", () => {
  assert.deepEqual(parsePluginReference("acme/a"), { id: "acme/a", pick: { kind: "newest" } });
  assert.deepEqual(parsePluginReference("a@1.2.0").pick, { kind: "version", version: "1.2.0" });
  assert.deepEqual(parsePluginReference("a@^1").pick, { kind: "range", range: "^1" });
  assert.deepEqual(parsePluginReference(`a@${hash}`).pick, { kind: "digest", digest: hash });
  for (const text of ["a@", "@1.0.0", "a@1.0.0+b", "a@sha256:0", "a@b@c", "https://a.example/b"])
    assert.equal(refusalOf(() => parsePluginReference(text)).code, "NAME_INVALID", text);
});

test("versions are compared as semver says", () => {
  assert.ok(isInRange(parseVersion("0.2.0"), parseRange(">=0.1 <1")));
  assert.ok(!isInRange(parseVersion("1.0.0-rc.1"), parseRange("^1")));
  assert.ok(compareVersions(parseVersion("1.0.0-rc.10"), parseVersion("1.0.0-rc.9")) > 0);
});
