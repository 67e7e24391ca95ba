import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { AuditRecord } from "#manifests/audit.ts";
import { guest, userImport } from "#test/support/guests.ts";
import { codeOf, invoke, openTestHost } from "#test/support/host.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());

/** A guest whose load hook does something, and logs what came of it. */
function loading(body: string, data = ""): string {
  return guest({
    imports: userImport("kv_set"),
    data,
    body: `(global $seen (mut i32) (i32.const 0))
      (func (export "on_load") (result i32) ${body})
      (func (export "seen") (call $say (i32.const 1016) (select (i32.const 2) (i32.const 0) (global.get $seen))))`,
  });
}

async function install(
  id: string,
  body: string,
  data = "",
  uses: object = { kv: { quota: "1MiB", reason: "remember" } },
): Promise<string> {
  const manifest = {
    provides: { tools: [{ name: "seen", encoding: "text" }] },
    uses,
    lifecycle: { load: "on_load" },
    instances: "warm",
  };
  const path = await writeFolder(home, id, manifest, loading(body, data));
  return codeOf(installFrom(home, path));
}

const request = '{"key":"a","value":"b"}';
const asking = `
  (call $log_info (call $kv_set (call $block (i32.const 1024) (i32.const ${request.length}))))
  (i32.const 0)`;

test("a load hook asks the host under the grants of its version, as a call of whoever installed it", async () => {
  assert.equal(await install("asks", asking, request), "ok");
  const [line] = await home.host.plugins.logs("local/asks", 10);
  assert.equal(line?.text, '{"ok":{"set":true}}');
  const [call] = await records("call", "local/asks");
  assert.partialDeepStrictEqual(call, { tool: "(load)", owner: "owner", decision: "allowed" });
  const [effect] = await records("effect", "local/asks");
  assert.partialDeepStrictEqual(effect, {
    act: "kv_set",
    decision: "allowed",
    callId: call?.callId,
    owner: "owner",
  });
});

test("a load hook without a grant is refused as a call is, and the refusal is recorded", async () => {
  assert.equal(await install("poor", asking, request, {}), "ok");
  const [line] = await home.host.plugins.logs("local/poor", 10);
  assert.match(line?.text ?? "", /CAPABILITY_DENIED/);
  const [effect] = await records("effect", "local/poor");
  assert.partialDeepStrictEqual(effect, { act: "kv_set", decision: "denied" });
});

test("a hook may ask the host a hundred times and no more", async () => {
  const body = `(local $left i32)
    (local.set $left (i32.const 100))
    (loop $again
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (drop (call $kv_set (call $block (i32.const 1024) (i32.const ${request.length}))))
      (br_if $again (local.get $left)))
    ${asking}`;
  assert.equal(await install("greedy", body, request), "ok");
  const effects = await records("effect", "local/greedy");
  assert.equal(effects.length, 100);
  const [line] = await home.host.plugins.logs("local/greedy", 1);
  assert.match(line?.text ?? "", /HOST_CALLS_EXHAUSTED/);
});

async function records(kind: string, plugin: string): Promise<readonly AuditRecord[]> {
  return (await home.host.auditQuery({ kind, plugin, limit: 1_000 })) as AuditRecord[];
}

test("a hook runs in an instance of its own: calls see nothing of it", async () => {
  assert.equal(await install("alone", "(global.set $seen (i32.const 1)) (i32.const 0)"), "ok");
  assert.equal((await invoke(home, "alone", "seen", "")).value, "");
});

for (const [what, body] of [
  ["returns something else than 0", "(i32.const 7)"],
  ["traps", "unreachable"],
  ["says an error", "(call $error_set (call $block (i32.const 1016) (i32.const 2))) (i32.const 0)"],
  ["never ends", "(loop $again (br $again)) (i32.const 0)"],
] as const)
  test(`a hook that ${what} refuses the version`, async () => {
    assert.equal(await install("refuses", body), "HOOK_FAILED");
    assert.throws(() => home.host.plugins.info("local/refuses"), { code: "PLUGIN_NOT_FOUND" });
  });
