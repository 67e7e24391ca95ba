import { type PrepareOptions, type Prepared, prepare } from "#runtime/sandbox/module/prepare.ts";
import { wat } from "./wat.ts";

/** What a test allows a module unless it says otherwise. */
export const permissive: PrepareOptions = { memoryPagesMax: 1_024, admits: () => true };

/** Prepares WebAssembly text. */
export async function prepareText(
  text: string,
  options: Partial<PrepareOptions> = {},
): Promise<Prepared> {
  return prepare(await wat(text), { ...permissive, ...options });
}

/** How a metered instance is fuelled: by a host without clocks, turns and processes. */
export interface Fuelling {
  /** Units handed out at a time. */
  readonly slice?: number;
  /** Units handed out at most; then the answer is 0. */
  readonly budget?: number;
  readonly grow?: (pages: number) => number;
  readonly imports?: WebAssembly.Imports;
}

/** A metered instance, and what became of its fuel. */
export interface Metered {
  /** Calls an exported function. */
  readonly call: (name: string, ...values: readonly unknown[]) => unknown;
  readonly exports: WebAssembly.Exports;
  /** What its exported `memory` holds now. */
  readonly memory: () => Uint8Array;
  /** The value of its exported global `work`. */
  readonly work: () => number;
  /** The exported counter. */
  readonly fuel: WebAssembly.Global<"i32">;
  /** How often more was asked for, while instantiating and after. */
  readonly charges: () => number;
  readonly yields: () => number;
  /** Units burnt so far. */
  readonly spent: () => number;
}

/** Instantiates a metered module. */
export function startMetered({ metered }: Prepared, fuelling: Fuelling = {}): Metered {
  const { slice = 1_000_000, budget = Number.MAX_SAFE_INTEGER, grow = () => 1 } = fuelling;
  const asked = { charge: 0, yield: 0 };
  let granted = 0;
  const refuel = (kind: keyof typeof asked) => (counter: number) => {
    asked[kind]++;
    const more = Math.max(slice, slice - counter);
    if (granted + more > budget) return 0;
    granted += more;
    return counter + more;
  };
  const phase = new WebAssembly.Global({ value: "i32", mutable: true }, 0);
  const meter = { charge: refuel("charge"), yield: refuel("yield"), grow, phase };
  const imports = { ...fuelling.imports, "convergio:meter": meter };
  const module = new WebAssembly.Module(metered as Uint8Array<ArrayBuffer>);
  const { exports } = new WebAssembly.Instance(module, imports);
  phase.value = 1;
  const fuel = exports["convergio:fuel"] as WebAssembly.Global<"i32">;
  return {
    call: (name, ...values) => (exports[name] as CallableFunction)(...values),
    exports,
    memory: () => {
      const { memory } = exports;
      return new Uint8Array((memory as WebAssembly.Memory).buffer);
    },
    work: () => {
      const { work } = exports;
      return (work as WebAssembly.Global<"i32">).value;
    },
    fuel,
    charges: () => asked.charge,
    yields: () => asked.yield,
    spent: () => granted - fuel.value,
  };
}

/** Prepares and instantiates WebAssembly text. */
export async function meteredText(text: string, fuelling: Fuelling = {}): Promise<Metered> {
  return startMetered(await prepareText(text), fuelling);
}
