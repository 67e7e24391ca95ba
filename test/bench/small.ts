import { readFile } from "node:fs/promises";
import { createPlugin } from "@extism/extism";
import { wat } from "#test/support/wat.ts";
import { createSandbox } from "./sandbox.ts";
import { microseconds, median, type Row } from "./table.ts";

const text = "hello, world";
const input = Buffer.from(JSON.stringify(text));
const rounds = 5;
const calls = 40_000;
const freshCalls = 8_000;
/** Worker mode is that much slower; and each plugin of it slows down after some thousands of calls. */
const workerCalls = 3_000;
const workers = 4;
const inFlight = 32;

/** How a small call stands to the Extism SDK, with its protection and without. */
export async function small(): Promise<readonly Row[]> {
  const wasm = await wat(await readFile(new URL("guests/vowels.wat", import.meta.url), "utf8"));
  using sandbox = createSandbox();
  const tool = { export: "count_vowels", encoding: "text" } as const;
  const warm = await sandbox.load({ wasm, tool, instances: "warm" });
  const fresh = await sandbox.load({ wasm, tool, instances: "fresh", plugin: "fresh" });
  const source = { wasm: [{ data: wasm }] };
  const foreground = await createPlugin(source, {});
  const threads = await Promise.all(
    Array.from({ length: workers }, () => createPlugin(source, { runInWorker: true })),
  );
  const spare = [...threads];
  const figures = {
    warm: [] as number[],
    fresh: [] as number[],
    front: [] as number[],
    worker: [] as number[],
  };
  for (let round = 0; round < rounds; round++) {
    figures.warm.push(await microseconds(calls, inFlight, () => warm.call({ input })));
    figures.front.push(await microseconds(calls, 1, () => foreground.call("count_vowels", text)));
    figures.fresh.push(await microseconds(freshCalls, inFlight, () => fresh.call({ input })));
    figures.worker.push(
      await microseconds(workerCalls, workers, async () => {
        const plugin = spare.pop();
        await plugin?.call("count_vowels", text);
        if (plugin) spare.push(plugin);
      }),
    );
  }
  await Promise.all([foreground, ...threads].map((plugin) => plugin.close()));
  const own = {
    warm: Math.min(...figures.warm.slice(1)),
    fresh: Math.min(...figures.fresh.slice(1)),
  };
  const peer = { front: Math.min(...figures.front.slice(1)), worker: median(figures.worker) };
  const row = (what: string, ours: number, beside: string, theirs: number, bar: number): Row => ({
    what,
    ours: `${ours.toFixed(1)} µs`,
    beside: `${beside} ${theirs.toFixed(1)} µs`,
    figure: `${(theirs / ours).toFixed(2)} times`,
    bar: `at least ${bar}`,
    ok: theirs / ours >= bar,
  });
  return [
    row("small call, runner, warm, 32 in flight", own.warm, "Extism worker mode", peer.worker, 50),
    row("small call, runner, warm, 32 in flight", own.warm, "Extism foreground", peer.front, 1),
    row("small call, runner, fresh, 32 in flight", own.fresh, "Extism worker mode", peer.worker, 5),
  ];
}
