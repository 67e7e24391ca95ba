import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Command } from "./command.ts";
import { root, run } from "./command.ts";

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

/** What builds a plugin here, or what the machine lacks for it ("needs Go 1.24 or newer"). */
export type Toolchain =
  | { readonly lacks: string }
  /** Gives the command that writes the plugin to a file. */
  | { readonly command: (file: string) => Command };

const kit = "plugin-sdk/assemblyscript/assembly";
const asc = "node_modules/assemblyscript/bin/asc.js";

/** The recipe of every first-party plugin, by id. */
export const recipes: ReadonlyMap<string, Recipe> = new Map([
  ["vowels", assemblyScript("vowels")],
  ["text-report", assemblyScript("text-report")],
  ["notes", assemblyScript("notes")],
  ["markdown", go("markdown")],
  ["csv-stats", rust("csv-stats")],
]);

function builtFile(id: string): string {
  return `plugins/${id}/build/plugin.wasm`;
}

function assemblyScript(id: string): Recipe {
  return {
    language: "AssemblyScript",
    file: builtFile(id),
    inputs: [`plugins/${id}/assembly`, kit, "node_modules/assemblyscript/package.json"],
    toolchain: async () => {
      if (!existsSync(`${root}${asc}`)) return { lacks: "needs `npm ci`" };
      const command = (file: string) => ({
        program: process.execPath,
        arguments: [
          ...[asc, `plugins/${id}/assembly/index.ts`, "-o", file],
          ...["--use", `abort=${kit}/pdk/onAbort`, "-Oz", "--runtime", "incremental"],
        ],
      });
      return { command };
    },
  };
}

// Not before Go 1.24 can a wasip1 module be a library; the toolchain of the machine is used as it is.
function go(id: string): Recipe {
  const folder = `plugins/${id}`;
  const environment = { GOTOOLCHAIN: "local", GOWORK: "off", GOFLAGS: "", CGO_ENABLED: "0" };
  return {
    language: "Go",
    file: builtFile(id),
    inputs: ["main.go", "go.mod", "go.sum"]
      .map((name) => `${folder}/${name}`)
      .concat("plugin-sdk/go"),
    toolchain: async () => {
      const version = await run({ program: "go", arguments: ["env", "GOVERSION"], environment });
      const [, minor] = /^go1\.(\d+)/.exec(version.text) ?? [];
      if (!version.ok || Number(minor ?? 0) < 24) return { lacks: "needs Go 1.24 or newer" };
      const modules = { program: "go", arguments: ["mod", "download"], folder, environment };
      if (!(await run(modules)).ok)
        return { lacks: "needs the modules that `go mod download` gets" };
      const command = (file: string) => ({
        program: "go",
        arguments: [
          ...["build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"],
          ...["-o", `${root}${file}`, "."],
        ],
        folder,
        environment: { ...environment, GOOS: "wasip1", GOARCH: "wasm" },
      });
      return { command };
    },
  };
}

// No cargo, as there are no crates. A machine may have several compilers and the standard library
// for WebAssembly with one of them only, so each is tried on the kit, with each linker that fits
// some release: its own, and those of Debian 12 and 13.
function rust(id: string): Recipe {
  const command = (compiler: string, linker: string, source: string, file: string): Command => ({
    program: compiler,
    arguments: [
      ...["--edition", "2021", "--target", "wasm32-unknown-unknown", "--crate-type", "cdylib"],
      ...["opt-level=3", "lto=fat", "panic=abort", "strip=symbols", "codegen-units=1"]
        .concat(linker === "" ? [] : `linker=${linker}`)
        .flatMap((option) => ["-C", option]),
      ...[source, "-o", file],
    ],
  });
  return {
    language: "Rust",
    file: builtFile(id),
    inputs: [`plugins/${id}/src`, "plugin-sdk/rust/pdk.rs"],
    toolchain: async () => {
      for (const compiler of ["rustc", "/usr/bin/rustc"])
        for (const linker of ["", "wasm-ld-14", "wasm-ld-19", "wasm-ld"]) {
          const file = `${tmpdir()}/convergio-${process.pid}.wasm`;
          const { ok } = await run(command(compiler, linker, "plugin-sdk/rust/pdk.rs", file));
          rmSync(file, { force: true });
          const source = `plugins/${id}/src/lib.rs`;
          if (ok) return { command: (file) => command(compiler, linker, source, file) };
        }
      return { lacks: "needs rustc with the target wasm32-unknown-unknown" };
    },
  };
}
