import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { create } from "tar";
import { manifestBytesMax, manifestOfRaw } from "#manifests/manifest.ts";
import { parsePluginId } from "#manifests/names.ts";
import { fileOf, packageOfWasm, packFolder, readPackage } from "#registry/package.ts";
import { packed } from "#test/support/archive.ts";
import { temporaryFolder } from "#test/support/home.ts";

const invalid = { code: "PACKAGE_INVALID" };
const manifest = JSON.stringify({
  manifest: 1,
  id: "acme/weather",
  version: "1.0.0",
  wasm: "build/plugin.wasm",
  provides: {},
});
const plugin: Readonly<Record<string, string>> = {
  "manifest.json": manifest,
  "build/plugin.wasm": "\0asm",
  "README.md": "# Weather",
  "LICENSE-MIT": "MIT",
  "prompts/de/hello.md": "Hallo",
  "samples/one.json": "{}",
};

async function write(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

test("packFolder() takes what belongs to a package and leaves out the rest", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, {
    ...plugin,
    ".env": "SECRET=1",
    "assets/.DS_Store": "x",
    "assembly/index.ts": "export {}",
    "build/other.wasm": "\0asm",
    "node_modules/evil/index.js": "x",
    "READMEfirst.txt": "x",
    "secrets.json": "{}",
  });
  const { files } = await packFolder(folder.path);
  assert.deepEqual([...files.keys()], Object.keys(plugin).sort());
  for (const [path, bytes] of files)
    assert.equal(Buffer.from(bytes).toString("latin1"), plugin[path]);
});

test("packFolder() gives one digest whatever the times and modes of the files", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, plugin);
  const first = await packFolder(folder.path);
  await utimes(join(folder.path, "README.md"), 1, 1);
  await chmod(join(folder.path, "manifest.json"), 0o755);
  const second = await packFolder(folder.path);
  assert.equal(second.digest, first.digest);
  const sum = createHash("sha256").update(first.bytes).digest("hex");
  assert.equal(first.digest, `sha256:${sum}`);
  const read = await readPackage(first.bytes);
  assert.deepEqual([read.digest, [...read.files]], [first.digest, [...first.files]]);
});

const links: readonly (readonly [what: string, path: string])[] = [
  ["the module", "build/plugin.wasm"],
  ["the folder of the module", "build"],
  ["the manifest", "manifest.json"],
  ["a folder of files", "prompts"],
  ["a file", "samples/one.json"],
  ["a README", "README.md"],
];
for (const [what, path] of links)
  test(`packFolder() refuses a link in the place of ${what}`, async () => {
    await using folder = await temporaryFolder();
    const [root, elsewhere] = [join(folder.path, "plugin"), join(folder.path, "elsewhere")];
    await write(root, plugin);
    await write(elsewhere, plugin);
    await rm(join(root, path), { recursive: true });
    await symlink(join(elsewhere, path), join(root, path));
    await assert.rejects(packFolder(root), invalid);
  });

test("packFolder() refuses a pipe instead of waiting for it", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, plugin);
  await mkdir(join(folder.path, "assets"));
  execFileSync("mkfifo", [join(folder.path, "assets", "pipe")]);
  await assert.rejects(packFolder(folder.path), invalid);
});

test("packFolder() refuses a folder that is too large before it reads it", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, { ...plugin, "assets/hole": "" });
  await truncate(join(folder.path, "assets", "hole"), 2 ** 40);
  await assert.rejects(packFolder(folder.path), { code: "PACKAGE_TOO_LARGE" });
});

test("packFolder() refuses names that a package may not have", async () => {
  for (const path of ["assets/größe.txt", "assets/a:b", "assets/con", "README.\u0007"]) {
    await using folder = await temporaryFolder();
    await write(folder.path, { ...plugin, [path]: "x" });
    await assert.rejects(packFolder(folder.path), invalid, path);
  }
});

test("packFolder() refuses a folder without manifest or module, and says which", async () => {
  await using folder = await temporaryFolder();
  await assert.rejects(packFolder(join(folder.path, "nowhere")), invalid);
  await assert.rejects(packFolder(folder.path), /"manifest\.json" is not there/);
  await write(folder.path, { "manifest.json": manifest });
  await assert.rejects(packFolder(folder.path), /"build\/plugin\.wasm" is not there/);
  await write(folder.path, { "manifest.json": "{}" });
  await assert.rejects(packFolder(folder.path), { code: "MANIFEST_INVALID" });
});

test("packFolder() refuses folders that lie too deep", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, { ...plugin, [`assets/${"a/".repeat(8)}b`]: "x" });
  await assert.rejects(packFolder(folder.path), invalid);
});

test("readPackage() refuses a package without a manifest, or with one that is too large", async () => {
  await assert.rejects(readPackage(packed([{ path: "plugin.wasm" }])), invalid);
  const content = Buffer.alloc(manifestBytesMax + 1, 0x20);
  const large = packed([{ path: "manifest.json", content }]);
  await assert.rejects(readPackage(large), { code: "PACKAGE_TOO_LARGE" });
});

test("readPackage() reads what the library of npm packs", async () => {
  await using folder = await temporaryFolder();
  await write(folder.path, plugin);
  const file = join(folder.path, "weather.tgz");
  const cwd = folder.path;
  await create({ file, cwd, gzip: true, portable: true }, ["manifest.json", "build", "prompts"]);
  const { files } = await readPackage(await readFile(file));
  const found = ["build/plugin.wasm", "manifest.json", "prompts/de/hello.md"];
  assert.deepEqual([...files.keys()].sort(), found);
});

test("fileOf() gives a file of the package, and refuses to make one up", async () => {
  const found = await readPackage(packed([{ path: "manifest.json", content: "{}" }]));
  assert.equal(Buffer.from(fileOf(found, "manifest.json")).toString(), "{}");
  for (const path of ["plugin.wasm", "__proto__", "/manifest.json", "assets/../manifest.json"])
    assert.throws(() => fileOf(found, path), invalid);
});

test("packageOfWasm() makes the same package of the same module and manifest", async () => {
  const module = Buffer.from("\0asm\x01\0\0\0", "latin1");
  const made = manifestOfRaw(parsePluginId("local/count"), ["count"]);
  const first = await packageOfWasm(module, made);
  assert.deepEqual([...first.files.keys()], ["manifest.json", "plugin.wasm"]);
  assert.deepEqual(Buffer.from(fileOf(first, made.wasm)), module);
  const text = Buffer.from(fileOf(first, "manifest.json")).toString();
  assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(made)));
  assert.equal((await packageOfWasm(module, made)).digest, first.digest);
  const renamed = { ...made, name: "other" };
  const other = await packageOfWasm(module, renamed);
  assert.notEqual(other.digest, first.digest);
});
