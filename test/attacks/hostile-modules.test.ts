/**
 * Who attacks: somebody whose module an operator installs. What they hold: every byte of the module.
 *
 * What must not happen: that a module which is malformed, too large, or asks for what nobody declared
 * is installed at all, crashes the host, or leaves anything behind.
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { after, test } from "node:test";
import { envModule, userModule, wasiModule } from "#plugin-sdk/abi.ts";
import { HostError } from "#manifests/errors.ts";
import { prepare } from "#runtime/sandbox/module/prepare.ts";
import { type ApartOptions, type PrepareJob, prepareApart } from "#runtime/sandbox/preparer.ts";
import { startProcess } from "#runtime/sandbox/process.ts";
import { guest, neighbor } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";
import { wat } from "#test/support/wat.ts";

const host = await openTestHost();
after(() => host[Symbol.asyncDispose]());
await installGuest(host, { id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await invoke(host, "neighbor", "answer")).value, "ok");
await answers();

const imports: PrepareJob["imports"] = {
  [envModule]: ["alloc"],
  [userModule]: ["kv_get"],
  [wasiModule]: ["proc_exit"],
};
const job: PrepareJob = { memoryPagesMax: 100, imports, schemas: [] };

async function refusal(
  bytes: Uint8Array,
  options?: ApartOptions,
): Promise<{ code: string; message: string }> {
  try {
    await prepareApart(job, bytes, options);
  } catch (error) {
    if (error instanceof HostError) return error;
    throw error;
  }
  return assert.fail("it was prepared");
}

/** What becomes of a module in this very process: a crash of the pass would be one of the test. */
function outcome(bytes: Uint8Array): string {
  try {
    prepare(bytes, { memoryPagesMax: 100, admits: () => true });
    return "ok";
  } catch (error) {
    if (error instanceof HostError) return error.code;
    throw error;
  }
}

const importing = (module: string, name: string, what: string) =>
  wat(`(module (import "${module}" "${name}" ${what}))`);

const refused: readonly (readonly [module: string, name: string, what: string])[] = [
  ["env", "emscripten_notify_memory_growth", "(func (param i32))"],
  ["extism:host/user", "shell_run", "(func (param i64) (result i64))"],
  ["extism:host/env", "memory", "(memory 1)"],
  ["convergio:meter", "yield", "(func (param i32) (result i32))"],
  ["extism:host/user", "convergio:meter", "(func (param i64) (result i64))"],
  ["wasm:js-string", "length", "(func (param externref) (result i32))"],
  ["__proto__", "toString", "(func)"],
  ["extism:host/user", "__proto__", "(func)"],
  ["wasi_snapshot_preview1", "sock_open", "(func)"],
];

test("an import that nothing provides is refused by name, our own above all", async () => {
  const all = refused.map(async ([module, name, what]) => {
    const { code, message } = await refusal(await importing(module, name, what));
    const isBuiltin = module.startsWith("wasm:");
    assert.equal(code, isBuiltin ? "MODULE_FEATURE_REFUSED" : "IMPORT_REFUSED", module);
    assert.ok(isBuiltin || message.includes(`${module}.${name}`), message);
  });
  await Promise.all(all);
});

test("a function of the environment with another type cannot be linked, and ends no runner", async () => {
  const module = await wat(`(module
    (import "extism:host/env" "alloc" (func $alloc (param f64) (result v128)))
    (func (export "run") (drop (call $alloc (f64.const 1)))))`);
  const outcome = await codeOf(
    installGuest(host, { id: "mistyped", module }).then(() => invoke(host, "mistyped", "run")),
  );
  assert.ok(["INIT_FAILED", "IMPORT_REFUSED"].includes(outcome), outcome);
  await answers();
});

test("a module cut anywhere, or with any of its bytes changed, is prepared or refused in words", async () => {
  const whole = await wat(guest({ body: '(func (export "run") (call $ok))' }));
  for (let at = 0; at < whole.length; at++) {
    assert.match(outcome(whole.subarray(0, at)), /^(?:ok|MODULE_INVALID)$/);
    for (const value of [0, 0x7f, 0x80, 0xff, (whole[at] ?? 0) ^ 1])
      assert.match(outcome(whole.with(at, value)), /^(?:ok|MODULE_[A-Z_]+)$/);
  }
});

test("sections that lie about their length, number or order are refused", async () => {
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const lies = [
    [...head, 1, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [...head, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [...head, 10, 6, 0xff, 0xff, 0xff, 0xff, 0x0f, 0],
    [...head, 0, 3, 0xff, 0xff, 0x7f],
    [...head, 3, 2, 1, 0, 1, 4, 1, 0x60, 0, 0],
    [...head, 1, 1, 0, 1, 1, 0],
  ];
  for (const bytes of lies)
    assert.match(outcome(Uint8Array.from(bytes)), /^MODULE_(?:INVALID|TOO_LARGE)$/);
  const component = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
  assert.equal(outcome(component), "MODULE_FEATURE_REFUSED");
});

test("a module above 64 MiB is refused, as one whose metered form is too long for a frame", async () => {
  const bytes = new Uint8Array(64 * 1024 ** 2 + 9);
  bytes.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  assert.equal((await refusal(bytes)).code, "MODULE_TOO_LARGE");
  assert.equal((await refusal(new Uint8Array(100 * 1024 ** 2))).code, "MODULE_TOO_LARGE");
  await answers();
});

test("a process that takes too long over a module is killed, and the module refused", async () => {
  const children: ChildProcess[] = [];
  const start = (): ChildProcess => {
    const child = startProcess("preparer-main.ts", 64);
    child.kill("SIGSTOP");
    children.push(child);
    return child;
  };
  const { code } = await refusal(await wat("(module)"), { limitMs: 200, start });
  assert.equal(code, "PREPARE_TIMEOUT");
  assert.equal(children[0]?.signalCode, "SIGKILL");
  await answers();
});

const preparers: Readonly<Record<string, string>> = {
  "dies at once": "process.abort()",
  "says nothing": "process.exit(0)",
  "writes no frames": "process.stdout.write(Buffer.alloc(100, 255))",
  "writes an empty frame": "process.stdout.write(Buffer.from([1, 0, 0, 0, 22]))",
  "writes no JSON": "process.stdout.write(Buffer.from([8, 0, 0, 0, 22, 3, 0, 0, 0, 91, 91, 91]))",
  "writes half a frame":
    "process.stdout.write(Buffer.from([200, 0, 0, 0, 22, 1])); process.exit(0)",
  "writes without end":
    "setInterval(() => process.stdout.write(Buffer.alloc(1e6, 255)), 1); process.stdout.write('x')",
};

for (const [what, program] of Object.entries(preparers))
  test(`a module that makes its preparer one that ${what} is refused in words`, async () => {
    const start = () =>
      spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "pipe"] });
    const { code, message } = await refusal(await wat("(module)"), { start });
    assert.equal(code, "MODULE_INVALID");
    assert.match(message, /broke the process/);
    await answers();
  });

test("a refused module leaves no plugin behind, and what was installed before answers", async () => {
  const before = host.host.plugins.list();
  const module = await importing("extism:host/user", "shell_run", "(func)");
  const manifest = { provides: { tools: [] } };
  assert.equal(await codeOf(installGuest(host, { id: "refused", module })), "IMPORT_REFUSED");
  const withManifest = installGuest(host, { id: "neighbor", module, manifest });
  assert.equal(await codeOf(withManifest), "IMPORT_REFUSED");
  assert.deepEqual(host.host.plugins.list(), before);
  assert.equal(await codeOf(invoke(host, "refused", "run")), "PLUGIN_NOT_FOUND");
  await answers();
});
