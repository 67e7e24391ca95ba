import type { ExportInfo } from "#runtime/sandbox/module/prepare.ts";
import type { Form } from "./wast.ts";

/** An `invoke` or `get` of a script. */
export interface Action {
  readonly form: Form;
  readonly name: Form;
  readonly values: readonly Form[];
}

/** What the host references of scripts stand for, by their numbers. */
export function externs(calls: readonly (Call | undefined)[]): WebAssembly.ModuleImports {
  const numbers = calls.flatMap((call) => [...(call?.values.matchAll(/\$x(\d+)/g) ?? [])]);
  return Object.fromEntries(
    numbers.map(([, number]) => [
      `${number}`,
      new WebAssembly.Global({ value: "externref", mutable: false }, `host ${number}`),
    ]),
  );
}

/** A call of an export, as it stands in the calling module. */
export interface Call {
  readonly name: string;
  readonly signature: string;
  readonly results: readonly string[];
  readonly values: string;
}

/** Describes a call; a `get`, or a call that the script gets wrong, is left to JavaScript. */
export function callText(
  { form, name, values }: Action,
  infos: readonly ExportInfo[],
): Call | undefined {
  const wanted = Buffer.from(name.text ?? []).toString();
  const info = infos.find((each) => each.name === wanted && each.kind === "function");
  if (form.head !== "invoke" || info === undefined) return undefined;
  const types = (word: string, list: readonly string[]) =>
    list.length > 0 ? `(${word} ${list.join(" ")})` : "";
  return {
    name: name.source,
    signature: `${types("param", info.params)} ${types("result", info.results)}`,
    results: info.results,
    values: values.map(valueText).join(" "),
  };
}

function valueText({ head, items, source }: Form): string {
  const [number] = items;
  if (head === "ref.extern" || head === "ref.host") return `(global.get $x${number?.head})`;
  return source;
}

/** A module that calls what it imports and stores the results, bit by bit, in its memory. */
export function callerText(calls: readonly (Call | undefined)[]): string {
  const imports = calls.map((call, index) =>
    call ? `(import "m" ${call.name} (func $f${index} ${call.signature}))` : "",
  );
  const functions = calls.map((call, index) => (call ? callerFunction(call, index) : ""));
  const globals = Object.keys(externs(calls)).map(
    (number) => `(import "x" "${number}" (global $x${number} externref))`,
  );
  return `(module ${imports.join("\n")} ${globals.join(" ")}
    (import "x" "see" (func $see (param externref)))
    (memory (export "memory") 1) ${functions.join("\n")})`;
}

function callerFunction({ results, values }: Call, index: number): string {
  const locals = results.map((type, place) => `(local $r${place} ${type})`).join(" ");
  const taken = results.map((_, place) => `(local.set $r${results.length - 1 - place})`).join(" ");
  const stored = results.map((type, place) => {
    const value = `(local.get $r${place})`;
    if (type === "externref") return `(call $see ${value})`;
    const [operation, bits] =
      type === "funcref" || type === "exnref"
        ? ["i32.store", `(ref.is_null ${value})`]
        : [`${type}.store`, value];
    return `(${operation} (i32.const ${place * 16}) ${bits})`;
  });
  return `(func (export "${index}") ${locals} (call $f${index} ${values}) ${taken} ${stored.join(" ")})`;
}

/** What a call left in the memory of the calling module and showed it, or how it ended. */
export function called(caller: WebAssembly.Exports, index: number, seen: unknown[]): string {
  const run = caller[`${index}`] as CallableFunction | undefined;
  const { memory } = caller;
  const bytes = new Uint8Array((memory as WebAssembly.Memory).buffer, 0, 512);
  bytes.fill(0);
  seen.length = 0;
  if (run === undefined) return "not called";
  try {
    run();
  } catch (error) {
    return sentence(error);
  }
  return `${Buffer.from(bytes)
    .toString("hex")
    .replace(/(?:00)+$/, "")} ${seen.join(" ")}`;
}

/** How an error is compared: in words that do not name what metering changes. */
export function sentence(error: unknown): string {
  if (error instanceof WebAssembly.Exception) return "an exception";
  // The sentences tell the maxima, of which metering writes some.
  return error instanceof WebAssembly.LinkError ? error.name : String(error);
}
