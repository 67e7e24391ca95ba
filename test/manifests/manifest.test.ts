import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { HostError } from "#manifests/errors.ts";
import { manifestOfRaw, parseManifest } from "#manifests/manifest.ts";
import { manifestSchema } from "#manifests/manifest-schema.ts";
import { parsePluginId } from "#manifests/names.ts";
import { refusalOf } from "#test/support/refusal.ts";

const examples = "manifests/examples";
const read = (name: string) => parseManifest(readFileSync(`${examples}/${name}.json`));
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));
const minimal = {
  manifest: 1,
  id: "acme/weather",
  version: "1.2.0",
  provides: { tools: [{ name: "forecast" }] },
};

/** What is said of each refused example: where it is wrong, and a word of why. */
const refused: Record<string, readonly [path: string, why: RegExp]> = {
  "files-host-path": ["uses.files[0].name", /match/],
  "homepage-script": ["homepage", /https/],
  "host-range": ["host", /range of versions/],
  "id-too-long": ["id", /at most 64 characters/],
  "id-two-namespaces": ["id", /acme\/weather/],
  "id-upper-case": ["id", /found "Acme\/Weather"/],
  "instances-hot": ["instances", /"fresh", "warm", "single"/],
  "kv-list": ["uses.kv", /an object, found an array of 1/],
  "license-prose": ["license", /SPDX/],
  "licensing-later": ["licensing", /null/],
  "lifecycle-space": ["lifecycle.load", /visible ASCII/],
  "limit-fuel": ["limits.fuel", /at least 1, found 0/],
  "limit-memory-over-4-gib": ["limits.memory", /from 64KiB to 4GiB/],
  "limit-no-time": ["limits.timeout", /at least 1ms/],
  "limit-number": ["limits.timeout", /a duration such as 5s.*found 5$/],
  "limit-unit": ["limits.memory", /a size such as 64MiB.*found "64MB"/],
  list: ["the document", /an object/],
  "manifest-2": ["manifest", /be 1, found 2/],
  "network-method": ["uses.network[0].methods[0]", /"GET".*found "TRACE"/],
  "network-no-reason": ["uses.network[0].reason", /present/],
  "network-port": ["uses.network[0].port", /at least 1/],
  "network-url": ["uses.network[0].host", /host name/],
  "network-wildcard-tld": ["uses.network[0].host", /two labels/],
  "no-provides": ["provides", /present, found nothing/],
  "no-version": ["version", /present, found nothing/],
  "secret-both": ["uses.secrets[0]", /either inject or reveal/],
  "secret-header-break": ["uses.secrets[0].inject.header", /"a\\u\{d\}\\u\{a\}b"/],
  "secret-header-framing": ["uses.secrets[0].inject.header", /how the request is sent/],
  "secret-neither": ["uses.secrets[0]", /either inject or reveal/],
  "secret-no-host": ["uses.secrets[0].hosts", /hosts that get the secret/],
  "secret-template": ["uses.secrets[0].inject.template", /\{\} once/],
  "secret-two-places": ["uses.secrets[0].inject", /one of \{header/],
  "tool-contradiction": ["provides.tools[0].annotations", /both readOnly and destructive/],
  "tool-input-true": ["provides.tools[0].input", /JSON Schema/],
  "tool-name": ["provides.tools[0].name", /must match \[a-zA-Z0-9_-\]\{1,64\}, found "A b"/],
  "tool-raw": ["provides.tools[0].encoding", /"bytes", found "raw"/],
  "tool-twice": ["provides.tools[2].name", /differ from the others/],
  "tool-unknown-annotation": [
    "provides.tools[0].annotations.readonly",
    /known are title, readOnly/,
  ],
  "tools-alias-twice": ["uses.tools[1].alias", /differ/],
  "tools-range": ["uses.tools[0].version", /range of versions/],
  "unknown-capability": ["uses.shell", /known are network, secrets, files, kv, tools/],
  "unknown-key": ["permissions", /not a known key/],
  "unknown-provides": ["provides.channels", /known are tools/],
  "version-build": ["version", /without build metadata/],
  "version-range": ["version", /semantic version/],
  "wasm-absolute": ["wasm", /inside the package/],
  "wasm-hidden": ["wasm", /inside the package/],
  "wasm-outside": ["wasm", /inside the package/],
};

test("parseManifest() refuses every refused example, and says where and why", () => {
  const names = globSync(`${examples}/refused/*.json`).map((path) => basename(path, ".json"));
  assert.deepEqual(names.filter((name) => name !== "proto").sort(), Object.keys(refused).sort());
  for (const [name, [path, why]] of Object.entries(refused)) {
    const { code, message } = refusalOf(() => read(`refused/${name}`));
    assert.equal(code, "MANIFEST_INVALID", name);
    assert.ok(message.startsWith(`Cannot accept manifest.json: ${path} `), `${name}: ${message}`);
    assert.match(message, why, name);
  }
});

test("parseManifest() refuses JSON that two readers could understand differently", () => {
  assert.equal(refusalOf(() => read("refused/proto")).code, "JSON_INVALID");
  const twice = JSON.stringify(minimal).replace("{", '{"id":"acme/other",');
  assert.match(refusalOf(() => parseManifest(Buffer.from(twice))).message, /"id" stands twice/);
  const long = { ...minimal, description: "a".repeat(2 ** 20) };
  assert.match(
    refusalOf(() => parseManifest(bytesOf(long))).message,
    /at most 1048576 are allowed/,
  );
});

test("parseManifest() fills in what a minimal manifest leaves out", () => {
  const { provides, ...rest } = read("minimal");
  assert.deepEqual(rest, {
    manifest: 1,
    id: "acme/weather",
    version: "1.2.0",
    name: "weather",
    description: "",
    author: null,
    license: null,
    homepage: null,
    host: "*",
    wasm: "plugin.wasm",
    uses: { network: [], secrets: [], files: [], kv: null, tools: [] },
    config: null,
    limits: {},
    instances: "fresh",
    lifecycle: {},
    licensing: null,
  });
  const none = { title: null, readOnly: false, destructive: false, idempotent: false };
  assert.deepEqual(provides.tools, [
    {
      name: "forecast",
      description: "",
      input: null,
      output: null,
      export: "forecast",
      encoding: "json",
      annotations: { ...none, openWorld: false },
    },
  ]);
});

test("parseManifest() gives sizes as bytes, durations as milliseconds, asks with their defaults", () => {
  const weather = read("weather");
  assert.deepEqual(weather.limits, {
    memoryBytes: 2 ** 25,
    timeoutMs: 5_000,
    fuel: 500_000_000,
    outputBytes: 2 ** 20,
  });
  assert.deepEqual(weather.uses.network, [
    {
      scheme: "https",
      host: "api.open-meteo.com",
      port: 443,
      methods: ["GET"],
      path: "/",
      reason: "get the forecast",
    },
  ]);
  assert.equal(weather.uses.files[0]?.quotaBytes, 2 ** 26);
  const everything = read("everything");
  assert.deepEqual(
    everything.uses.network.map(({ port }) => port),
    [8080, 443, 443, 443],
  );
  assert.deepEqual(
    everything.uses.secrets.map(({ inject }) => inject),
    [{ query: "token" }, null, { field: "auth.key" }],
  );
  assert.deepEqual(everything.uses.kv, { quotaBytes: 2 ** 20, reason: "remember the last report" });
  assert.equal(everything.uses.tools[0]?.range, ">=1 <2");
  assert.deepEqual(
    everything.provides.tools.map((tool) => [tool.export, tool.encoding]),
    [
      ["text_report", "text"],
      ["render", "bytes"],
    ],
  );
});

test("parseManifest() takes the manifests of the first-party plugins", () => {
  const paths = globSync("plugins/*/manifest.json");
  assert.ok(paths.length >= 3);
  for (const path of paths) {
    const { id, description } = parseManifest(readFileSync(path));
    assert.equal(path, `plugins/${id}/manifest.json`);
    assert.notEqual(description, "");
  }
});

test("parseManifest() shows what an author wrote on one line, however they wrote it", () => {
  const hostile = { ...minimal, "\u001b[2Jid\u202e": 1, id: "\u001b[31m\n" };
  const { message } = refusalOf(() => parseManifest(bytesOf(hostile)));
  assert.doesNotMatch(message, /[\p{C}\n]/u);
});

test("manifestOfRaw() makes a tool of each export that could be one", () => {
  const exports = [
    ...["count_vowels", "greet.loud", "greet_loud", "say hello", "_start", "_initialize", "malloc"],
    ...[
      "free",
      "__wasm_call_ctors",
      "hs_init",
      "asyncify_stop_unwind",
      "on_load",
      "memory",
      "é",
      "x".repeat(129),
    ],
  ];
  const raw = manifestOfRaw(parsePluginId("local/count"), exports);
  assert.deepEqual(
    raw.provides.tools.map((tool) => [tool.name, tool.export, tool.encoding]),
    [
      ["count_vowels", "count_vowels", "raw"],
      ["greet_loud", "greet.loud", "raw"],
      ["memory", "memory", "raw"],
    ],
  );
  assert.deepEqual(raw.uses, { network: [], secrets: [], files: [], kv: null, tools: [] });
  assert.equal(raw.version, "0.0.0");
});

test("manifestSchema is JSON Schema 2020-12 that editors can load", () => {
  const written = JSON.parse(JSON.stringify(manifestSchema));
  assert.deepEqual(written, { ...manifestSchema });
  const ajv = new Ajv2020().addVocabulary(["errorMessage"]);
  const isManifest = ajv.compile(written);
  for (const name of ["minimal", "weather", "everything"])
    assert.ok(isManifest(JSON.parse(readFileSync(`${examples}/${name}.json`, "utf8"))), name);
});

test("parseManifest() answers any mutilated manifest with an error of ours or a manifest", () => {
  const everything: unknown = JSON.parse(readFileSync(`${examples}/everything.json`, "utf8"));
  const places = placesIn(everything);
  const junk = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom("", "\0", "a".repeat(300), 1e300),
  );
  fc.assert(
    fc.property(fc.nat(places.length - 1), junk, fc.boolean(), (index, value, drop) => {
      const bytes = bytesOf(changed(everything, places[index] ?? [], drop ? undefined : value));
      try {
        assert.equal(parseManifest(bytes).manifest, 1);
      } catch (error) {
        assert.ok(error instanceof HostError, String(error));
        assert.doesNotMatch(error.message, /[\p{Cc}\n]|undefined|object Object/u);
      }
    }),
    { numRuns: 1_000 },
  );
});

type Place = readonly (string | number)[];

/** Returns the path of every value inside a JSON value. */
function placesIn(value: unknown, path: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [path];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  const inner = keys.flatMap((key) =>
    placesIn((value as Record<string, unknown>)[key], [...path, key]),
  );
  return [path, ...inner];
}

/** Returns a copy of a JSON value with another value at a path. */
function changed(value: unknown, [key, ...rest]: Place, other: unknown): unknown {
  if (key === undefined) return other === undefined ? null : other;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<
    string,
    unknown
  >;
  copy[key] = rest.length === 0 ? other : changed(copy[key], rest, other);
  return copy;
}
