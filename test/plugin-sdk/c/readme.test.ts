import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { test } from "node:test";
import { root, run } from "../../../plugins/command.ts";
import { findC } from "../../../plugins/toolchains.ts";

const readme = readFileSync(`${root}plugin-sdk/c/README.md`, "utf8");
const commands = [...readme.matchAll(/^```\nclang ([^`]*)```$/gm)].map(([, words = ""]) =>
  words.split(/[\s\\]+/).filter((word) => word !== ""),
);

test("the README of the C kit shows its example as it is", () => {
  assert(readme.includes(readFileSync(`${root}plugin-sdk/c/example.c`, "utf8")));
});

for (const [index, target] of (["freestanding", "wasi"] as const).entries())
  test(`the README of the C kit says how to build its example, ${target}`, async (t) => {
    const toolchain = await findC("plugin-sdk/c/example.c", target);
    if ("lacks" in toolchain) return t.skip(toolchain.lacks);
    const words = commands[index] ?? [];
    const file = `build/readme-${process.pid}.wasm`;
    mkdirSync(`${root}build`, { recursive: true });
    t.after(() => rmSync(`${root}${file}`, { force: true }));
    assert.equal(words.at(-1), "build/example.wasm");
    const { program } = toolchain.command(file);
    const done = await run({ program, arguments: [...words.slice(0, -1), file] });
    assert(done.ok, done.text);
    const module = new WebAssembly.Module(readFileSync(`${root}${file}`));
    const names = WebAssembly.Module.exports(module).map(({ name }) => name);
    const starts = target === "wasi" ? ["_initialize"] : [];
    assert.deepEqual(names.sort(), [...starts, "greet", "memory"]);
  });
