import { assemblyScriptKit, findAssemblyScript, findGo, findRust } from "./toolchains.ts";
import type { Toolchain } from "./toolchains.ts";

/** How one plugin is built; paths are relative to the root of the checkout. */
export interface Recipe {
  readonly language: string;
  /** What is built. */
  readonly file: string;
  /** Files and folders whose content decides whether the plugin has to be built again. */
  readonly inputs: readonly string[];
  /** Looks for the toolchain on this machine. */
  readonly toolchain: () => Promise<Toolchain>;
}

/** The recipe of every first-party plugin, by id. */
export const recipes: ReadonlyMap<string, Recipe> = new Map([
  ["vowels", assemblyScript("vowels")],
  ["text-report", assemblyScript("text-report")],
  ["notes", assemblyScript("notes")],
  ["github-issues", assemblyScript("github-issues")],
  ["markdown", go("markdown")],
  ["web-fetch", go("web-fetch", ["cache.go", "network.go", "text.go"])],
  ["csv-stats", rust("csv-stats")],
]);

function builtFile(id: string): string {
  return `plugins/${id}/build/plugin.wasm`;
}

function assemblyScript(id: string): Recipe {
  return {
    language: "AssemblyScript",
    file: builtFile(id),
    inputs: [
      ...[`plugins/${id}/assembly`, assemblyScriptKit, "node_modules/assemblyscript/package.json"],
    ],
    toolchain: () => findAssemblyScript(`plugins/${id}/assembly/index.ts`),
  };
}

function go(id: string, more: readonly string[] = []): Recipe {
  const folder = `plugins/${id}`;
  return {
    language: "Go",
    file: builtFile(id),
    inputs: ["main.go", "go.mod", "go.sum", ...more]
      .map((name) => `${folder}/${name}`)
      .concat("plugin-sdk/go"),
    toolchain: () => findGo(folder),
  };
}

function rust(id: string): Recipe {
  return {
    language: "Rust",
    file: builtFile(id),
    inputs: [`plugins/${id}/src`, "plugin-sdk/rust/pdk.rs"],
    toolchain: () => findRust(`plugins/${id}/src/lib.rs`, "freestanding"),
  };
}
