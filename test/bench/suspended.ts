import { setTimeout as sleep } from "node:timers/promises";
import { residentBytes } from "#runtime/sandbox/caps.ts";
import { wat } from "#test/support/wat.ts";
import { createSandbox } from "./sandbox.ts";
import type { Row } from "./table.ts";

const calls = 5_000;

const guest = `(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/user" "bench_wait" (func $wait (param i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "wait") (local $block i64)
    (local.set $block (call $alloc (i64.const 2)))
    (call $store (local.get $block) (i32.const 123))
    (call $store (i64.add (local.get $block) (i64.const 1)) (i32.const 125))
    (drop (call $wait (local.get $block)))))`;

/** What a call costs that waits in a host function, and whether all of them go on. */
export async function suspended(): Promise<readonly Row[]> {
  using sandbox = createSandbox();
  const gate = Promise.withResolvers<void>();
  const asked = { count: 0 };
  const plugin = await sandbox.load({
    wasm: await wat(guest),
    tool: { export: "wait", encoding: "text" },
    instances: "fresh",
    ask: async () => {
      asked.count += 1;
      await gate.promise;
      return { json: Buffer.from('{"ok":null}'), blocks: [] };
    },
  });
  const pid = sandbox.fleet.runners[0]?.pid ?? 0;
  const before = residentBytes(pid) ?? 0;
  const ask = { input: Buffer.from('""'), deadlineMs: 120_000 };
  const running = Array.from({ length: calls }, () => plugin.call(ask));
  for (let tries = 0; asked.count < calls && tries < 600; tries++) await sleep(50);
  const each = ((residentBytes(pid) ?? 0) - before) / calls / 1024;
  const waiting = asked.count;
  gate.resolve();
  const resumed = (await Promise.all(running)).filter(({ ok }) => ok).length;
  return [
    {
      what: `${calls} calls suspended in a host function, one runner`,
      ours: `${waiting} waited, ${resumed} went on`,
      beside: "a limit, RSS of the runner",
      figure: `${each.toFixed(1)} KiB each`,
      bar: "under 64 KiB, all",
      ok: each < 64 && resumed === calls,
    },
  ];
}
