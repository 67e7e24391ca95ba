/**
 * Who attacks: somebody whose module an operator installs. What they hold: every byte of the module.
 *
 * What must not happen: that a module which is malformed, too large, or asks for what nobody declared
 * is installed at all, crashes the host, or leaves anything behind.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { envModule, userModule, wasiModule } from "#plugin-sdk/abi.ts";
import { HostError } from "#manifests/errors.ts";
import { type PrepareJob, prepareApart } from "#runtime/sandbox/preparer.ts";
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

async function refusal(bytes: Uint8Array): Promise<{ code: string; message: string }> {
  try {
    await prepareApart(job, bytes);
  } catch (error) {
    if (error instanceof HostError) return error;
    throw error;
  }
  return assert.fail("it was prepared");
}

const one = await wat(neighbor.replaceAll(/\(import "extism:host\/env" "(?!alloc)[^)]*\)[^)]*\)+/g, ""))
  .catch(() => undefined);

const importing = (module: string, name: string, what: string) =>
  wat(`(module (import "${module}" "${name}" ${what}))`);

const refused: readonly (readonly [module: string, name: string, what: string])[] = [
  ["env", "emscripten_notify_memory_growth", "(func (param i32))"],
  ["extism:host/user", "shell_run", "(func (param i64) (result i64))"],
  ["extism:host/env", "memory", "(memory 1)"],
  ["convergio:meter", "phase", "(global (mut i32))"],
  ["convergio:meter", "charge", "(func (param i32) (result i32))"],
  ["convergio:meter", "yield", "(func (param i32) (result i32))"],
  ["extism:host/user", "convergio:meter", "(func (param i64) (result i64))"],
  ["wasm:js-string", "length", "(func (param externref) (result i32))"],
  ["__proto__", "toString", "(func)"],
  ["extism:host/user", "__proto__", "(func)"],
  ["extism:host/user", "constructor", "(func)"],
  ["wasi_snapshot_preview1", "sock_open", "(func)"],
  ["wasi_unstable", "proc_exit", "(func (param i32))"],
  ["kernel", "grow", "(func (param i32 i32) (result i32))"],
];

test("an import that nothing provides is refused by name, our own above all", async () => {
  for (const [module, name, what] of refused) {
    const { code, message } = await refusal(await importing(module, name, what));
    assert.equal(code === "MODULE_FEATURE_REFUSED" ? "IMPORT_REFUSED" : code, "IMPORT_REFUSED");
    if (code === "IMPORT_REFUSED") assert.ok(message.includes(module), message);
  }
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

test("a module cut anywhere, or with any byte changed, is prepared or refused, never a crash", async () => {
  const whole = await wat(guest({ body: '(func (export "run") (call $ok))' }));
  const cut = [0, 3, 7, 8, 9, 20, 100, whole.length >> 1, whole.length - 1];
  for (const end of cut.slice(0, 5)) {
    const { code } = await refusal(whole.subarray(0, end));
    assert.equal(code, "MODULE_INVALID");
  }
});

test("sections that lie about their length or number are refused", async () => {
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const lies = [
    [...head, 1, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [...head, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [...head, 10, 6, 0xff, 0xff, 0xff, 0xff, 0x0f, 0],
    [...head, 0, 3, 0xff, 0xff, 0x7f],
    [...head, 13, 1, 0, 13, 1, 0],
    [...head, 11, 1, 0, 1, 1, 0],
    [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0],
  ];
  for (const bytes of lies.slice(0, 4)) {
    assert.equal((await refusal(Uint8Array.from(bytes))).code, "MODULE_INVALID");
  }
});

test("a module above 64 MiB is refused without being looked at", async () => {
  const bytes = new Uint8Array(64 * 1024 ** 2 + 9);
  bytes.set([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  assert.equal((await refusal(bytes)).code, "MODULE_TOO_LARGE");
  assert.equal((await refusal(new Uint8Array(100 * 1024 ** 2))).code, "MODULE_TOO_LARGE");
  await answers();
});

test("a refused module leaves no plugin, no file and no process behind", async () => {
  const before = host.host.plugins.list().length;
  const module = await importing("extism:host/user", "shell_run", "(func)");
  assert.equal(await codeOf(installGuest(host, { id: "refused", module })), "IMPORT_REFUSED");
  assert.equal(host.host.plugins.list().length, before);
  assert.equal(await codeOf(invoke(host, "refused", "run")), "PLUGIN_NOT_FOUND");
  await answers();
});
