import { wat } from "#test/support/wat.ts";
import { createSandbox } from "./sandbox.ts";
import type { Row } from "./table.ts";

const tries = 25;
const deadlineMs = 40;
const spinning = '(module (memory (export "memory") 1) (func (export "spin") (loop $l (br $l))))';
const starting = `(module (func $s (loop $l (br $l))) (start $s) (func (export "spin")))`;

/** How late a guest is stopped that never ends, in an export and in its start section. */
export async function stop(): Promise<readonly Row[]> {
  using sandbox = createSandbox();
  const tool = { export: "spin", encoding: "text" } as const;
  const load = async (text: string, plugin: string) =>
    sandbox.load({ wasm: await wat(text), tool, instances: "fresh", plugin });
  const ask = { input: Buffer.from('""'), deadlineMs, fuel: 1e15 };
  const spin = await load(spinning, "spin");
  const late: number[] = [];
  for (let turn = 0; turn < tries; turn++) {
    const startedAt = performance.now();
    await spin.call(ask);
    late.push(performance.now() - startedAt - deadlineMs);
  }
  const start = await load(starting, "start");
  const starts: number[] = [];
  for (let turn = 0; turn < tries; turn++) {
    const startedAt = performance.now();
    await start.call({ ...ask, deadlineMs: 1_000 });
    starts.push(performance.now() - startedAt);
  }
  const row = (what: string, worst: number, bar: number): Row => ({
    what,
    ours: `${worst.toFixed(1)} ms`,
    beside: `a limit, worst of ${tries}`,
    figure: "worst",
    bar: `within ${bar} ms`,
    ok: worst <= bar,
  });
  return [
    row("endless loop, stopped after its deadline", Math.max(...late), 10),
    row("endless loop in a start section, stopped", Math.max(...starts), 50),
  ];
}
