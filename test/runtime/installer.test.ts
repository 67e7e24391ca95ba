import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { AuditRecord } from "#manifests/audit.ts";
import { packFolder } from "#registry/package.ts";
import type { ConsentAsk } from "#runtime/consent/asked.ts";
import { owner } from "#runtime/keys.ts";
import { codeOf, invoke, openTestHost } from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { wat } from "#test/support/wat.ts";
import { filesOf, installFrom, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { host } = home;
const project = fileURLToPath(new URL("../../plugins/", import.meta.url));

const value = async (id: string, tool: string, input: unknown) =>
  (await invoke(home, id, tool, input)).value;

async function records(kind: string): Promise<AuditRecord[]> {
  return (await host.auditQuery({ kind, limit: 100 })) as AuditRecord[];
}

test("a folder is installed as local/<name>, unsigned, and answers", async () => {
  const path = await writeFolder(
    home,
    "weather",
    { id: "acme/weather", provides: jsonTools("echo") },
    relay(),
  );
  const steps: string[] = [];
  const view = await installFrom(home, path, { onStep: (step) => void steps.push(step) });
  assert.partialDeepStrictEqual(view, {
    id: "local/weather",
    version: "1.0.0",
    state: "active",
    signer: "unsigned",
    source: `"${path}"`,
    versions: ["1.0.0"],
  });
  assert.deepEqual(steps, [
    "resolve",
    "verify",
    "consent",
    "stage",
    "compile",
    "health",
    "activate",
  ]);
  assert.deepEqual(await value("weather", "echo", { a: 1 }), { a: 1 });
  const [record] = (await records("install")).slice(-1);
  assert.partialDeepStrictEqual(record, {
    act: "activate",
    decision: "allowed",
    owner: "owner",
    plugin: "local/weather",
    version: "1.0.0",
    digest: view.digest,
    signer: "unsigned",
  });
});

test("a .tgz is the same package as its folder: the second of them changes nothing", async () => {
  const path = await writeFolder(home, "packed", { provides: jsonTools("echo") }, relay());
  const { bytes, digest } = await packFolder(path);
  const file = join(home.folder, "packed.tgz");
  await writeFile(file, bytes);
  const first = await installFrom(home, file);
  assert.equal(first.digest, digest);
  const asked: ConsentAsk[] = [];
  const before = await filesOf(home);
  const count = (await records("install")).length;
  for (const source of [path, file, { kind: "package", bytes } as const])
    assert.deepEqual(
      await installFrom(home, source, { onAsk: (ask) => void asked.push(ask) }),
      first,
    );
  assert.deepEqual(asked, []);
  assert.deepEqual(await filesOf(home), before);
  assert.equal((await records("install")).length, count);
});

test("a raw .wasm is installed with its callable exports as tools", async () => {
  const file = join(home.folder, "My Tool v2.wasm");
  const text = relay().replace(
    '(func (export "spin")',
    `(func (export "_start")) (func (export "_initialize")) (func (export "__heap"))
     (func (export "malloc") (result i32) (i32.const 0)) (func (export "on_load"))
     (func (export "add") (param i32)) (func (export "long") (result i64) (i64.const 0))
     (func (export "with.dot") (call $ok))
     (func (export "bad") (call $say (i32.const 2048) (i32.const 2)))
     (data (i32.const 2048) "\\ff\\fe")
     (func (export "spin")`,
  );
  await writeFile(file, await wat(text));
  const view = await installFrom(home, file);
  assert.equal(view.id, "local/my-tool-v2");
  assert.equal(view.version, "0.0.0");
  assert.deepEqual(view.tools.map(({ name }) => name).sort(), [
    "bad",
    "echo",
    "fail",
    "mark",
    "nap",
    "no",
    "say",
    "spin",
    "trap",
    "with_dot",
    "yes",
  ]);
  assert.deepEqual(host.grants.view(view.id), {
    ...(host.grants.view(view.id) as object),
    network: [],
    secrets: [],
    files: [],
    tools: [],
  });
});

for (const [input, expected] of [
  ["text", "text"],
  ["42", 42],
  ["", ""],
  [{ a: [1, null] }, { a: [1, null] }],
  [42, 42],
  [null, null],
  ["ünï ☃", "ünï ☃"],
] as const)
  test(`a raw module that gives back ${JSON.stringify(input)} answers ${JSON.stringify(expected)}`, async () => {
    assert.deepEqual(await value("my-tool-v2", "echo", input), expected);
  });

test("a raw module that gives bytes which are no text answers them in base64", async () => {
  assert.deepEqual(await value("my-tool-v2", "bad", null), { base64: "//4=" });
});

test("raw bytes go through a raw module as they are", async () => {
  const bytes = Buffer.from([0xff, 0, 0x80, 10]);
  const { output } = await host.call({
    caller: owner,
    plugin: "local/my-tool-v2",
    tool: "echo",
    input: { bytes },
  });
  assert.equal(output.encoding, "bytes");
  assert.deepEqual(Buffer.from(output.bytes), bytes);
});

test("the encodings text and bytes take strings, and give strings and base64", async () => {
  const tools = [
    { name: "text", export: "echo", encoding: "text" },
    { name: "bytes", export: "echo", encoding: "bytes" },
  ];
  await installFrom(home, await writeFolder(home, "coded", { provides: { tools } }, relay()));
  assert.equal(await value("coded", "text", "x y"), "x y");
  assert.equal(await value("coded", "text", "[1]").then(String), "1");
  assert.equal(await codeOf(invoke(home, "coded", "text", 7)), "INPUT_INVALID");
  assert.equal(await value("coded", "bytes", "AP8="), "AP8=");
  assert.equal(await codeOf(invoke(home, "coded", "bytes", "no base64!")), "INPUT_INVALID");
});

test("a plugin of the project's own folder keeps its bare id and is signed by the project", async () => {
  const view = await installFrom(home, join(project, "vowels"));
  assert.deepEqual([view.id, view.signer], ["vowels", "convergio"]);
  const { output } = await host.call({
    caller: owner,
    plugin: "vowels",
    tool: undefined,
    input: { json: '"hello"' },
  });
  assert.equal(JSON.parse(Buffer.from(output.bytes).toString()).count, 2);
});

const nothing = { grants: 1, network: [], secrets: [], files: [], tools: [] };

test("consent is asked with everything that the plugin may do, and only once it can be installed", async () => {
  const uses = {
    kv: { quota: "2MiB", reason: "remember" },
    tools: [{ alias: "echo", plugin: "local/weather", tools: ["echo"], reason: "ask it" }],
  };
  const manifest = {
    version: "1.2.0",
    provides: jsonTools("echo", "kv_get"),
    uses,
    instances: "single",
  };
  const path = await writeFolder(home, "asking", manifest, relay(["kv_get"]));
  const asked: ConsentAsk[] = [];
  const view = await installFrom(home, path, { onAsk: (ask) => void asked.push(ask) });
  assert.deepEqual(asked, [
    {
      id: "local/asking",
      version: "1.2.0",
      digest: view.digest,
      signer: "unsigned",
      source: `"${path}"`,
      asks: [
        {
          ...{
            entry: "kv",
            capability: "kv",
            verb: "keep",
            words: "values of its own, up to 2 MiB",
          },
          ...{ warnings: [], untrustedReason: "remember", was: null, reaches: [], hosts: [] },
          offer: { ...nothing, kv: { quota: "2MiB", per: "plugin", via: "any" } },
        },
        {
          ...{ entry: "tools.echo", capability: "tools", verb: "call" },
          words: "echo of the plugin local/weather",
          ...{ warnings: [], untrustedReason: "ask it", was: null, reaches: [], hosts: [] },
          offer: {
            ...nothing,
            tools: [
              {
                ...{ alias: "echo", plugin: "local/weather", signer: "unsigned", tools: ["echo"] },
                ...{ per: "plugin", via: "any" },
              },
            ],
          },
        },
      ],
      held: nothing,
      decided: 0,
      dropped: [],
      together: [],
      readOnly: [],
      toolChanges: [],
      callers: [],
      instead: null,
      choices: {},
      instances: "single",
      tools: ["echo", "kv_get"],
      replaces: null,
      isOlder: false,
      looksLike: [],
    },
  ]);
});

test("an id that looks like an installed one is said to", async () => {
  const path = await writeFolder(home, "weatner", { provides: jsonTools("echo") }, relay());
  const asked: ConsentAsk[] = [];
  await installFrom(home, path, { onAsk: (ask) => void asked.push(ask) });
  assert.deepEqual(asked[0]?.looksLike, ["local/weather"]);
});

test("a declined consent leaves nothing: no file, no plugin, nothing to call", async () => {
  const before = await filesOf(home);
  const path = await writeFolder(
    home,
    "declined",
    { provides: jsonTools("echo") },
    relay([], "declined"),
  );
  const steps: string[] = [];
  const declined = installFrom(home, path, {
    answer: undefined,
    onStep: (step) => void steps.push(step),
  });
  await assert.rejects(declined, { code: "CONSENT_DECLINED" });
  assert.deepEqual(steps, ["resolve", "verify", "consent"]);
  assert.deepEqual(await filesOf(home), before);
  assert.equal(await codeOf(invoke(home, "declined", "echo")), "PLUGIN_NOT_FOUND");
  assert.throws(() => host.plugins.info("local/declined"), { code: "PLUGIN_NOT_FOUND" });
  const last = (await records("install")).at(-1);
  assert.partialDeepStrictEqual(last, {
    act: "install",
    decision: "denied",
    code: "CONSENT_DECLINED",
  });
});

const good = { provides: jsonTools("echo") };

for (const [what, manifest, code] of [
  ["a tool that is not exported", { provides: jsonTools("nothing") }, "EXPORT_MISSING"],
  ["a tool that takes parameters", { provides: jsonTools("block") }, "EXPORT_MISSING"],
  ["a hook that is not exported", { ...good, lifecycle: { load: "on_load" } }, "EXPORT_MISSING"],
  ["a host that is newer", { ...good, host: ">=9" }, "HOST_VERSION_REFUSED"],
  ["more memory than may be had", { ...good, limits: { memory: "1GiB" } }, "LIMIT_ABOVE_CEILING"],
  ["more time than may be had", { ...good, limits: { timeout: "11m" } }, "LIMIT_ABOVE_CEILING"],
  ["an unknown key", { ...good, permissions: ["all"] }, "MANIFEST_INVALID"],
  ["a module that is not there", { ...good, wasm: "other.wasm" }, "PACKAGE_INVALID"],
  [
    "a hostile schema",
    { provides: { tools: [{ name: "echo", input: { $ref: "http://a" } }] } },
    "SCHEMA_REFUSED",
  ],
  ["a health check that fails", { ...good, lifecycle: { health: "no" } }, "HOOK_FAILED"],
  ["a load hook that fails", { ...good, lifecycle: { health: "yes", load: "no" } }, "HOOK_FAILED"],
  ["a load hook that traps", { ...good, lifecycle: { load: "trap" } }, "HOOK_FAILED"],
] as const)
  test(`a plugin with ${what} is refused with ${code}, and leaves nothing`, async () => {
    const path = await writeFolder(home, "bad", manifest, relay([], "bad"));
    const before = await filesOf(home);
    const error = await installFrom(home, path).catch((thrown: { code: string }) => thrown);
    assert.equal("code" in error && error.code, code);
    assert.deepEqual(await filesOf(home), before);
    assert.throws(() => host.plugins.info("local/bad"), { code: "PLUGIN_NOT_FOUND" });
    assert.partialDeepStrictEqual((await records("install")).at(-1), { decision: "failed", code });
  });

for (const [what, name, bytes, code] of [
  ["a path where nothing is", "nowhere", undefined, "FILE_UNUSABLE"],
  ["a file that is no package", "text.tgz", "hello", "PACKAGE_INVALID"],
  ["a .wasm that is none", "text.wasm", "hello", "MODULE_INVALID"],
  ["a .wasm without a name", "---.wasm", "hello", "NAME_INVALID"],
] as const)
  test(`${what} is refused with ${code}`, async () => {
    const path = join(home.folder, name);
    if (bytes !== undefined) await writeFile(path, bytes);
    const error = await installFrom(home, path).catch((thrown: { code: string }) => thrown);
    assert.equal("code" in error && error.code, code);
  });

test("a host that takes no unsigned plugins says so, and still takes the project's own", async () => {
  await using strict = await openTestHost({ settings: { "trust.unsigned": "never" } });
  const path = await writeFolder(strict, "it", { provides: jsonTools("echo") }, relay());
  assert.equal(await codeOf(installFrom(strict, path)), "UNSIGNED_REFUSED");
  assert.deepEqual(await filesOf(strict), []);
  assert.equal((await installFrom(strict, join(project, "vowels"))).id, "vowels");
});
