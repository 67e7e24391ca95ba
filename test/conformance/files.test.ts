/** The file functions of each language, through the whole host: install, runner, WASI, folder. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Built, builtGuest } from "#test/support/built.ts";
import { codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";
import { withFiles } from "./recipes.ts";

const built = new Map<string, Built>(
  await Promise.all(
    withFiles.map(async (sources) => [sources.name, await builtGuest(sources)] as const),
  ),
);
const host = await openTestHost();
after(() => host[Symbol.asyncDispose]());

const tools = ["save", "load", "leave_open", "trap", "check"];

async function textIn(name: string): Promise<string> {
  const entries = await readdir(join(host.folder, "home/data"), {
    recursive: true,
    withFileTypes: true,
  });
  const found = entries.find((entry) => entry.name === name);
  assert(found, name);
  return readFile(join(found.parentPath, name), "utf8");
}

for (const { name, language } of withFiles)
  test(`the file functions of ${language} reach the folder that was granted`, async (t) => {
    const guest = built.get(name);
    assert(guest);
    if ("lacks" in guest) {
      console.error(`NOT TESTED on this machine: ${language} ${guest.lacks}`);
      return t.skip(guest.lacks);
    }
    const manifest = {
      provides: { tools: tools.map((tool) => ({ name: tool, encoding: "text" })) },
      uses: {
        files: [
          { name: "cache", access: "write", quota: "4MiB", reason: "keep" },
          { name: "books", access: "read", reason: "read" },
        ],
      },
    };
    await installGuest(host, { id: name, module: guest.bytes, manifest });
    const call = async (tool: string, input = "") => (await invoke(host, name, tool, input)).value;
    const file = `/cache/${name}`;
    assert.equal(await call("save", `${file}\nzwölf Boxkämpfer`), "saved");
    assert.equal(await textIn(name), "zwölf Boxkämpfer");
    assert.equal(await call("load", file), "zwölf Boxkämpfer");
    assert.equal(await call("save", `${file}\nshort`), "saved");
    assert.equal(await call("load", file), "short");
    assert.notEqual(await call("save", "/books/a\ntext"), "saved");
    await call("save", "/cache/trap\nold");
    assert.notEqual(await codeOf(invoke(host, name, "trap", "")), "ok");
    assert.equal(await call("load", "/cache/trap"), "old");
    assert.equal(await call("leave_open"), "left");
    assert.equal(await call("load", "/cache/open"), "left open");
    const checked = await invoke(host, name, "check", "");
    assert.equal(checked.value, "ok");
    t.diagnostic(`${language}: ${checked.usage.hostCalls} host calls for check`);
  });
