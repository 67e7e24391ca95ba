import { HostError } from "#manifests/errors.ts";
import type { Reader, Writer } from "./bytes.ts";
import { checkAtMost, moduleLimits } from "./limits.ts";
import { op } from "./opcodes.ts";
import type { Renumber } from "./renumber.ts";
import { passHeapType } from "./signatures.ts";

/** i32 and i64 add, sub, mul: the extended constant expressions. */
const arithmetic = [0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e];

/**
 * Copies a constant expression and renumbers what it names.
 *
 * @throws MODULE_FEATURE_REFUSED, MODULE_TOO_LARGE, MODULE_INVALID
 * @see https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
 */
export function copyInitialiser(reader: Reader, writer: Writer, renumber: Renumber): void {
  const first = reader.at;
  for (;;) {
    checkAtMost("an initialiser in bytes", reader.at - first, moduleLimits.initialiserBytesMax);
    const start = reader.at;
    const code = reader.u8();
    if (code === op.globalGet) writer.u8(code).u32(renumber.global(reader.u32()));
    else if (code === op.refFunc) writer.u8(code).u32(renumber.function(reader.u32()));
    else {
      passConstant(reader, code);
      writer.copy(reader.bytes, start, reader.at);
    }
    if (code === op.end) return;
  }
}

function passConstant(reader: Reader, code: number): void {
  const isVector = code === 0xfd && reader.u32() === 12;
  if (isVector) reader.pass(16);
  else if (code === op.i32Const || code === op.i64Const) reader.passNumber();
  else if (code === 0x43) reader.pass(4);
  else if (code === 0x44) reader.pass(8);
  else if (code === op.refNull) passHeapType(reader);
  else if (code !== op.end && !arithmetic.includes(code)) {
    throw new HostError("MODULE_FEATURE_REFUSED", { feature: "initialisers that allocate" });
  }
}
