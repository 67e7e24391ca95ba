/** Attacks with paths: one table over reading, then every name that is not what it seems. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, symlink, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { openFolders, type TestFolders, textOf } from "#test/support/folders.ts";
import { pathCases } from "#test/support/paths.ts";

const skip = process.platform === "win32";

async function prepared(): Promise<TestFolders> {
  const folders = await openFolders();
  await mkdir(join(folders.folder, "d"));
  await writeFile(join(folders.folder, "a"), "a");
  await writeFile(join(folders.folder, "d/b"), "d/b");
  return folders;
}

test(`each of ${pathCases.length} paths means what it says, or nothing`, { skip }, async () => {
  assert(pathCases.length > 700);
  await using folders = await prepared();
  for (const { path, means } of pathCases) {
    const told = await folders.ask("files_read", { folder: "notes", path });
    const found = told.code === undefined ? textOf(told) : { code: told.code };
    assert.deepEqual(found, means, JSON.stringify(path).slice(0, 80));
  }
});

test("no path of the table lets a guest change what is outside", { skip }, async () => {
  await using folders = await prepared();
  const outside = () => readdir(join(folders.folder, ".."), { recursive: true });
  const before = (await outside()).filter((name) => !name.startsWith("notes")).sort();
  for (const { path } of pathCases) {
    const at = { folder: "notes", path };
    await folders.ask("files_write", { ...at, value: "x", mode: "append" });
    await folders.ask("files_make", at);
    await folders.ask("files_rename", { folder: "notes", path: "a", to: path });
    await folders.ask("files_rename", { ...at, to: "a" });
    await folders.ask("files_delete", at);
  }
  assert.deepEqual((await outside()).filter((name) => !name.startsWith("notes")).sort(), before);
  assert.equal(await readFile(join(folders.outside, "secret"), "utf8"), "secret");
});

test("an error names no path of the host", { skip }, async () => {
  await using folders = await prepared();
  for (const { path } of pathCases.slice(0, 200))
    for (const act of ["files_read", "files_list", "files_stat", "files_make", "files_delete"]) {
      const { message = "" } = await folders.ask(act, { folder: "notes", path });
      assert(!message.includes(folders.folder) && !message.includes("/proc/"), message);
    }
});

/** What a link may point to, seen from the folder. */
const targets = ["../outside/secret", "../outside", "/etc/passwd", "a", "d", ".", "gone", "loop"];
/** Every act on a path, as a guest would ask. */
const acts: readonly (readonly [string, object])[] = [
  ["files_read", {}],
  ["files_write", { value: "x" }],
  ["files_write", { value: "x", mode: "create" }],
  ["files_write", { value: "x", mode: "append" }],
  ["files_write", { value: "x", mode: "update", create: true }],
  ["files_list", {}],
  ["files_make", {}],
  ["files_delete", {}],
  ["files_rename", { to: "a" }],
];
const linkCodes = ["PATH_REFUSED", "PATH_EXISTS"];

test("a link is refused wherever it stands in a path, and left alone", { skip }, async () => {
  await using folders = await prepared();
  for (const target of targets) {
    await symlink(target, join(folders.folder, "loop"));
    await symlink(target, join(folders.folder, "d/loop"));
    for (const path of [
      "loop",
      "d/loop",
      "loop/secret",
      "loop/a",
      "d/loop/x/y",
      "loop/.",
      "d/loop/",
    ])
      for (const [act, more] of acts) {
        const { code = "ok" } = await folders.ask(act, { folder: "notes", path, ...more });
        const allowed = [
          ...linkCodes,
          ...(path.endsWith("/") || path.endsWith(".") ? ["PATH_NOT_FILE"] : []),
        ];
        assert(allowed.includes(code), `${act} ${path} to ${target}: ${code}`);
      }
    const onto = await folders.ask("files_rename", { folder: "notes", path: "a", to: "loop" });
    assert.equal(onto.code, "PATH_REFUSED");
    await unlink(join(folders.folder, "loop"));
    await unlink(join(folders.folder, "d/loop"));
  }
  assert.deepEqual((await readdir(folders.folder)).sort(), ["a", "d"]);
  assert.equal(await readFile(join(folders.outside, "secret"), "utf8"), "secret");
});

test("a pipe, a socket and a device are refused, and nobody waits for them", {
  skip,
}, async (t) => {
  await using folders = await prepared();
  execFileSync("mkfifo", [join(folders.folder, "special")]);
  await refuseSpecial(folders, "a pipe");
  await unlink(join(folders.folder, "special"));
  const server = createServer().listen(join(folders.folder, "special"));
  await new Promise((listening) => server.once("listening", listening));
  await refuseSpecial(folders, "a socket");
  await new Promise((closed) => server.close(closed));
  try {
    execFileSync("mknod", [join(folders.folder, "special"), "c", "1", "5"], { stdio: "ignore" });
  } catch {
    return t.diagnostic("no device could be made here: only pipe and socket were tried");
  }
  await refuseSpecial(folders, "a device");
});

async function refuseSpecial(folders: TestFolders, what: string): Promise<void> {
  for (const [act, more] of acts) {
    if (act === "files_list") continue;
    const { code = "ok" } = await folders.ask(act, { folder: "notes", path: "special", ...more });
    assert(linkCodes.includes(code), `${act} of ${what}: ${code}`);
  }
  const onto = await folders.ask("files_rename", { folder: "notes", path: "a", to: "special" });
  assert.equal(onto.code, "PATH_REFUSED", what);
  const listed = await folders.ask("files_list", { folder: "notes", path: "", details: false });
  assert.match(JSON.stringify(listed.ok), /"special","kind":"other"/);
}
