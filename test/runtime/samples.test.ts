import assert from "node:assert/strict";
import { after, test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { differences } from "#runtime/samples.ts";
import { owner } from "#runtime/keys.ts";
import { guest } from "#test/support/guests.ts";
import { codeOf, invoke, openTestHost, runnerPids } from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { writeSamples } from "#test/support/samples.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { host } = home;

type Sample = Readonly<Record<string, unknown>>;
const uses = { kv: { quota: "1MiB", reason: "remember" } };
const tools = jsonTools("echo", "kv_get", "kv_set", "spin", "trap", "fail");

async function write(
  id: string,
  samples: readonly Sample[],
  own: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const manifest = { provides: tools, uses, ...own };
  const folder = await writeFolder(home, id, manifest, relay(["kv_get", "kv_set"]));
  return writeSamples(folder, samples);
}

/** What an install with these samples ends with: "ok", or the sentence of its refusal. */
async function endOf(id: string, samples: readonly Sample[], own = {}): Promise<string> {
  const path = await write(id, samples, own);
  return installFrom(home, path).then(
    () => "ok",
    (error: unknown) => {
      if (error instanceof HostError) return `${error.code}: ${error.message}`;
      throw error;
    },
  );
}

test("samples with exact outputs, schemas and errors admit a version that answers them", async () => {
  const samples = [
    { tool: "echo", input: { a: [1, 2] }, output: { a: [1, 2] } },
    { tool: "echo", input: 7, match: { type: "integer", minimum: 7 } },
    { tool: "trap", error: "PLUGIN_TRAPPED" },
    { tool: "fail", input: "no", error: "PLUGIN_ERROR" },
    { tool: "echo", input: "again", match: { const: "again" } },
  ];
  assert.equal(await endOf("admitted", samples), "ok");
  assert.deepEqual((await invoke(home, "admitted", "echo", 1)).value, 1);
});

for (const [what, sample, why] of [
  ["another value", { input: { count: 4 }, output: { count: 3 } }, /\$\.count expected 3, found 4/],
  ["a missing key", { input: {}, output: { a: 1 } }, /\$\.a expected 1, found nothing/],
  ["a value that does not match", { input: "x", match: { type: "integer" } }, /OUTPUT_INVALID/],
  ["a trap", { tool: "trap", output: 1 }, /expected an output, found PLUGIN_TRAPPED/],
  [
    "an output in the place of an error",
    { error: "PLUGIN_ERROR" },
    /expected PLUGIN_ERROR, found an output/,
  ],
  ["another error", { tool: "trap", error: "PLUGIN_ERROR" }, /found PLUGIN_TRAPPED/],
] as const)
  test(`a sample that ends with ${what} refuses the version and says how it differs`, async () => {
    const end = await endOf("differs", [{ tool: "echo", ...sample }]);
    assert.match(end, /^SAMPLE_FAILED: .*"samples\/0\.json"/);
    assert.match(end, why);
    assert.throws(() => host.plugins.info("local/differs"), { code: "PLUGIN_NOT_FOUND" });
  });

test("host functions of a sample answer what was recorded, and nothing of it happens", async () => {
  const get = { key: "a" };
  const samples = [
    {
      tool: "kv_get",
      input: get,
      host: [{ function: "kv_get", request: get, answer: { ok: { value: "recorded" } } }],
      output: { ok: { value: "recorded" } },
    },
    {
      tool: "kv_set",
      input: { key: "a", value: "from a sample" },
      host: [{ function: "kv_set", answer: { error: { code: "KV_FULL", message: "full" } } }],
      output: { error: { code: "KV_FULL", message: "full" } },
    },
  ];
  assert.equal(await endOf("recorded", samples), "ok");
  assert.deepEqual((await invoke(home, "recorded", "kv_get", get)).value, { ok: { value: null } });
});

for (const [what, host, why] of [
  ["what is not recorded", [], /it asked kv_get as number 1, which the sample does not record/],
  [
    "another function than was recorded",
    [{ function: "kv_set", answer: { ok: {} } }],
    /it asked kv_get as number 1/,
  ],
  [
    "something else of it",
    [{ function: "kv_get", request: { key: "b" }, answer: { ok: {} } }],
    /\$\.key expected "b", found "a"/,
  ],
] as const)
  test(`a sample that asks ${what} refuses the version`, async () => {
    const sample = { tool: "kv_get", input: { key: "a" }, match: {}, host };
    assert.match(await endOf("asks", [sample]), why);
  });

test("a sample that asks less than was recorded refuses the version", async () => {
  const exchange = { function: "kv_get", answer: { ok: {} } };
  const end = await endOf("asks", [{ tool: "echo", input: 1, output: 1, host: [exchange] }]);
  assert.match(end, /it did not ask kv_get as number 1/);
});

test("a sample reads its own settings and the defaults of the manifest, never the operator's", async () => {
  const module = guest({
    data: "units",
    body: '(func (export "units") (call $giveBack (call $config_get (call $block (i32.const 1024) (i32.const 5)))))',
  });
  const config = {
    type: "object",
    properties: { units: { type: "string", default: "metric" } },
  };
  const manifest = { provides: { tools: [{ name: "units", encoding: "text" }] }, config };
  const samples = [
    { tool: "units", input: "", output: "metric" },
    { tool: "units", input: "", config: { units: "imperial" }, output: "imperial" },
  ];
  const first = await writeFolder(home, "reads", manifest, module);
  await installFrom(home, first);
  await host.plugins.setConfig("local/reads", { units: "nautical" }, owner);
  const second = await writeFolder(home, "reads", { ...manifest, version: "1.1.0" }, module);
  await installFrom(home, await writeSamples(second, samples));
  assert.equal((await invoke(home, "reads", "units", "")).value, "nautical");
});

test("a sample that never ends is ended by the limits of its tool, and its runner goes with it", async () => {
  const before = runnerPids();
  const own = { limits: { timeout: "300ms" } };
  const end = await endOf("spins", [{ tool: "spin", output: 1 }], own);
  assert.match(end, /expected an output, found DEADLINE_EXCEEDED/);
  const spare = 1;
  assert.ok(runnerPids().length <= before.length + spare);
});

test("a package with a sample of another form is refused before anything of it runs", async () => {
  const path = await write("malformed", [{ tool: "echo", output: 1, error: "PLUGIN_ERROR" }]);
  assert.equal(await codeOf(installFrom(home, path)), "MANIFEST_INVALID");
});

test("the schema of a sample is hostile until it is admitted", async () => {
  const match = { pattern: "(a+)+$", $ref: "https://example.com/schema" };
  const path = await write("costly", [{ tool: "echo", input: 1, match }]);
  assert.equal(await codeOf(installFrom(home, path)), "SCHEMA_REFUSED");
});

test("differences() names a few places and bounds what it shows of them", () => {
  const long = "x".repeat(10_000);
  const expected = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, n]));
  const found = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, long]));
  const said = differences(expected, found);
  assert.equal(said.length, 5);
  assert.ok(said.join("").length < 1_000);
  assert.deepEqual(differences([1, { a: 2 }], [1, { a: 3 }]), ["$[1].a expected 2, found 3"]);
  assert.deepEqual(differences({ a: 1, b: 2 }, { b: 2, a: 1 }), []);
});
