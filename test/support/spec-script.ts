import assert from "node:assert/strict";
import wabtInit from "wabt";
import { HostError } from "#manifests/errors.ts";
import { type ExportInfo, type Prepared, prepare } from "#runtime/sandbox/module/prepare.ts";
import { type Action, callerText, callText, called, externs, sentence } from "./spec-caller.ts";
import { type Form, parseScript } from "./wast.ts";

const wabt = await wabtInit();

/** Every feature that the assembler has; the engine and the pass say what they take of it. */
const features = {
  ...{ exceptions: true, mutable_globals: true, sat_float_to_int: true, sign_extension: true },
  ...{ simd: true, multi_value: true, tail_call: true, bulk_memory: true, reference_types: true },
  ...{ extended_const: true, threads: true, multi_memory: true, memory64: true, gc: true },
  ...{ function_references: true, relaxed_simd: true },
};

/** Returns the bytes of a text, nothing when the assembler does not take it. */
function assemble(text: string): Uint8Array | undefined {
  try {
    const module = wabt.parseWat("script.wat", text, features);
    try {
      return new Uint8Array(module.toBinary({}).buffer);
    } finally {
      module.destroy();
    }
  } catch {
    // Its grammar is older than the newest scripts; such modules are left out and counted.
    return undefined;
  }
}

/** What came of a script: how many commands were compared, and what could not be. */
export interface ScriptReport {
  actions: number;
  modules: number;
  rejections: number;
  /** Modules that the assembler or the pass does not take. */
  leftOut: number;
}

/** An instance on both sides: as it was written, and metered. */
interface Both {
  readonly plain: WebAssembly.Exports;
  readonly metered: WebAssembly.Exports;
  readonly infos: readonly ExportInfo[];
}

/** An action and the instance that it is for. */
interface Queued extends Action {
  readonly target: Both | undefined;
}

/** Runs a script of the specification twice, metered and not, and asserts that nothing differs. */
export function compareScript(source: string): ScriptReport {
  const run = new ScriptRun();
  for (const form of parseScript(source)) run.take(form);
  run.flush();
  return run.report;
}

class ScriptRun {
  readonly report: ScriptReport = { actions: 0, modules: 0, rejections: 0, leftOut: 0 };
  readonly #named = new Map<string, Both | undefined>();
  readonly #plain: WebAssembly.Imports = { spectest: spectest() };
  readonly #metered: WebAssembly.Imports = { spectest: spectest() };
  #current: Both | undefined;
  #queue: Queued[] = [];

  take(form: Form): void {
    const [first, second] = form.items;
    switch (form.head) {
      case "module":
        this.flush();
        this.#current = this.#instantiate(form);
        if (first?.head.startsWith("$")) this.#named.set(first.head, this.#current);
        break;
      case "register":
        this.flush();
        this.#register(first as Form, second?.head);
        break;
      case "assert_trap":
      case "assert_unlinkable":
        if (first?.head !== "module") this.#action(first as Form);
        else {
          this.flush();
          this.#instantiate(first);
        }
        break;
      case "assert_invalid":
      case "assert_malformed":
        this.#rejection(first as Form);
        break;
      case "assert_return":
      case "assert_exhaustion":
      case "assert_exception":
        this.#action(first as Form);
        break;
      default:
        this.#action(form);
    }
  }

  #action(form: Form): void {
    const [first, ...rest] = form.items;
    const isNamed = first?.head.startsWith("$") ?? false;
    const target = isNamed ? this.#named.get(first?.head ?? "") : this.#current;
    const [name, ...values] = isNamed ? rest : form.items;
    if (name) this.#queue.push({ target, form, name, values });
  }

  #register(name: Form, id: string | undefined): void {
    const both = id?.startsWith("$") ? this.#named.get(id) : this.#current;
    if (!both) return;
    const key = Buffer.from(name.text ?? []).toString();
    this.#plain[key] = both.plain as WebAssembly.ModuleImports;
    this.#metered[key] = both.metered as WebAssembly.ModuleImports;
  }

  #rejection(form: Form): void {
    const bytes = bytesOf(form);
    if (!bytes) return;
    const isValid = WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>);
    const prepared = prepareOr(bytes);
    // An older assembler makes a valid module of what a newer standard forbids in the text.
    if (!isValid) assert.ok(prepared instanceof HostError, form.source);
    this.report.rejections++;
  }

  #instantiate(form: Form): Both | undefined {
    const bytes = bytesOf(form);
    if (bytes === undefined || !WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>)) {
      this.report.leftOut++;
      return undefined;
    }
    const prepared = prepareOr(bytes);
    if (prepared instanceof HostError) {
      assert.notEqual(prepared.code, "MODULE_INVALID", `${prepared.message}: ${form.source}`);
      this.report.leftOut++;
      return undefined;
    }
    this.report.modules++;
    const plain = instantiated(bytes, this.#plain);
    const metered = instantiated(prepared.metered, { ...this.#metered, ...meter() });
    if (typeof plain === "string" || typeof metered === "string") {
      assert.equal(metered, plain, form.source);
      return undefined;
    }
    return { plain, metered, infos: prepared.exports };
  }

  /** Runs the queued actions: each run of them on one instance through one calling module. */
  flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (let start = 0; start < queue.length; ) {
      const target = queue[start]?.target;
      let end = start + 1;
      while (end < queue.length && queue[end]?.target === target) end++;
      if (target) this.#compare(target, queue.slice(start, end));
      start = end;
    }
  }

  #compare(target: Both, actions: readonly Action[]): void {
    const calls = actions.map((action) => callText(action, target.infos));
    const bytes = assemble(callerText(calls));
    assert.ok(bytes, `the calling module cannot be assembled: ${callerText(calls)}`);
    const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
    const [plain, metered] = [target.plain, target.metered].map((exports) => {
      const seen: unknown[] = [];
      const see = (value: unknown) => seen.push(value);
      const imports = { m: exports as WebAssembly.ModuleImports, x: { see, ...externs(calls) } };
      const caller = new WebAssembly.Instance(module, imports);
      return actions.map(({ form, name }, index) => {
        if (form.head === "get") return globalValue(exports, name);
        return called(caller.exports, index, seen);
      });
    }) as [string[], string[]];
    for (const [index, action] of actions.entries()) {
      assert.equal(metered[index], plain[index], action.form.source);
      this.report.actions++;
    }
  }
}

function globalValue(exports: WebAssembly.Exports, name: Form): string {
  const global = exports[Buffer.from(name.text ?? []).toString()];
  try {
    const { value } = global as WebAssembly.Global;
    return typeof value === "function" ? "a function" : String(value);
  } catch (error) {
    return sentence(error);
  }
}

function prepareOr(bytes: Uint8Array): Prepared | HostError {
  try {
    return prepare(bytes, { memoryPagesMax: 65_536, admits: () => true });
  } catch (error) {
    if (error instanceof HostError) return error;
    throw error;
  }
}

function instantiated(
  bytes: Uint8Array,
  imports: WebAssembly.Imports,
): WebAssembly.Exports | string {
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  try {
    return new WebAssembly.Instance(module, imports).exports;
  } catch (error) {
    return sentence(error);
  }
}

/** Fuel without end, in small portions so that the slow paths are taken too. */
function meter(): WebAssembly.Imports {
  const refuel = (counter: number) => Math.max(counter, 0) + 100;
  const phase = new WebAssembly.Global({ value: "i32", mutable: true }, 0);
  return { "convergio:meter": { charge: refuel, yield: refuel, grow: () => 1, phase } };
}

/** The module that scripts import from; printing is silent. */
function spectest(): WebAssembly.ModuleImports {
  const global = (value: "i32" | "i64" | "f32" | "f64", initial: number | bigint) =>
    new WebAssembly.Global({ value, mutable: false }, initial as never);
  const names = ["", "_i32", "_i64", "_f32", "_f64", "_i32_f32", "_f64_f64"];
  return {
    ...Object.fromEntries(names.map((name) => [`print${name}`, () => undefined])),
    global_i32: global("i32", 666),
    global_i64: global("i64", 666n),
    global_f32: global("f32", 666.6),
    global_f64: global("f64", 666.6),
    table: new WebAssembly.Table({ element: "anyfunc", initial: 10, maximum: 20 }),
    memory: new WebAssembly.Memory({ initial: 1, maximum: 2 }),
  };
}

/** The bytes of a `module` form: text, binary, or text in quotes. */
function bytesOf({ items, source }: Form): Uint8Array | undefined {
  const [first, second] = items;
  const kind = first?.head.startsWith("$") ? second : first;
  if (kind?.head === "definition" || kind?.head === "instance") return undefined;
  const texts = () => Buffer.concat(items.flatMap(({ text }) => text ?? []));
  if (kind?.head === "binary") return new Uint8Array(texts());
  if (kind?.head === "quote") return assemble(`(module ${texts().toString("utf8")})`);
  return assemble(source);
}
