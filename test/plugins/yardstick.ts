import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import createPlugin from "@extism/extism";
import { Ajv2020 } from "ajv/dist/2020.js";
import { build } from "../../plugins/build.ts";
import { root } from "../../plugins/command.ts";
import { recipes } from "../../plugins/recipes.ts";

/** A plugin as the Extism SDK runs it: a second opinion, independent of our own host. */
export interface Guest {
  /**
   * Gives the output text of a call, which fits the manifest; rejects with the guest's own error.
   */
  readonly call: (tool: string, input: string | Uint8Array) => Promise<string>;
  /** Gives the size of the guest's linear memory, which never shrinks. */
  readonly memoryBytes: () => Promise<number>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** A host function as a test sees it: request object in, answer object out. */
export type HostFunction = (request: unknown) => unknown;

/** What a test gives a guest beside its input. */
export interface Surroundings {
  readonly config?: Record<string, string>;
  readonly functions?: Record<string, HostFunction>;
}

/** Why a plugin cannot be tested on this machine, or false; for the `skip` of a test. */
export async function missing(id: string): Promise<string | false> {
  const recipe = recipes.get(id);
  assert(recipe, `no recipe for ${id}`);
  const outcome = await build(id, recipe);
  assert.notEqual(outcome.state, "failed", `${id}: ${outcome.reason}`);
  return outcome.state === "skipped" ? `${id}: ${outcome.reason}` : false;
}

/** The manifest of a plugin, as its author wrote it. */
export function manifestOf(id: string) {
  return JSON.parse(readFileSync(`${root}plugins/${id}/manifest.json`, "utf8"));
}

/** Starts a built plugin; call `missing` first. */
export async function guestOf(id: string, around: Surroundings = {}): Promise<Guest> {
  const data = readFileSync(`${root}plugins/${id}/build/plugin.wasm`);
  const outputs = outputsOf(id);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(data));
  const plugin = await createPlugin(
    { wasm: [{ data }] },
    {
      // Only for who imports it: the SDK's WASI ends the process when a plugin is not closed.
      useWasi: imports.some((one) => one.module === "wasi_snapshot_preview1"),
      config: around.config ?? {},
      functions: { "extism:host/user": functionsOf(around.functions ?? {}) },
    },
  );
  return {
    call: async (tool, input) => {
      const text = (await plugin.call(tool, input))?.text() ?? "";
      const fits = outputs.get(tool);
      assert(fits?.(JSON.parse(text)), `${text} does not fit: ${JSON.stringify(fits?.errors)}`);
      return text;
    },
    memoryBytes: async () => {
      const { memory } = (await plugin.getInstance()).exports;
      assert(memory instanceof WebAssembly.Memory);
      return memory.buffer.byteLength;
    },
    [Symbol.asyncDispose]: () => plugin.close(),
  };
}

// By a validator that is not the host's.
function outputsOf(id: string): Map<string, ReturnType<Ajv2020["compile"]>> {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  const tools: { export: string; output: object }[] = manifestOf(id).provides.tools;
  return new Map(tools.map((tool) => [tool.export, ajv.compile(tool.output)]));
}

function functionsOf(functions: Record<string, HostFunction>) {
  const entries = Object.entries(functions).map(([name, answer]) => [
    name,
    (
      context: { read(at: bigint): { text(): string } | null; store(text: string): bigint },
      at: bigint,
    ) => context.store(JSON.stringify(answer(JSON.parse(context.read(at)?.text() ?? "")))),
  ]);
  return Object.fromEntries(entries);
}
