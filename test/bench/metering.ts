import { prepare } from "#runtime/sandbox/module/prepare.ts";
import { buildKernels, type Kernel } from "./kernels.ts";
import type { Row } from "./table.ts";

const rounds = 15;
/** Fuel for one refill: few enough refills that only the checks are measured. */
const refill = 1_000_000_000;

/** What the fuel checks cost: the same kernels metered and unmetered, one after the other. */
export async function metering(): Promise<readonly Row[]> {
  const kernels = await buildKernels();
  const ratios = kernels.map((kernel) => ({ name: kernel.name, ratio: ratioOf(kernel) }));
  const mean = Math.exp(
    ratios.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / ratios.length,
  );
  const worst = Math.max(...ratios.map(({ ratio }) => ratio));
  const rows = ratios.map(({ name, ratio }) => ({
    what: `metering, ${name}`,
    ours: `${ratio.toFixed(2)} of the time`,
    beside: "unmetered",
    figure: ratio.toFixed(2),
    bar: "none above 1.5",
    ok: ratio <= 1.5,
  }));
  const all: Row = {
    what: "metering, geometric mean",
    ours: `${mean.toFixed(2)} of the time`,
    beside: "unmetered",
    figure: `worst ${worst.toFixed(2)}`,
    bar: "under 1.15",
    ok: mean < 1.15,
  };
  return [...rows, all];
}

function ratioOf({ wasm }: Kernel): number {
  const { metered } = prepare(wasm, { memoryPagesMax: 1_000, admits: () => true });
  const plain = runnerOf(wasm);
  const own = runnerOf(metered);
  const times = { plain: [] as number[], own: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.plain.push(timeOf(plain));
    times.own.push(timeOf(own));
  }
  return Math.min(...times.own) / Math.min(...times.plain);
}

function runnerOf(wasm: Uint8Array): () => unknown {
  const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
  const phase = new WebAssembly.Global({ value: "i32", mutable: true }, 0);
  const meter = { phase, charge: () => refill, yield: () => refill, grow: () => 1 };
  const env = { abort: () => undefined };
  const { exports } = new WebAssembly.Instance(module, { "convergio:meter": meter, env });
  return exports["run"] as () => unknown;
}

function timeOf(run: () => unknown): number {
  const startedAt = performance.now();
  run();
  return performance.now() - startedAt;
}
