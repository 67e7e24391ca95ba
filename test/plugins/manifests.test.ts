import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseManifest } from "#manifests/manifest.ts";
import { prepare } from "#runtime/sandbox/module/prepare.ts";
import { admitSchema } from "#runtime/sandbox/schema/admit.ts";
import { root } from "../../plugins/command.ts";
import { recipes } from "../../plugins/recipes.ts";
import { manifestOf, missing } from "./yardstick.ts";

const folders = readdirSync(`${root}plugins`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

test("every plugin has a recipe, and every recipe a plugin", () => {
  assert.deepEqual([...recipes.keys()].sort(), folders);
});

for (const id of folders) {
  test(`${id}'s manifest says who made it, and everything about its tools`, () => {
    const manifest = parseManifest(readFileSync(`${root}plugins/${id}/manifest.json`));
    assert.equal(manifest.id, id);
    assert.deepEqual([manifest.author, manifest.license], ["Convergio", "Apache-2.0"]);
    assert.equal(manifest.wasm, "build/plugin.wasm");
    assert(manifest.provides.tools.length > 0 && manifest.description !== "");
    for (const tool of manifest.provides.tools)
      assert(tool.description !== "" && tool.input && tool.output, tool.name);
  });

  test(`${id}'s schemas are ones that the host admits`, () => {
    const { provides, config } = manifestOf(id);
    for (const tool of provides.tools)
      for (const schema of [tool.input, tool.output]) admitSchema(schema, tool.name);
    if (config !== undefined) admitSchema(config, "config");
  });

  const skip = await missing(id);
  test(`${id} exports its tools and imports only what it asks for`, { skip }, async () => {
    const manifest = parseManifest(readFileSync(`${root}plugins/${id}/manifest.json`));
    const module = new WebAssembly.Module(readFileSync(`${root}plugins/${id}/build/plugin.wasm`));
    const exported = WebAssembly.Module.exports(module).map((one) => one.name);
    for (const tool of manifest.provides.tools) assert(exported.includes(tool.export), tool.name);
    const capabilities = WebAssembly.Module.imports(module)
      .filter((one) => !["extism:host/env", "wasi_snapshot_preview1"].includes(one.module))
      .map((one) => `${one.module} ${one.name.split("_")[0]}`);
    const { kv, tools, network, files } = manifest.uses;
    const asked = [
      kv !== null && "kv",
      tools.length > 0 && "tools",
      network.length > 0 && "network",
      // Languages with a library for files reach them through WASI.
      files.length > 0 && capabilities.some((each) => each.endsWith(" files")) && "files",
    ];
    const wanted = asked.filter(Boolean).map((name) => `extism:host/user ${name}`);
    assert.deepEqual([...new Set(capabilities)].sort(), wanted.sort());
  });

  test(`${id} is a module that the host admits and meters`, { skip }, () => {
    const bytes = readFileSync(`${root}plugins/${id}/build/plugin.wasm`);
    const memoryPagesMax = 1024;
    const prepared = prepare(bytes, { memoryPagesMax, admits: () => true });
    assert(WebAssembly.validate(Uint8Array.from(prepared.metered)));
    assert(prepared.memoryPagesMin <= 256, `${prepared.memoryPagesMin} pages`);
  });
}
