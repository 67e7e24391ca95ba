import wabtInit from "wabt";

/**
 * Returns the WebAssembly binary of a text.
 *
 * Every feature that the host admits is switched on, so that a test can write any guest.
 */
export async function wat(text: string): Promise<Uint8Array> {
  const wabt = await wabtInit();
  const module = wabt.parseWat("guest.wat", text, {
    exceptions: true,
    tail_call: true,
    reference_types: true,
    bulk_memory: true,
    simd: true,
    multi_value: true,
    sign_extension: true,
    sat_float_to_int: true,
    mutable_globals: true,
    extended_const: true,
  });
  try {
    return new Uint8Array(module.toBinary({ write_debug_names: true }).buffer);
  } finally {
    module.destroy();
  }
}
