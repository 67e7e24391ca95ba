import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "#runtime/sandbox/guest/user.ts";
import { HostError } from "#manifests/errors.ts";
import { type TestGuest, testGuest, testKernel } from "./harness.ts";

const module = await testKernel();

/** Copies its input into a block, asks `f` with it, and outputs the answer's block. */
const asking = `(module
  (import "extism:host/env" "input_offset" (func $input (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/user" "f" (func $f (param i64) (result i64)))
  (func $answer (param i64) (call $output (local.get 0) (call $length (local.get 0))))
  (func (export "ask") (call $answer (call $f (call $input))))
  (func (export "ask_bogus") (call $answer (call $f (i64.const 5))))
  (func (export "ask_null") (call $answer (call $f (i64.const 0))))
  (func (export "ask_long") (call $answer (call $f (call $alloc (i64.const 1048577)))))
  (func (export "ask_caught") (result i32)
    (try (result i32) (do (drop (call $f (call $input))) (i32.const 1)) (catch_all (i32.const 2))))
  (func (export "block_large") (drop (call $alloc (i64.const 5000000)))
    (call $answer (call $f (call $input))))
  (func (export "block") (result i32) (local $b i64)
    ;; The first block after the input is at a multiple of 64; its first byte is "A".
    (local.set $b (call $alloc (i64.const 3)))
    (call $store (local.get $b) (i32.const 65))
    (call $answer (call $f (call $input))) (i32.const 0)))`;

async function guestOf(
  answer: (request: Message) => Message | Promise<Message>,
): Promise<{ guest: TestGuest; asked: Message[] }> {
  const asked: Message[] = [];
  const f = async (request: Message) => {
    asked.push(request);
    return await answer(request);
  };
  return { guest: await testGuest(module, asking, { user: { f } }), asked };
}

const json = (text: string, blocks: readonly Uint8Array[] = []): Message => ({
  json: Buffer.from(text),
  blocks,
});

async function textOf(guest: TestGuest, name: string, input: string): Promise<string> {
  const ended = await guest.call(name, input);
  assert.ok("output" in ended, JSON.stringify(ended));
  return ended.output.toString();
}

test("userFunction() answers in a new block, never the argument's", async () => {
  const { guest, asked } = await guestOf((request) => request);
  assert.equal(await textOf(guest, "ask", '{"a":1}'), '{"a":1}');
  assert.equal(Buffer.from(asked[0]?.json ?? []).toString(), '{"a":1}');
  const { input_offset: input } = guest.kernel.guest as { input_offset: () => bigint };
  assert.equal(guest.kernel.length(input()), 7, "the argument is still the guest's");
  assert.ok(guest.chargedBytes() >= 14);
});

test("userFunction() answers a bogus handle and a long JSON to the guest, and does not ask", async () => {
  const { guest, asked } = await guestOf((request) => request);
  for (const name of ["ask_bogus", "ask_null"])
    assert.equal(
      await textOf(guest, name, "{}"),
      '{"error":{"code":"REQUEST_INVALID","message":"the argument is not the handle of a block"}}',
    );
  assert.match(await textOf(guest, "ask_long", "{}"), /REQUEST_INVALID.*1048577 bytes/);
  assert.equal(asked.length, 0);
});

test("userFunction() reads the blocks that `blocks` names, as strings and as numbers", async () => {
  const { guest, asked } = await guestOf((request) => request);
  // The input takes 64 bytes from 128 on, so that the guest's block is at 192.
  await guest.call("block", '{"blocks":["192",192]}');
  assert.deepEqual(asked[0]?.blocks, [Uint8Array.of(65, 0, 0), Uint8Array.of(65, 0, 0)]);
});

const refused = [
  { request: '{"blocks":[192,193]}', says: /193 is not the handle/ },
  { request: '{"blocks":["-1"]}', says: /decimal string/ },
  { request: '{"blocks":["0x80"]}', says: /decimal string/ },
  { request: '{"blocks":[1.5]}', says: /decimal string/ },
  { request: '{"blocks":[-1]}', says: /not the handle/ },
  { request: '{"blocks":[null]}', says: /decimal string/ },
  { request: '{"blocks":[9007199254740993]}', says: /decimal string/ },
  { request: '{"blocks":["9999999999999999999"]}', says: /not the handle/ },
  { request: '{"blocks":["18446744073709551808"]}', says: /decimal string/ },
  { request: '{"blocks":["4294967488"]}', says: /not the handle/ },
  { request: '{"blocks":"192"}', says: /must be a list/ },
  { request: `{"blocks":[${Array(17).fill(192)}]}`, says: /at most 16/ },
];

test("userFunction() refuses handles that are none, without asking", async () => {
  const { guest, asked } = await guestOf((request) => request);
  for (const { request, says } of refused) {
    const answer = await textOf(guest, "block", request);
    assert.match(answer, /^\{"error":\{"code":"REQUEST_INVALID"/, request);
    assert.match(answer, says, request);
  }
  assert.equal(asked.length, 0);
});

test("userFunction() refuses more bytes than 64 MiB, also when they are the same ones again", async () => {
  const { guest, asked } = await guestOf((request) => request);
  const answer = await textOf(guest, "block_large", `{"blocks":[${Array(14).fill(256)}]}`);
  assert.match(answer, /the blocks are 70000000 bytes, at most 67108864 are allowed/);
  assert.equal(asked.length, 0);
});

test("userFunction() asks without bytes what it cannot read, for the host to refuse", async () => {
  const { guest, asked } = await guestOf(() => json("{}"));
  for (const request of [
    '{"blocks":[192]',
    '[{"blocks":[192]}]',
    '{"\\u0062locks":[192]}',
    '"blocks"',
  ])
    await guest.call("block", request);
  assert.deepEqual(
    asked.map(({ blocks }) => blocks.length),
    [0, 0, 0, 0],
  );
});

test("userFunction() puts the handles of an answer's blocks into its JSON", async () => {
  const blocks = [Buffer.from("first"), Buffer.from("second"), Buffer.alloc(0)];
  for (const [text, rest] of [
    ['{"ok":[1]}', '"ok":[1]}'],
    ["{}", "}"],
    [' { "ok" : 1 }', ' "ok" : 1 }'],
  ] as const) {
    const { guest } = await guestOf(() => json(text, blocks));
    const answer = await textOf(guest, "ask", "{}");
    assert.ok(answer.endsWith(rest), answer);
    const { blocks: handles } = JSON.parse(answer) as { blocks: string[] };
    assert.equal(handles.length, 3);
    const read = handles.map((handle) =>
      Buffer.from(guest.kernel.read(BigInt(handle)) ?? []).toString(),
    );
    assert.deepEqual(read, ["first", "second", ""]);
  }
});

test("userFunction() ends the guest for a rejection, whatever it handles", async () => {
  const fault = new HostError("INTERNAL", {});
  const { guest } = await guestOf(() => Promise.reject(fault));
  const ended = await guest.call("ask_caught", "{}");
  assert.deepEqual(ended, { code: "INTERNAL", message: fault.message });
  const bug = await guestOf(() => {
    throw new TypeError("x is not a function at /home/me");
  });
  const endedByBug = await bug.guest.call("ask_caught", "{}");
  assert.deepEqual(endedByBug, { code: "INTERNAL", message: "the host met a fault of its own" });
});

test("userFunction() ends the guest when an answer does not fit its memory", async () => {
  const guest = await testGuest(module, asking, {
    pagesMax: 4,
    user: { f: async () => json("{}", [new Uint8Array(1_000_000)]) },
  });
  const ended = await guest.call("ask_caught", "{}");
  assert.ok("code" in ended);
  assert.equal(ended.code, "MEMORY_EXHAUSTED");
});
