import { createPlugin } from "@extism/extism";
import { wat } from "#test/support/wat.ts";
import { createSandbox } from "./sandbox.ts";
import { microseconds, type Row } from "./table.ts";

const bytes = 64 * 1024;
const calls = 3_000;
const peerCalls = 300;
const rounds = 3;

/** Asks for one configuration value, and gives the input back as output, eight bytes at a time. */
const guest = `(module
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u64" (func $load (param i64) (result i64)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
  (import "extism:host/env" "config_get" (func $config (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory (export "memory") 1)
  (func (export "echo") (result i32) (local $key i64) (local $block i64) (local $at i64) (local $n i64)
    (local.set $key (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $key) (i32.const 107))
    (drop (call $config (local.get $key)))
    (local.set $n (call $length))
    (local.set $block (call $alloc (local.get $n)))
    (loop $next
      (call $store (i64.add (local.get $block) (local.get $at)) (call $load (local.get $at)))
      (local.set $at (i64.add (local.get $at) (i64.const 8)))
      (br_if $next (i64.lt_u (local.get $at) (local.get $n))))
    (call $output (local.get $block) (local.get $n))
    (i32.const 0)))`;

/** How bulk data in and out, with one host function, stands to the Extism SDK without protection. */
export async function bulk(): Promise<readonly Row[]> {
  const wasm = await wat(guest);
  using sandbox = createSandbox();
  const tool = { export: "echo", encoding: "bytes" } as const;
  const plugin = await sandbox.load({ wasm, tool, instances: "warm", config: { k: "a value" } });
  const foreground = await createPlugin({ wasm: [{ data: wasm }] }, { config: { k: "a value" } });
  const input = Buffer.alloc(bytes, 7);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await microseconds(calls, 32, () => plugin.call({ input, raw: true })));
    theirs.push(await microseconds(peerCalls, 1, () => foreground.call("echo", input)));
  }
  await foreground.close();
  const [own, peer] = [Math.min(...ours), Math.min(...theirs)];
  return [
    {
      what: "64 KiB in and out, one host function in the runner, warm, 32 in flight",
      ours: `${own.toFixed(0)} µs`,
      beside: `Extism foreground ${peer.toFixed(0)} µs`,
      figure: `${(peer / own).toFixed(2)} times`,
      bar: "at least 3",
      ok: peer / own >= 3,
    },
  ];
}
