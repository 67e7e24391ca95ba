import { readFile } from "node:fs/promises";
import { wat } from "#test/support/wat.ts";
import { createSandbox } from "./sandbox.ts";
import { quantile, type Row } from "./table.ts";

const calls = 4_000;

/** What a new instance and its first call cost, one after the other, pipe there and back included. */
export async function fresh(): Promise<readonly Row[]> {
  const wasm = await wat(await readFile(new URL("guests/vowels.wat", import.meta.url), "utf8"));
  using sandbox = createSandbox();
  const tool = { export: "count_vowels", encoding: "text" } as const;
  const plugin = await sandbox.load({ wasm, tool, instances: "fresh" });
  const input = Buffer.from('"hello, world"');
  for (let call = 0; call < calls / 4; call++) await plugin.call({ input });
  const times: number[] = [];
  for (let call = 0; call < calls; call++) {
    const startedAt = performance.now();
    await plugin.call({ input });
    times.push(performance.now() - startedAt);
  }
  const mean = times.reduce((sum, ms) => sum + ms, 0) / calls;
  const p99 = quantile(times, 0.99);
  const what = "fresh instance and first call, small guest, one at a time";
  const beside = "a limit, pipe included";
  return [
    {
      what,
      ours: `${mean.toFixed(3)} ms`,
      beside,
      figure: "mean",
      bar: "under 0.25 ms",
      ok: mean < 0.25,
    },
    { what, ours: `${p99.toFixed(3)} ms`, beside, figure: "p99", bar: "under 1 ms", ok: p99 < 1 },
  ];
}
