import assert from "node:assert/strict";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { giveToProgram } from "#runtime/events/command.ts";
import { temporaryFolder } from "#test/support/home.ts";

const { signal } = new AbortController();

async function program(folder: string, text: string): Promise<string> {
  const path = join(folder, "program");
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o700);
  return path;
}

test("giveToProgram() gives JSON on the input, and nothing of this process in the environment", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "out");
  const path = await program(folder.path, `cat > ${out}; env > ${out}.env`);
  process.env["CONVERGIO_TEST_SECRET"] = "x";
  await giveToProgram(path, { id: "a-1", text: "$(touch /tmp/no) ☃" }, signal);
  delete process.env["CONVERGIO_TEST_SECRET"];
  const heard = await readFile(out, "utf8");
  assert.deepEqual(JSON.parse(heard), { id: "a-1", text: "$(touch /tmp/no) ☃" });
  const names = (await readFile(`${out}.env`, "utf8"))
    .split("\n")
    .map((line) => line.split("=")[0]);
  assert.ok(!names.includes("CONVERGIO_TEST_SECRET") && !names.includes("HOME"), names.join());
});

const endings: readonly (readonly [string, string])[] = [
  ["ends with another code than 0", "exit 3"],
  ["ends by a signal", "kill -9 $$"],
];
for (const [how, text] of endings)
  test(`giveToProgram() rejects when the program ${how}`, async () => {
    await using folder = await temporaryFolder();
    const path = await program(folder.path, text);
    await assert.rejects(giveToProgram(path, { id: "a" }, signal), { code: "EVENT_UNDELIVERED" });
  });

test("giveToProgram() does not mind a program that reads nothing", async () => {
  await using folder = await temporaryFolder();
  const path = await program(folder.path, "exec 0<&-; exit 0");
  await giveToProgram(path, { id: "a", text: "x".repeat(1_000_000) }, signal);
});

test("giveToProgram() rejects for a program that is not there, and ends one that is not wanted any more", async () => {
  await using folder = await temporaryFolder();
  const missing = join(folder.path, "missing");
  await assert.rejects(giveToProgram(missing, {}, signal), { code: "EVENT_UNDELIVERED" });
  const path = await program(folder.path, "exec sleep 600");
  const abort = new AbortController();
  const running = giveToProgram(path, {}, abort.signal);
  setImmediate(() => abort.abort());
  await assert.rejects(running, { code: "EVENT_UNDELIVERED" });
});
