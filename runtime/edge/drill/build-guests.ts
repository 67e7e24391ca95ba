/** Makes the modules of the drills from their texts, for whoever changed one: they are kept beside them. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import wabtInit from "wabt";

/** Returns the module of a text, without names. */
export async function assembled(text: string): Promise<Uint8Array> {
  const wabt = await wabtInit();
  const module = wabt.parseWat("guest.wat", text, { bulk_memory: true, reference_types: true });
  try {
    return new Uint8Array(module.toBinary({ write_debug_names: false }).buffer);
  } finally {
    module.destroy();
  }
}

const folder = new URL("guests/", import.meta.url);

if (process.argv[1] === import.meta.filename)
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".wat"))) {
    const bytes = await assembled(readFileSync(new URL(name, folder), "utf8"));
    writeFileSync(new URL(name.replace(/\.wat$/, ".wasm"), folder), bytes);
  }
