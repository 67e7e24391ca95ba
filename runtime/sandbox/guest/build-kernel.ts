import { mkdir, readFile, writeFile } from "node:fs/promises";
import wabtInit from "wabt";

/**
 * Writes `build/kernel.wasm` from `kernel.wat`, so that no binary is committed.
 *
 * Run by `make build/kernel.wasm`: `node runtime/sandbox/guest/build-kernel.ts`.
 */
async function buildKernel(): Promise<void> {
  const wabt = await wabtInit();
  const text = await readFile(new URL("kernel.wat", import.meta.url), "utf8");
  const module = wabt.parseWat("kernel.wat", text, { bulk_memory: true });
  const { buffer } = module.toBinary({ write_debug_names: true });
  const target = new URL("../../../build/kernel.wasm", import.meta.url);
  await mkdir(new URL(".", target), { recursive: true });
  await writeFile(target, buffer);
}

await buildKernel();
