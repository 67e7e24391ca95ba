/** A function that a guest exports. */
export interface ExportedFunction {
  readonly name: string;
  readonly params: readonly string[];
  readonly results: readonly string[];
}

/** A call that prepares a guest. */
export interface InitialCall {
  readonly name: string;
  readonly args: readonly number[];
}

/**
 * Returns what must be called, in order, before a guest's first call: the Haskell runtime after the
 * module's own initialiser, else constructors, else the initialiser. `_start` is never implied.
 *
 * @param exports  the exported functions; untrusted
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/application-abi.md
 */
export function initExports(exports: readonly ExportedFunction[]): readonly InitialCall[] {
  const plain = (name: string): InitialCall[] =>
    exports.some((each) => each.name === name && isPlain(each)) ? [{ name, args: [] }] : [];
  const haskell = exports.find(({ name }) => name === "hs_init");
  if (haskell !== undefined && takesTwoWords(haskell))
    return [...plain("_initialize"), { name: "hs_init", args: [0, 0] }];
  const constructors = plain("__wasm_call_ctors");
  return constructors.length > 0 ? constructors : plain("_initialize");
}

function isPlain({ params, results }: ExportedFunction): boolean {
  return params.length === 0 && results.length === 0;
}

function takesTwoWords({ params, results }: ExportedFunction): boolean {
  return params.length === 2 && params.every((type) => type === "i32") && results.length === 0;
}

/** How a call of a guest ended, before it is judged. */
export interface Ending {
  /** What the export returned; undefined when it returned nothing or did not return. */
  readonly returned?: unknown;
  /** What the export threw, when it did; an exit or an end that the host made is no trap. */
  readonly trap?: unknown;
  /** The message that the guest set (untrusted), undefined when none or empty. */
  readonly error?: string | undefined;
  /** The code given to `proc_exit`, when the guest called it. */
  readonly exitCode?: number | undefined;
}

/** What a call came to by the guest's own doing. */
export type Outcome =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: "PLUGIN_ERROR" | "PLUGIN_TRAPPED";
      /** The guest's words, or the engine's (untrusted). */
      readonly message: string;
    };

/**
 * Returns what a call came to, in the order of the Extism reference: the guest's message (also when
 * it returned 0), a trap, a return or exit code other than 0, and else the output that it set. Fuel
 * and every other end that the host made go before all of these.
 */
export function outcomeOf(ending: Ending): Outcome {
  const { error, trap, exitCode = returnCodeOf(ending.returned) } = ending;
  if (error !== undefined && error !== "")
    return { ok: false, code: "PLUGIN_ERROR", message: error };
  if (trap !== undefined) return { ok: false, code: "PLUGIN_TRAPPED", message: messageOf(trap) };
  if (exitCode === 0) return { ok: true };
  return { ok: false, code: "PLUGIN_ERROR", message: `Returned non-zero exit code: ${exitCode}` };
}

function messageOf(trap: unknown): string {
  return trap instanceof Error ? trap.message : String(trap);
}

/** An export that is callable gives nothing or an i32; anything else counts as -1. */
function returnCodeOf(returned: unknown): number {
  if (returned === undefined) return 0;
  return typeof returned === "number" && Number.isInteger(returned) ? returned : -1;
}
