import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { owner } from "#runtime/keys.ts";
import { root } from "../../plugins/command.ts";
import { codeOf, openTestHost, type TestHost } from "#test/support/host.ts";
import { installFrom } from "#test/support/written.ts";
import { guestOf, missing } from "./yardstick.ts";

const skip =
  (await missing("notes")) || (process.platform === "win32" && "folders need Linux or macOS");
const host = await openTestHost();
after(() => host[Symbol.asyncDispose]());
const id = "notes";

if (!skip) await installFrom(host, `${root}plugins/notes`);

async function call(tool: string, input: object): Promise<{ readonly found?: unknown }> {
  const json = JSON.stringify(input);
  const { output } = await host.host.call({ caller: owner, plugin: id, tool, input: { json } });
  return JSON.parse(Buffer.from(output.bytes).toString());
}

/** What lies in the plugin's own folder. */
async function files({ folder }: TestHost): Promise<Record<string, string>> {
  const entries = await readdir(join(folder, "home/data"), {
    recursive: true,
    withFileTypes: true,
  });
  const texts = entries
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }) => [name, await readFile(join(parentPath, name), "utf8")]);
  return Object.fromEntries(await Promise.all(texts));
}

test("notes keeps each note as a Markdown file", { skip }, async () => {
  assert.deepEqual(await call("write", { name: "milk", text: "# Milk\n\ntwo litres" }), {
    name: "milk",
  });
  assert.deepEqual(await files(host), { "milk.md": "# Milk\n\ntwo litres" });
  assert.deepEqual(await call("read", { name: "milk" }), {
    name: "milk",
    text: "# Milk\n\ntwo litres",
  });
  await call("write", { name: "milk", text: "" });
  assert.deepEqual(await call("read", { name: "milk" }), { name: "milk", text: "" });
  assert.deepEqual(await call("list", {}), { names: ["milk"] });
  assert.deepEqual(await call("list", { prefix: "x" }), { names: [] });
  assert.deepEqual(await call("delete", { name: "milk" }), { name: "milk", deleted: true });
  assert.deepEqual(await call("delete", { name: "milk" }), { name: "milk", deleted: false });
  assert.deepEqual(await call("read", { name: "milk" }), { name: "milk", text: null });
  assert.deepEqual(await files(host), {});
});

test("notes finds words in every note, whatever their case", { skip }, async () => {
  await call("write", { name: "a", text: "one\nTWO lines\nthree" });
  await call("write", { name: "b", text: "zwölf Boxkämpfer\ntwo" });
  assert.deepEqual(await call("search", { text: "Two" }), {
    found: [
      { name: "a", line: 2, text: "TWO lines" },
      { name: "b", line: 2, text: "two" },
    ],
  });
  assert.deepEqual(await call("search", { text: "BOXKÄMPFER" }), {
    found: [{ name: "b", line: 1, text: "zwölf Boxkämpfer" }],
  });
  await call("write", { name: "many", text: "many\n".repeat(500) });
  assert.equal(((await call("search", { text: "many" })).found as unknown[]).length, 100);
  for (const name of ["a", "b", "many"]) await call("delete", { name });
});

test("notes gives back every text as it was", { skip }, async () => {
  const name = fc.stringMatching(/^[a-z][a-z .é🦉-]{0,12}$/u);
  const text = fc.string({ unit: "grapheme", maxLength: 300 });
  const property = fc.asyncProperty(name, text, async (name, text) => {
    await call("write", { name, text });
    assert.deepEqual(await call("read", { name }), { name, text });
    await call("delete", { name });
  });
  await fc.assert(property, { numRuns: 60 });
});

test("notes has no name that could be a path", { skip }, async () => {
  for (const name of ["../x", "a/b", "/a", ".", "..", ".hidden", "a\\b", "a\0", "a\nb", ""])
    for (const tool of ["write", "read", "delete"]) {
      const input = { name, ...(tool === "write" && { text: "t" }) };
      assert.equal(await codeOf(call(tool, input)), "INPUT_INVALID", JSON.stringify(name));
    }
  assert.deepEqual(await files(host), {});
});

test("notes reads and writes the notes in a folder that an operator chose", { skip }, async () => {
  const folder = join(host.folder, "my-notes");
  await mkdir(join(folder, "sub.md"), { recursive: true });
  await writeFile(join(folder, "mine.md"), "mine");
  await writeFile(join(folder, "picture.png"), "");
  const { revision } = host.host.grants.view(id);
  const files = [{ name: "notes", folder, access: "write", quota: "1MiB" }];
  await host.host.grants.edit(id, { document: { grants: 1, files }, revision, callers: [] }, owner);
  assert.deepEqual(await call("list", {}), { names: ["mine"] });
  assert.deepEqual(await call("read", { name: "mine" }), { name: "mine", text: "mine" });
  await call("write", { name: "yours", text: "yours" });
  assert.equal(await readFile(join(folder, "yours.md"), "utf8"), "yours");
});

test("notes says why the host refused", { skip }, async () => {
  const refusal = () => ({ error: { code: "FILES_FULL", message: "it is full" } });
  const functions = {
    ...{ files_read: refusal, files_write: refusal, files_list: refusal, files_delete: refusal },
  };
  for (const tool of ["write", "read", "list", "search", "remove"]) {
    await using guest = await guestOf("notes", { functions });
    const input = JSON.stringify({ name: "n", text: "t" });
    await assert.rejects(guest.call(tool, input), /FILES_FULL: it is full/, tool);
  }
});
