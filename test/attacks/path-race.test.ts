/**
 * A neighbor who can write in an operator's folder turns folders into links while a guest uses them: no
 * question may ever reach through one, whatever the moment.
 */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { openFolders, type TestFolders, textOf } from "#test/support/folders.ts";

const skip = process.platform === "win32";
const swapper = fileURLToPath(new URL("../support/swapper.ts", import.meta.url));
const swaps = 1_000_000;
const rounds = 150;

interface Tally {
  reached: number;
  refused: number;
}

async function begun(folder: string, target: string): Promise<ChildProcess & Disposable> {
  const child = fork(swapper, [folder, target, String(swaps)], { stdio: "ignore" });
  await new Promise((resolve) => child.once("message", resolve));
  const stop = () => void child.kill("SIGKILL");
  return Object.assign(child, { [Symbol.dispose]: stop });
}

/** Uses a folder in every way, and counts how often it got there. */
async function useAll(folders: TestFolders, folder: string, tally: Tally): Promise<void> {
  const at = (name: string) => ({
    folder: "notes",
    path: folder === "" ? name : `${folder}/${name}`,
  });
  const questions: readonly (readonly [string, object])[] = [
    ["files_read", at("secret")],
    ["files_write", { ...at("x"), value: "x" }],
    ["files_write", { ...at("secret"), value: "+", mode: "append" }],
    ["files_write", { ...at("new"), value: "x", mode: "create" }],
    ["files_write", { ...at("cut"), mode: "update", create: true, size: 0 }],
    ["files_make", at("made")],
    ["files_rename", { ...at("x"), to: at("y").path }],
    ["files_list", { folder: "notes", path: folder }],
    ["files_delete", at("made")],
    ["files_delete", at("new")],
    ["files_delete", at("only-outside")],
  ];
  for (const [act, request] of questions) {
    const told = await folders.ask(act, request);
    tally[told.code === undefined ? "reached" : "refused"] += 1;
    if (act === "files_read" && told.code === undefined) assert.match(textOf(told), /^inside\+*$/);
    assert(!JSON.stringify(told.ok ?? "").includes("only-outside"), "listed what is outside");
  }
}

async function outlast(t: TestContext, folders: TestFolders, inner: string): Promise<void> {
  const folder = join(folders.folder, inner);
  await writeFile(join(folders.outside, "only-outside"), "untouched");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "secret"), "inside");
  const tally: Tally = { reached: 0, refused: 0 };
  {
    using _ = await begun(folder, folders.outside);
    for (let round = 0; round < rounds; round++) await useAll(folders, inner, tally);
  }
  t.diagnostic(`${process.platform}: reached ${tally.reached}, refused ${tally.refused}`);
  // Else the neighbor was never in the way, or always.
  assert(tally.reached > 0 && tally.refused > 0, JSON.stringify(tally));
  assert.deepEqual((await readdir(folders.outside)).sort(), ["only-outside", "secret"]);
  assert.equal(await readFile(join(folders.outside, "secret"), "utf8"), "secret");
  assert.equal(await readFile(join(folders.outside, "only-outside"), "utf8"), "untouched");
}

test("a folder that turns into a link and back is never reached through", { skip }, async (t) => {
  await using folders = await openFolders();
  await outlast(t, folders, "d");
});

test("nor is one that a path leads through further up", { skip }, async (t) => {
  await using folders = await openFolders();
  await mkdir(join(folders.outside, "deep"));
  await mkdir(join(folders.folder, "d"));
  const inner = "d/deep";
  await mkdir(join(folders.folder, inner));
  await writeFile(join(folders.folder, inner, "secret"), "inside");
  await writeFile(join(folders.outside, "deep/secret"), "secret");
  const tally: Tally = { reached: 0, refused: 0 };
  {
    using _ = await begun(join(folders.folder, "d"), folders.outside);
    for (let round = 0; round < rounds; round++) await useAll(folders, inner, tally);
  }
  assert(tally.reached > 0 && tally.refused > 0, JSON.stringify(tally));
  assert.deepEqual(await readdir(join(folders.outside, "deep")), ["secret"]);
  assert.equal(await readFile(join(folders.outside, "deep/secret"), "utf8"), "secret");
  t.diagnostic(`${process.platform}: reached ${tally.reached}, refused ${tally.refused}`);
});

test("nor is the folder itself that was granted", { skip }, async (t) => {
  await using folders = await openFolders();
  await outlast(t, folders, "");
});
