import assert from "node:assert/strict";
import { after, test } from "node:test";
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

async function install(id: string, body: string, data = ""): Promise<string> {
  const manifest = {
    provides: { tools: [{ name: "seen", encoding: "text" }] },
    uses: { kv: { quota: "1MiB", reason: "remember" } },
    lifecycle: { load: "on_load" },
    instances: "warm",
  };
  const path = await writeFolder(home, id, manifest, loading(body, data));
  return codeOf(installFrom(home, path));
}

test("a hook has no host functions: nobody's grants are spent on it", async () => {
  const request = '{"key":"a","value":"b"}';
  const body = `
    (call $log_info (call $kv_set (call $block (i32.const 1024) (i32.const ${request.length}))))
    (i32.const 0)`;
  assert.equal(await install("asks", body, request), "ok");
  const [line] = await home.host.plugins.logs("local/asks", 10);
  assert.match(line?.text ?? "", /NOT_IN_A_CALL/);
  assert.deepEqual(await home.host.auditQuery({ kind: "effect", limit: 10 }), []);
});

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
