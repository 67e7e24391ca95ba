import { Writer } from "./bytes.ts";
import { checkAtMost, moduleLimits } from "./limits.ts";
import { type Metering, meterBody } from "./meter.ts";
import type { Module, Span } from "./parse.ts";
import type { PricedModule } from "./prices.ts";
import { countOf, readerOf, section } from "./sections.ts";

/** Returns where each body of the code section lies, without its size. */
export function bodiesOf(module: Module): readonly Span[] {
  const reader = readerOf(module.bytes, module.sections, section.code);
  return Array.from({ length: countOf(reader) }, () => {
    const size = reader.u32();
    const start = reader.at;
    reader.pass(size);
    return { start, end: reader.at };
  });
}

/**
 * Returns the content of the metered code section.
 *
 * @throws MODULE_TOO_LARGE, MODULE_INVALID
 */
export function meterCode(
  module: Module,
  bodies: readonly Span[],
  metering: Metering,
  prices: PricedModule,
): Uint8Array {
  const section = new Writer(module.bytes.length);
  const one = new Writer(4096);
  for (const [index, body] of bodies.entries()) {
    const type = module.functionTypes[module.importedFunctions + index] as number;
    const signature = metering.signatures.at(type);
    one.clear();
    meterBody(metering, { ...body, signature, isFree: prices.isFree(index) }, one);
    checkAtMost("a function with its metering", one.length, moduleLimits.meteredBodyBytesMax);
    section.sized(one.view());
  }
  const appended = metering.appended.all();
  for (const { code } of appended) section.sized(code);
  const count = new Writer().u32(bodies.length + appended.length);
  return count.raw(section.view()).view();
}
