import { execFile } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A program that works for some milliseconds when its `run` is called. */
export interface Kernel {
  readonly name: string;
  readonly wasm: Uint8Array;
}

const names = ["sha256", "matmul", "csv", "lz"];
const root = fileURLToPath(new URL("../../", import.meta.url));

/** Compiles the kernels, written in AssemblyScript, as a plugin's author would. */
export async function buildKernels(): Promise<readonly Kernel[]> {
  await mkdir(`${root}build/bench`, { recursive: true });
  const kernels: Kernel[] = [];
  for (const name of names) {
    const target = `${root}build/bench/${name}.wasm`;
    await promisify(execFile)(process.execPath, [
      `${root}node_modules/assemblyscript/bin/asc.js`,
      `${root}test/bench/assembly/${name}.ts`,
      ...["-o", target, "-O3", "--runtime", "stub", "--noAssert"],
    ]);
    kernels.push({ name, wasm: await readFile(target) });
  }
  return kernels;
}
