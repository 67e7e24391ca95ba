import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { wat } from "#test/support/wat.ts";
import { createSandbox } from "./sandbox.ts";
import { quantile, type Row } from "./table.ts";

const spinners = 50;
const calls = 300;
const everyMs = 10;

/** What fifty busy calls of one plugin do to another plugin in the same runner. */
export async function fairness(): Promise<readonly Row[]> {
  const vowels = await readFile(new URL("guests/vowels.wat", import.meta.url), "utf8");
  const text = '(module (memory (export "memory") 1) (func (export "spin") (loop $l (br $l))))';
  using sandbox = createSandbox();
  const busy = await sandbox.load({
    wasm: await wat(text),
    tool: { export: "spin", encoding: "text" },
    instances: "fresh",
    plugin: "busy",
  });
  const measured = await sandbox.load({
    wasm: await wat(vowels),
    tool: { export: "count_vowels", encoding: "text" },
    instances: "warm",
    plugin: "measured",
  });
  const input = Buffer.from('"hello, world"');
  await measured.call({ input });
  const deadlineMs = calls * everyMs + 2_000;
  const ask = { input: Buffer.from('""'), deadlineMs, fuel: 1e15 };
  const spinning = Array.from({ length: spinners }, () => busy.call(ask));
  await sleep(200);
  const times: number[] = [];
  const timed = async () => {
    const startedAt = performance.now();
    await measured.call({ input });
    times.push(performance.now() - startedAt);
  };
  const asked: Promise<void>[] = [];
  for (let call = 0; call < calls; call++) {
    asked.push(timed());
    await sleep(everyMs);
  }
  await Promise.all([...asked, ...spinning]);
  const p99 = quantile(times, 0.99);
  return [
    {
      what: `${spinners} spinning calls of another plugin in the runner, 100 calls/s`,
      ours: `${p99.toFixed(1)} ms`,
      beside: "a limit",
      figure: "p99",
      bar: "under 20 ms",
      ok: p99 < 20,
    },
  ];
}
