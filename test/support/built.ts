import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { build } from "../../plugins/build.ts";
import { root } from "../../plugins/command.ts";
import type { Toolchain } from "../../plugins/toolchains.ts";

/** A guest that is built here, or why it is not ("needs Go 1.24 or newer"). */
export type Built = { readonly bytes: Uint8Array } | { readonly lacks: string };

/** What a test's guest is made of. */
export interface Sources {
  /** Lower-case words with hyphens, of this guest alone. */
  readonly name: string;
  readonly language: string;
  /** Files and folders whose content decides whether it has to be built again. */
  readonly inputs: readonly string[];
  readonly find: () => Promise<Toolchain>;
}

/** Gives a guest, built when something it is made of has changed; a mistake in it is a failure. */
export async function builtGuest({ name, language, inputs, find }: Sources): Promise<Built> {
  const file = `build/conformance/${name}.wasm`;
  const recipe = { language, file, inputs, toolchain: find };
  const { state, reason = "" } = await build(`conformance-${name}`, recipe);
  assert.notEqual(state, "failed", `${language}: ${reason}`);
  return state === "skipped" ? { lacks: reason } : { bytes: await readFile(`${root}${file}`) };
}
