/**
 * Who attacks: the author of a plugin with a granted capability. What they hold: every byte of the
 * requests to its functions, and the handles of the blocks beside them.
 *
 * What must not happen: that a request means one thing to who checks it and another to who serves it,
 * that a handle reaches what is no block of this guest, that the host does more work than was paid.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { guest, neighbor, userImport } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost, runnerPids } from "#test/support/host.ts";

const host = await openTestHost({ settings: { "runners.share": "true" } });
after(() => host[Symbol.asyncDispose]());
await installGuest(host, { id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await invoke(host, "neighbor", "answer")).value, "ok");
await answers();
const before = runnerPids();

const names = ["set", "get", "list", "huge", "nothing", "inside", "freed", "twice"];
await installGuest(host, {
  id: "asker",
  module: guest({
    imports: ["kv_set", "kv_get", "kv_list"].map(userImport).join(" "),
    body: `(func (export "set") (call $giveBack (call $kv_set (call $input_offset))))
      (func (export "get") (call $giveBack (call $kv_get (call $input_offset))))
      (func (export "list") (call $giveBack (call $kv_list (call $input_offset))))
      (func (export "huge") (call $giveBack (call $kv_set (call $alloc (i64.const 1048577)))))
      (func (export "nothing") (call $giveBack (call $kv_set (i64.const 0))))
      (func (export "inside") (call $giveBack
        (call $kv_set (i64.add (call $input_offset) (i64.const 1)))))
      (func (export "freed") (local $block i64) (local.set $block (call $input_offset))
        (call $free (local.get $block)) (call $giveBack (call $kv_set (local.get $block))))
      (func (export "twice") (local $first i64)
        (local.set $first (call $kv_get (call $input_offset)))
        (call $store_u8 (local.get $first) (i32.const 0))
        (call $giveBack (call $kv_get (call $input_offset))))`,
  }),
  manifest: {
    provides: { tools: names.map((name) => ({ name, description: "Asks", encoding: "text" })) },
    uses: { kv: { quota: "1MiB" } },
    limits: { timeout: "5s" },
  },
});

interface Said {
  readonly ok?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}
const say = async (tool: string, text: string): Promise<Said> =>
  (await invoke(host, "asker", tool, text)).value as Said;

const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
const hostile: Readonly<Record<string, string>> = {
  "a key twice": '{"key":"a","key":"b","value":"v"}',
  "a key twice, once with an escape": '{"key":"a","k\\u0065y":"b","value":"v"}',
  "the key __proto__": '{"key":"a","value":"v","__proto__":{"ttl":1}}',
  "the key __proto__ with an escape": '{"key":"a","value":"v","\\u005f_proto__":{"ttl":1}}',
  "an unknown key": '{"key":"a","value":"v","constructor":1}',
  "a wrong type": '{"key":["a"],"value":"v"}',
  "an endless key": `{"key":"${"k".repeat(513)}","value":"v"}`,
  "a number beyond a double": '{"key":"a","value":"v","ttl":1e999}',
  "a fraction of a second": '{"key":"a","value":"v","ttl":0.5}',
  "a negative time": '{"key":"a","value":"v","ttl":-1}',
  "ten thousand levels": `{"key":"a","value":${deep}}`,
  "half a character": '{"key":"\\ud800","value":"v"}',
  "no object": '"kv"',
  "no JSON": "{key:'a'}",
  nothing: " ",
  "two values": '{"key":"a","value":"v"}{}',
  "a comment": '{"key":"a",/**/"value":"v"}',
  "a list of values without end": `{"key":"a","value":[${"0,".repeat(500_000)}0]}`,
};

for (const [what, text] of Object.entries(hostile))
  test(`a request with ${what} is refused in words, and nothing is kept`, async () => {
    const { error, ok } = await say("set", text);
    assert.equal(ok, undefined);
    assert.match(error?.code ?? "", /^(?:HOST_REQUEST_INVALID|JSON_INVALID|REQUEST_INVALID)$/);
    assert.deepEqual(await say("list", "{}"), { ok: { keys: [], cursor: null } });
    await answers();
  });

const handles: Readonly<Record<string, string>> = {
  "seventeen blocks": `{"key":"a","blocks":[${Array(17).fill('"128"').join(",")}]}`,
  "a handle that is none": '{"key":"a","blocks":["64"]}',
  "a handle inside a block": '{"key":"a","blocks":["129"]}',
  "a negative handle": '{"key":"a","blocks":[-128]}',
  "a handle beyond 32 bits": '{"key":"a","blocks":["4294967424"]}',
  "a handle of a fraction": '{"key":"a","blocks":[128.5]}',
  "a handle that is an object": '{"key":"a","blocks":[{"toString":1}]}',
  "blocks that are no list": '{"key":"a","blocks":"128"}',
  "blocks twice": '{"key":"a","blocks":["128"],"blocks":["128"]}',
  "blocks spelled with an escape": '{"key":"a","block\\u0073":["128"]}',
};

for (const [what, text] of Object.entries(handles))
  test(`a request with ${what} is refused in words`, async () => {
    const { error, ok } = await say("set", text);
    assert.equal(ok, undefined);
    assert.match(error?.code ?? "", /^(?:HOST_REQUEST_INVALID|JSON_INVALID|REQUEST_INVALID)$/);
    await answers();
  });

for (const tool of ["huge", "nothing", "inside", "freed"])
  test(`a request whose own block is wrong (${tool}) is refused in words`, async () => {
    const { error } = await say(tool, '{"key":"a","value":"v"}');
    assert.match(error?.code ?? "", /^(?:JSON_INVALID|REQUEST_INVALID)$/);
    await answers();
  });

test("a block that is the request itself is kept as bytes, and comes back as they were", async () => {
  const request = '{"key":"self","blocks":["128"]}';
  assert.deepEqual(await say("set", request), { ok: { set: true } });
  assert.deepEqual(await say("get", '{"key":"self"}'), { ok: { value: request } });
});

test("an answer is the guest's own copy: writing on it changes no later one", async () => {
  await say("set", '{"key":"self","value":"kept"}');
  assert.deepEqual(await say("twice", '{"key":"self"}'), { ok: { value: "kept" } });
});

test("a quota holds against many small values, and against one that is too large", async () => {
  const large = JSON.stringify({ key: "large", value: "x".repeat(1_000_000) });
  assert.equal((await say("set", large)).error?.code, undefined);
  assert.equal((await say("set", large.replace("large", "other"))).error?.code, "KV_FULL");
  await answers();
});

test("an input nested ten thousand times reaches the guest or is refused, and ends nothing else", async () => {
  const json = `{"tool":"echo","input":${deep}}`;
  for (const input of [deep, json]) {
    const plugin = "local/asker";
    const call = host.host.call({ caller: owner, plugin, tool: "set", input: { json: input } });
    assert.match(await codeOf(call), /^INPUT_INVALID$/);
  }
  await answers();
  assert.deepEqual(runnerPids(), before);
});
