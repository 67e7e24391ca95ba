import assert from "node:assert/strict";
import { chmod, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parsePluginId } from "#manifests/names.ts";
import { digestOf } from "#registry/digest.ts";
import { createFiles, type FilePlaces, type Files } from "#runtime/store/files.ts";
import { fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { digest } from "#test/support/installed.ts";

const weather = parsePluginId("acme/weather");
const place = { plugin: weather, digest: digest("a") };
const manifest = Buffer.from('{"manifest":1}');
const prompt = Buffer.from("Say hello");
const module = Buffer.from("\0asm metered");
const contents = new Map<string, Uint8Array>([
  ["manifest.json", manifest],
  ["prompts/de/hello.md", prompt],
]);

async function placesIn(folder: string): Promise<FilePlaces> {
  const places = {
    plugins: join(folder, "plugins"),
    modules: join(folder, "modules"),
    staging: join(folder, "staging"),
  };
  for (const path of Object.values(places)) await mkdir(path);
  return places;
}

async function install(files: Files, given: ReadonlyMap<string, Uint8Array> = contents) {
  await using stage = await files.stage();
  await stage.writePackage(given);
  const metered = await stage.writeModule(module);
  await stage.commit(weather, place.digest);
  return metered;
}

test("commit() puts package and module under their digests, to be read and not written", async () => {
  await using folder = await temporaryFolder();
  const places = await placesIn(folder.path);
  const files = createFiles(places, fakeClock());
  const metered = await install(files);
  const found = await readdir(places.plugins, { recursive: true, withFileTypes: true });
  const paths = found.flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name).slice(places.plugins.length + 1)] : [],
  );
  const root = `acme/weather/sha256-${"a".repeat(64)}`;
  assert.deepEqual(paths.sort(), [`${root}/manifest.json`, `${root}/prompts/de/hello.md`]);
  assert.equal((await stat(join(places.plugins, `${root}/manifest.json`))).mode & 0o777, 0o444);
  assert.deepEqual(await readdir(places.modules), [`sha256-${metered.slice(7)}.wasm`]);
  assert.deepEqual(await readdir(places.staging), []);
});

test("stage() leaves nothing when it is disposed before its commit", async () => {
  await using folder = await temporaryFolder();
  const places = await placesIn(folder.path);
  const files = createFiles(places, fakeClock());
  {
    await using stage = await files.stage();
    await stage.writePackage(contents);
    await stage.writeModule(module);
    assert.equal((await readdir(stage.path)).length, 2);
  }
  for (const path of Object.values(places)) assert.deepEqual(await readdir(path), []);
});

test("readFile() and readModule() return the bytes that were installed", async () => {
  await using folder = await temporaryFolder();
  const files = createFiles(await placesIn(folder.path), fakeClock());
  const metered = await install(files);
  const read = await files.readFile(place, "prompts/de/hello.md", await digestOf(prompt));
  assert.deepEqual(read, prompt);
  assert.deepEqual(await files.readModule(metered), module);
});

test("readFile() and readModule() refuse bytes that were altered, and files that are gone", async () => {
  await using folder = await temporaryFolder();
  const places = await placesIn(folder.path);
  const files = createFiles(places, fakeClock());
  const metered = await install(files);
  const paths = [
    join(places.plugins, `acme/weather/sha256-${"a".repeat(64)}/manifest.json`),
    join(places.modules, `sha256-${metered.slice(7)}.wasm`),
  ];
  const refused = async (): Promise<void> => {
    const altered = { code: "MODULE_ALTERED" };
    const read = files.readFile(place, "manifest.json", await digestOf(manifest));
    await assert.rejects(read, altered);
    await assert.rejects(files.readModule(metered), altered);
  };
  for (const path of paths) {
    await chmod(path, 0o600);
    await writeFile(path, "altered");
  }
  await refused();
  for (const path of paths) await rm(path);
  await refused();
});

test("commit() of a digest that is there puts back what was altered", async () => {
  await using folder = await temporaryFolder();
  const places = await placesIn(folder.path);
  const files = createFiles(places, fakeClock());
  const metered = await install(files, new Map([["manifest.json", Buffer.from("altered")]]));
  assert.equal(await install(files), metered);
  const read = await files.readFile(place, "manifest.json", await digestOf(manifest));
  assert.deepEqual(read, manifest);
  assert.deepEqual(await readdir(places.staging), []);
});

test("writeModule() keeps a module beside those that are there", async () => {
  await using folder = await temporaryFolder();
  const places = await placesIn(folder.path);
  const files = createFiles(places, fakeClock());
  const metered = await install(files);
  const again = await files.writeModule(Buffer.from("metered again"));
  assert.equal(await files.writeModule(module), metered);
  assert.equal((await files.readModule(again)).toString(), "metered again");
  assert.equal((await readdir(places.modules)).length, 2);
  assert.deepEqual(await readdir(places.staging), []);
});

test("remove() takes what is named and leaves the other versions", async () => {
  await using folder = await temporaryFolder();
  const places = await placesIn(folder.path);
  const files = createFiles(places, fakeClock());
  const metered = await install(files);
  await using stage = await files.stage();
  await stage.writePackage(contents);
  await stage.commit(weather, digest("b"));
  const unreferenced = { packages: [place], modules: [metered] };
  await files.remove(unreferenced);
  await files.remove(unreferenced);
  await assert.rejects(files.readModule(metered), { code: "MODULE_ALTERED" });
  assert.deepEqual(await readdir(join(places.plugins, "acme/weather")), [
    `sha256-${"b".repeat(64)}`,
  ]);
});
