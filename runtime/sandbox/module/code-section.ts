import { Writer } from "./bytes.ts";
import { checkAtMost, moduleLimits } from "./limits.ts";
import { type Metering, meterBody } from "./meter.ts";
import type { Module, Span } from "./parse.ts";
import type { PricedModule } from "./prices.ts";
import { countOf, readerOf, section } from "./sections.ts";

/** The code of the metered module, and what the engine should know of it. */
export interface MeteredCode {
  /** The content of the code section. */
  readonly content: Uint8Array;
  /** The content of the custom section that says which branches are hardly ever taken. */
  readonly hints: Uint8Array;
}

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
 * Returns the metered code of all bodies and of the functions that were appended meanwhile.
 *
 * @throws MODULE_TOO_LARGE, MODULE_INVALID
 */
export function meterCode(
  module: Module,
  bodies: readonly Span[],
  metering: Metering,
  prices: PricedModule,
): MeteredCode {
  const code = new Writer(module.bytes.length);
  const hints = new Writer();
  const one = new Writer(4096);
  let hinted = 0;
  for (const [position, body] of bodies.entries()) {
    const index = module.importedFunctions + position;
    const signature = metering.signatures.at(module.functionTypes[index] as number);
    one.clear();
    const unlikely = meterBody(
      metering,
      { ...body, signature, isFree: prices.isFree(position) },
      one,
    );
    checkAtMost("a function with its metering", one.length, moduleLimits.meteredBodyBytesMax);
    code.sized(one.view());
    checkAtMost("the code with its metering", code.length, moduleLimits.meteredBytesMax);
    if (unlikely.length === 0) continue;
    hinted++;
    writeHints(hints, metering.renumber.function(index), unlikely);
  }
  const appended = metering.appended.all();
  for (const each of appended) code.sized(each.code);
  return {
    content: new Writer()
      .u32(bodies.length + appended.length)
      .raw(code.view())
      .view(),
    hints: new Writer().text("metadata.code.branch_hint").u32(hinted).raw(hints.view()).view(),
  };
}

/** @see https://github.com/WebAssembly/branch-hinting/blob/main/proposals/branch-hinting/Overview.md */
function writeHints(hints: Writer, index: number, offsets: readonly number[]): void {
  hints.u32(index).u32(offsets.length);
  for (const offset of offsets) hints.u32(offset).u8(1, 0);
}
