/** One table of cases over one guest a language, each through the whole host: install, runner, call. */
import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { envFunctions, envModule } from "#plugin-sdk/abi.ts";
import type { CallAnswer } from "#runtime/call.ts";
import { owner } from "#runtime/keys.ts";
import { type Built, builtGuest, type Sources } from "#test/support/built.ts";
import { codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";
import { type Case, cases, greeting, memory, type Step } from "./cases.ts";
import { constructed, extism, languages, moduleOf } from "./recipes.ts";

/** Tools that not every language has: a panic of its own, or WASI to ask for chance and time. */
const lacking: Readonly<Record<string, readonly string[]>> = {
  assemblyscript: ["random_and_clock"],
  rust: ["random_and_clock"],
  c: ["random_and_clock", "panic"],
  "c-wasi": ["panic"],
  wat: ["panic"],
};
const bytesTools = ["echo", "big"];
const allTools = [...new Set(cases.flatMap(({ steps }) => steps.map(({ tool }) => tool)))];

// All at once, before the first test: a compiler that waits leaves the machine to another.
const built = new Map<string, Built>([
  ["wat", { bytes: await moduleOf("wat/guest") }],
  ...(await Promise.all(
    [...languages, ...constructed, extism].map(
      async (sources) => [sources.name, await builtGuest(sources)] as const,
    ),
  )),
]);
const host = await openTestHost();
after(() => host[Symbol.asyncDispose]());

for (const { name: id, language } of [...languages, { name: "wat", language: "WAT" }])
  test(`a guest in ${language} keeps every promise`, async (t) => {
    const module = bytesOrSkip(t, { name: id, language });
    if (module === undefined) return;
    const tools = allTools.filter((tool) => !lacking[id]?.includes(tool));
    for (const instances of ["fresh", "single"]) {
      const manifest = { ...manifestOf(tools), instances };
      await installGuest(host, { id: `${id}-${instances}`, module, manifest });
    }
    for (const { name, instances = "fresh", steps } of cases.map(only(tools)))
      if (steps.length > 0)
        await t.test(name, async () => {
          for (const step of steps) await take(`local/${id}-${instances}`, step);
        });
  });

test("no language that npm alone builds is left out", () => {
  assert("bytes" in (built.get("assemblyscript") ?? {}));
});

/** A language that cannot be built here is said aloud, so that nobody takes it for tested. */
function bytesOrSkip(
  t: TestContext,
  { name, language }: Pick<Sources, "name" | "language">,
): Uint8Array | undefined {
  const guest = built.get(name);
  assert(guest);
  if (!("lacks" in guest)) return guest.bytes;
  console.error(`NOT TESTED on this machine: ${language} ${guest.lacks}`);
  t.skip(`${language} ${guest.lacks}`);
  return undefined;
}

function manifestOf(tools: readonly string[]) {
  const encoding = (tool: string) => (bytesTools.includes(tool) ? "bytes" : "text");
  return {
    provides: { tools: tools.map((name) => ({ name, encoding: encoding(name) })) },
    limits: { memory },
    uses: { kv: { quota: "1MiB", reason: "remember whom it greeted" } },
    config: {
      type: "object",
      properties: { greeting: { type: "string", default: greeting } },
    },
  };
}

function only(tools: readonly string[]): (each: Case) => Case {
  return (each) => ({ ...each, steps: each.steps.filter(({ tool }) => tools.includes(tool)) });
}

async function take(plugin: string, step: Step): Promise<void> {
  const logs: (readonly [string, string])[] = [];
  const { tool, input = "" } = step;
  const sent = typeof input === "string" ? { json: JSON.stringify(input) } : { bytes: input };
  const call = host.host.call({
    caller: owner,
    plugin,
    tool,
    input: sent,
    onEvent: (event) => void (event.kind === "log" && logs.push([event.level, event.text])),
  });
  if ("ends" in step) await assert.rejects(call, endingOf(step.ends, step.says));
  else if ("givesOrEnds" in step) await checkGivesOrEnds(call, step.givesOrEnds);
  else if ("fits" in step) step.fits(outputOf(await call));
  else checkSame(outputOf(await call), step.gives);
  if (step.logs) assert.deepEqual(logs, step.logs);
}

/** Bytes are not shown when they differ: it takes minutes to describe a megabyte. */
function checkSame(value: unknown, wanted: unknown): void {
  if (value instanceof Uint8Array && wanted instanceof Uint8Array)
    assert(Buffer.compare(value, wanted) === 0, `${value.length} of ${wanted.length} bytes`);
  else assert.deepEqual(value, wanted);
}

const shortOfMemory = ["MEMORY_EXHAUSTED", "PLUGIN_TRAPPED", "PLUGIN_ERROR"];

async function checkGivesOrEnds(call: Promise<CallAnswer>, value: unknown): Promise<void> {
  const code = await codeOf(call);
  if (code === "ok") checkSame(outputOf(await call), value);
  else assert(shortOfMemory.includes(code), code);
}

function outputOf({ output }: CallAnswer): unknown {
  const bytes = Buffer.from(output.bytes);
  return output.encoding === "bytes" ? new Uint8Array(bytes) : JSON.parse(bytes.toString());
}

function endingOf(code: string, says: string): (error: unknown) => true {
  return (error) => {
    assert(error instanceof HostError);
    assert.deepEqual([error.code, error.message.includes(says)], [code, true], error.message);
    return true;
  };
}

for (const sources of constructed)
  test(`the constructors of a guest in ${sources.language} run once`, async (t) => {
    const module = bytesOrSkip(t, sources);
    if (module === undefined) return;
    const id = sources.name;
    const manifest = { ...manifestOf(["greeting"]), instances: "single" };
    await installGuest(host, { id, module, manifest });
    for (const _ of [1, 2])
      assert.equal((await invoke(host, id, "greeting", "")).value, "constructed once");
  });

for (const [start, state] of [
  ["haskell", 2],
  ["tinygo", 1],
  ["command", 0],
] as const)
  test(`a raw module that starts as ${start} does is ready at its first call`, async () => {
    const module = await moduleOf(`starts/${start}`);
    const { tools } = await installGuest(host, { id: start, module });
    assert.deepEqual(
      tools.map(({ name }) => name),
      ["state"],
    );
    for (const _ of [1, 2]) assert.equal((await invoke(host, start, "state")).value, state);
  });

test("a program against the documented names of Extism finds each as documented", async (t) => {
  const module = bytesOrSkip(t, extism);
  if (module === undefined) return;
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(Buffer.from(module)));
  assert.deepEqual(
    imports.map((one) => `${one.module} ${one.name}`).sort(),
    Object.keys(envFunctions)
      .map((name) => `${envModule} ${name}`)
      .sort(),
  );
  const gives = {
    read_input: "twice over",
    blocks: "blocks",
    part_of_a_block: "middle",
    errors: "errors",
    settings: "settings",
    logs: "logs",
    http_before: "http_before",
  };
  const manifest = manifestOf([...Object.keys(gives), "error_though_0", "http"]);
  manifest.config.properties.greeting.default = "hello";
  await installGuest(host, { id: "extism", module, manifest });
  for (const [tool, value] of Object.entries(gives))
    assert.equal((await invoke(host, "extism", tool, "twice over")).value, value);
  const said = invoke(host, "extism", "error_though_0", "");
  await assert.rejects(said, endingOf("PLUGIN_ERROR", "it returned 0"));
  assert.equal(await codeOf(invoke(host, "extism", "http", "")), "CAPABILITY_DENIED");
});
