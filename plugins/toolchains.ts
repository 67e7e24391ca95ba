import { randomUUID } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Command } from "./command.ts";
import { root, run } from "./command.ts";

/** What builds a guest here, or what the machine lacks for it ("needs Go 1.24 or newer"). */
export type Toolchain =
  | { readonly lacks: string }
  /** Gives the command that writes the guest to a file. */
  | { readonly command: (file: string) => Command };

const asc = "node_modules/assemblyscript/bin/asc.js";

/** Where the AssemblyScript kit lies. */
export const assemblyScriptKit = "plugin-sdk/assemblyscript/assembly";

/** Looks for the AssemblyScript compiler, to build what begins at a file. */
export async function findAssemblyScript(entry: string): Promise<Toolchain> {
  if (!existsSync(`${root}${asc}`)) return { lacks: "needs `npm ci`" };
  const command = (file: string) => ({
    program: process.execPath,
    arguments: [
      ...[asc, entry, "-o", file],
      ...["--use", `abort=${assemblyScriptKit}/pdk/onAbort`, "-Oz", "--runtime", "incremental"],
    ],
  });
  return { command };
}

/**
 * Looks for a Go that builds libraries (1.24 or newer; the machine's own, as it is), and for the
 * modules that the one in a folder needs.
 */
export async function findGo(folder: string): Promise<Toolchain> {
  const environment = { GOTOOLCHAIN: "local", GOWORK: "off", GOFLAGS: "", CGO_ENABLED: "0" };
  const version = await run({ program: "go", arguments: ["env", "GOVERSION"], environment });
  const [, minor] = /^go1\.(\d+)/.exec(version.text) ?? [];
  if (!version.ok || Number(minor ?? 0) < 24) return { lacks: "needs Go 1.24 or newer" };
  const modules = { program: "go", arguments: ["mod", "download"], folder, environment };
  if (!(await run(modules)).ok) return { lacks: "needs the modules that `go mod download` gets" };
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
}

/** What a guest is compiled for: nothing but itself, or a C library over WASI. */
export type Target = "freestanding" | "wasi";

/**
 * Looks for a Rust compiler, to build what begins at a file. No cargo, as there are no crates.
 *
 * A machine may have several compilers and the standard library for WebAssembly with one of them
 * only, so each is tried with each linker that fits some release: its own, and those of Debian 12
 * and 13.
 */
export async function findRust(source: string, target: Target): Promise<Toolchain> {
  const names = rustTargets[target];
  for (const compiler of ["rustc", "/usr/bin/rustc"])
    for (const name of names)
      for (const linker of ["", "wasm-ld-14", "wasm-ld-19", "wasm-ld"])
        if (await works((file) => rustc(compiler, name, linker, nothing, file)))
          return { command: (file) => rustc(compiler, name, linker, source, file) };
  return { lacks: `needs rustc with the target ${names[0]}` };
}

/** By the compilers' own names, new ones first. */
const rustTargets = {
  freestanding: ["wasm32-unknown-unknown"],
  wasi: ["wasm32-wasip1", "wasm32-wasi"],
} as const;

function rustc(
  compiler: string,
  target: string,
  linker: string,
  source: string,
  file: string,
): Command {
  return {
    program: compiler,
    arguments: [
      ...["--edition", "2021", "--target", target, "--crate-type", "cdylib"],
      ...["--crate-name", "guest"],
      ...["opt-level=3", "lto=fat", "panic=abort", "strip=symbols", "codegen-units=1"]
        .concat(linker === "" ? [] : `linker=${linker}`)
        .flatMap((option) => ["-C", option]),
      // Where Debian keeps the C library that its Rust leaves out.
      ...(target === "wasm32-unknown-unknown" ? [] : ["-L", "native=/usr/lib/wasm32-wasi"]),
      ...[source, "-o", file],
    ],
  };
}

/**
 * Looks for a clang that compiles to WebAssembly, to build one C or C++ source; `options` are those
 * of the source beside the ones that every guest has.
 */
export async function findC(
  source: string,
  target: Target,
  options: readonly string[] = [],
): Promise<Toolchain> {
  const versions = [22, 21, 20, 19, 18, 17, 16, 15, 14];
  const names = ["clang", ...versions.map((version) => `clang-${version}`)];
  for (const compiler of [...names, "/opt/wasi-sdk/bin/clang"])
    if (await works((file) => clang(compiler, target, ["-x", "c", nothing], file)))
      return { command: (file) => clang(compiler, target, [source, ...options], file) };
  return { lacks: cLacks[target] };
}

const cLacks = {
  freestanding: "needs clang and lld (Debian: `clang-19 lld-19`)",
  wasi: "needs clang, lld and wasi-libc (Debian: with `wasi-libc libclang-rt-19-dev-wasm32`)",
} as const;

const cOptions = {
  freestanding: [
    ...["--target=wasm32-unknown-unknown", "-ffreestanding", "-nostdlib", "-Wl,--no-entry"],
  ],
  wasi: ["--target=wasm32-wasi", "-mexec-model=reactor"],
} as const;

function clang(compiler: string, target: Target, rest: readonly string[], file: string): Command {
  return {
    program: compiler,
    arguments: [
      ...cOptions[target],
      ...["-Oz", "-mbulk-memory", "-Wall", "-Wextra", "-Werror", "-Iplugin-sdk/c"],
      ...["-Wl,--strip-all", "-Wl,-z,stack-size=65536", "-Wl,--stack-first"],
      ...[...rest, "-o", file],
    ],
  };
}

/** A source without a word of ours, so that a mistake in a kit is not taken for a lack. */
const nothing = "/dev/null";

/** Whether a toolchain can be started, knows the target and finds its linker. */
async function works(command: (file: string) => Command): Promise<boolean> {
  const file = `${tmpdir()}/convergio-${randomUUID()}.wasm`;
  const { ok } = await run(command(file));
  rmSync(file, { force: true });
  return ok;
}
