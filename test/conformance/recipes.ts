import { readFile } from "node:fs/promises";
import { root } from "../../plugins/command.ts";
import {
  assemblyScriptKit,
  findAssemblyScript,
  findC,
  findGo,
  findRust,
} from "../../plugins/toolchains.ts";
import type { Sources } from "#test/support/built.ts";
import { wat } from "#test/support/wat.ts";

const folder = "test/conformance/guests";
const cKit = "plugin-sdk/c";

/** How the guest of each language with a compiler is built. */
export const languages: readonly Sources[] = [
  {
    name: "assemblyscript",
    language: "AssemblyScript",
    inputs: [`${folder}/assemblyscript`, assemblyScriptKit],
    find: () => findAssemblyScript(`${folder}/assemblyscript/assembly/index.ts`),
  },
  {
    name: "go",
    language: "Go",
    inputs: [`${folder}/go`, "plugin-sdk/go"],
    find: () => findGo(`${folder}/go`),
  },
  {
    name: "rust",
    language: "Rust",
    inputs: [`${folder}/rust`, "plugin-sdk/rust", "plugins/csv-stats/src/json.rs"],
    find: () => findRust(`${folder}/rust/lib.rs`, "freestanding"),
  },
  {
    name: "rust-wasi",
    language: "Rust with WASI",
    inputs: [`${folder}/rust`, "plugin-sdk/rust", "plugins/csv-stats/src/json.rs"],
    find: () => findRust(`${folder}/rust/lib.rs`, "wasi"),
  },
  {
    name: "c",
    language: "C",
    inputs: [`${folder}/c`, cKit],
    find: () => findC(`${folder}/c/guest.c`, "freestanding"),
  },
  {
    name: "c-wasi",
    language: "C with WASI",
    inputs: [`${folder}/c`, cKit],
    find: () => findC(`${folder}/c/guest.c`, "wasi"),
  },
];

const cppOptions = ["-std=c++17", "-fno-exceptions", "-fno-rtti"];

/** Guests that need their constructors called: by a function of that name, or by `_initialize`. */
export const constructed: readonly Sources[] = [
  {
    name: "cpp",
    language: "C++",
    inputs: [`${folder}/cpp`, cKit],
    // Without this export the linker would have each tool construct them anew.
    find: () =>
      findC(`${folder}/cpp/guest.cpp`, "freestanding", [
        ...cppOptions,
        "-Wl,--export=__wasm_call_ctors",
      ]),
  },
  {
    name: "cpp-wasi",
    language: "C++ with WASI",
    inputs: [`${folder}/cpp`, cKit],
    find: () => findC(`${folder}/cpp/guest.cpp`, "wasi", cppOptions),
  },
];

/** How the guests are built that use files by the functions of their language. */
export const withFiles: readonly Sources[] = [
  {
    name: "files-c",
    language: "C",
    inputs: [`${folder}/files/c`, cKit],
    find: () => findC(`${folder}/files/c/guest.c`, "wasi"),
  },
  {
    name: "files-rust",
    language: "Rust",
    inputs: [`${folder}/files/rust`, "plugin-sdk/rust"],
    find: () => findRust(`${folder}/files/rust/lib.rs`, "wasi"),
  },
  {
    name: "files-go",
    language: "Go",
    inputs: [`${folder}/files/go`, "plugin-sdk/go"],
    find: () => findGo(`${folder}/files/go`),
  },
];

/** A guest that knows nothing of our kits. */
export const extism: Sources = {
  name: "extism",
  language: "C without our kit",
  inputs: [`${folder}/extism`],
  find: () => findC(`${folder}/extism/guest.c`, "freestanding"),
};

/** Gives the module of a WebAssembly text among the guests. */
export async function moduleOf(name: string): Promise<Uint8Array> {
  return await wat(await readFile(`${root}${folder}/${name}.wat`, "utf8"));
}
