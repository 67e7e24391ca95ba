import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { build, look } from "../../plugins/build.ts";
import { root, run } from "../../plugins/command.ts";
import type { Recipe } from "../../plugins/recipes.ts";

// A recipe builds below the checkout; this folder of it is ignored by git.
const id = `trial-${process.pid}`;
const folder = `build/${id}`;
const source = `${folder}/source`;
const file = `${folder}/plugin.wasm`;
mkdirSync(`${root}${folder}`, { recursive: true });
after(() => {
  rmSync(`${root}${folder}`, { recursive: true, force: true });
  rmSync(`${root}build/plugins/${id}.sha256`, { force: true });
});

const copy: Recipe = {
  language: "Copy",
  file,
  inputs: [source],
  toolchain: async () => ({
    command: (fresh) => ({
      program: process.execPath,
      arguments: ["-e", `fs.copyFileSync("${source}", "${fresh}")`],
    }),
  }),
};

test("build() builds anew only when an input has changed", async () => {
  writeFileSync(`${root}${source}`, "one");
  assert.equal((await look(id, copy)).state, "stale");
  assert.equal((await build(id, copy)).state, "built");
  assert.equal((await build(id, copy)).state, "current");
  writeFileSync(`${root}${source}`, "two");
  assert.equal((await build(id, copy)).state, "built");
  assert.equal(readFileSync(`${root}${file}`, "utf8"), "two");
});

test("build() does not lose to another build of the same plugin", async () => {
  writeFileSync(`${root}${source}`, "three");
  const states = await Promise.all([build(id, copy), build(id, copy)]);
  assert.deepEqual(
    states.map(({ state }) => state),
    ["built", "built"],
  );
});

test("build() says what the machine lacks and leaves what was built", async () => {
  writeFileSync(`${root}${source}`, "four");
  const lacking: Recipe = { ...copy, toolchain: async () => ({ lacks: "needs Cobol" }) };
  const outcome = await build(id, lacking);
  assert.deepEqual([outcome.state, outcome.reason], ["skipped", "needs Cobol"]);
  assert.equal(readFileSync(`${root}${file}`, "utf8"), "three");
});

test("build() gives the complaint of a toolchain that fails, and leaves what was built", async () => {
  const failing: Recipe = {
    ...copy,
    toolchain: async () => ({
      command: () => ({
        program: process.execPath,
        arguments: ["-e", "console.error('line 7 is wrong'); process.exit(1)"],
      }),
    }),
  };
  const outcome = await build(id, failing);
  assert.deepEqual([outcome.state, outcome.reason], ["failed", "line 7 is wrong"]);
  assert.equal(readFileSync(`${root}${file}`, "utf8"), "three");
});

test("run() gives the reason when a program is not there", async () => {
  const { ok, text } = await run({ program: "no-such-program", arguments: [] });
  assert.deepEqual([ok, text.includes("ENOENT")], [false, true]);
});

test("node plugins/build.ts refuses a plugin that is none and lists those there are", async () => {
  const command = { program: process.execPath, arguments: ["plugins/build.ts", "nothing"] };
  const { ok, text } = await run(command);
  assert.deepEqual([ok, text.includes("there are vowels,")], [false, true]);
});
