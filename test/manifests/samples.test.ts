import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { HostError } from "#manifests/errors.ts";
import { parseSample, sampleBytesMax, samplesMax, samplesOf } from "#manifests/samples.ts";
import { refusalOf } from "#test/support/refusal.ts";

const examples = "manifests/examples/samples";
const read = (path: string) => parseSample(path, readFileSync(path));
const provides = { tools: [{ name: "forecast" }, { name: "count_vowels" }] } as never;
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

test("parseSample() reads the examples, with what was left out filled in", () => {
  assert.deepEqual(read(`${examples}/output.json`), {
    file: `${examples}/output.json`,
    tool: "count_vowels",
    input: "Hello, world",
    expected: { kind: "output", output: { count: 3 } },
    config: {},
    host: [],
  });
  const { expected, host, config } = read(`${examples}/recorded.json`);
  assert.equal(expected.kind, "match");
  assert.deepEqual(config, { units: "metric" });
  assert.deepEqual(
    host.map((exchange) => exchange.function),
    ["kv_get", "network_fetch"],
  );
  const { expected: error } = read(`${examples}/error.json`);
  assert.deepEqual(error, { kind: "error", code: "INPUT_INVALID" });
});

/** What is said of each refused example. */
const refused: Record<string, RegExp> = {
  "no-answer": /host\[0\]\.answer/,
  "no-end": /one of output, match and error, found 0/,
  "two-ends": /found 2/,
  "unknown-key": /network is not a known key/,
};

test("parseSample() refuses the refused examples, and says where", () => {
  const names = globSync(`${examples}/refused/*.json`).map((path) => basename(path, ".json"));
  assert.deepEqual(names.sort(), Object.keys(refused).sort());
  for (const name of names) {
    const { code, message } = refusalOf(() => read(`${examples}/refused/${name}.json`));
    assert.equal(code, "MANIFEST_INVALID", name);
    assert.match(message, refused[name] ?? /$^/, name);
  }
});

test("parseSample() takes an expected null for an output", () => {
  const sample = parseSample("samples/a.json", bytesOf({ sample: 1, tool: "a", output: null }));
  assert.deepEqual(sample.expected, { kind: "output", output: null });
});

test("samplesOf() reads what lies directly in samples, in the order of names", () => {
  const sample = bytesOf({ sample: 1, tool: "forecast", output: 1 });
  const files = new Map([
    ["samples/b.json", sample],
    ["samples/a.json", sample],
    ["samples/deep/c.json", Buffer.from("not read")],
    ["samples/page.html", Buffer.from("not read")],
    ["assets/d.json", Buffer.from("not read")],
  ]);
  const found = samplesOf(files, { provides }).map(({ file }) => file);
  assert.deepEqual(found, ["samples/a.json", "samples/b.json"]);
});

test("samplesOf() refuses too many, too large, and a tool that is not there", () => {
  const sample = bytesOf({ sample: 1, tool: "forecast", output: 1 });
  const many = Array.from({ length: samplesMax + 1 }, (_, n) => [`samples/${n}.json`, sample]);
  const large = bytesOf({ sample: 1, tool: "forecast", output: "x".repeat(sampleBytesMax) });
  const other = bytesOf({ sample: 1, tool: "elsewhere", output: 1 });
  const padded = bytesOf({ sample: 1, tool: "forecast", output: "x".repeat(240_000) });
  const heavy = Array.from({ length: 20 }, (_, n) => [`samples/${n}.json`, padded]);
  for (const [entries, why] of [
    [many, /at most 64 samples, found 65/],
    [[["samples/large.json", large]], /at most 262144 are allowed/],
    [[["samples/other.json", other]], /tool must be a tool of the plugin, found "elsewhere"/],
    [heavy, /at most 4194304 bytes/],
  ] as const)
    assert.match(refusalOf(() => samplesOf(new Map(entries as never), { provides })).message, why);
});

test("parseSample() gives a sample or a refusal with a code, whatever it is given", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        parseSample("samples/any.json", Buffer.from(text));
      } catch (error) {
        assert.ok(error instanceof HostError);
        assert.match(error.code, /^(MANIFEST_INVALID|JSON_INVALID)$/);
      }
    }),
  );
});
