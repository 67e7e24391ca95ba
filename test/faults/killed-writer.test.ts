/** A host that is killed in the middle of a write leaves the old content or the new one, whole. */
import assert from "node:assert/strict";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startChild } from "#test/support/child.ts";
import { foldersIn } from "#test/support/folders.ts";
import { temporaryFolder } from "#test/support/home.ts";

const program = fileURLToPath(new URL("files-child.ts", import.meta.url));
const skip = process.platform === "win32";
const rounds = 5;
const bytes = 4 * 2 ** 20;

test("kill -9 while a file is written leaves the old or the new, and nothing else", {
  skip,
}, async () => {
  await using folder = await temporaryFolder();
  const home = join(folder.path, "home");
  await mkdir(join(home, "data"), { recursive: true });
  for (let round = 0; round < rounds; round++) {
    await using child = startChild(program, [home, String(bytes)]);
    assert.equal(await child.line(), "ready");
    const said = [(await child.line()) ?? "", (await child.line()) ?? ""];
    await sleep(round * 7);
    await child.kill();
    said.push(...(await child.rest()));
    const last = Number(said.at(-1)?.split(" ")[1]);
    assert(
      said.every((line) => line.startsWith("wrote ")),
      said.join(),
    );
    const { ask } = foldersIn(home);
    const found = Buffer.concat((await ask("files_read", { folder: "cache", path: "d" })).blocks);
    assert.equal(found.length, bytes);
    const letter = (found[0] ?? 0) - 0x41;
    assert([last, (last + 1) % 26].includes(letter), `${letter} after ${last}`);
    assert(found.equals(Buffer.alloc(bytes, found[0])));
    await ask("files_delete", { folder: "cache", path: "nothing" });
    const names = await readdir(join(home, "data"), { recursive: true, withFileTypes: true });
    assert.deepEqual(
      names.filter((entry) => entry.isFile()).map(({ name }) => name),
      ["d"],
    );
  }
});
