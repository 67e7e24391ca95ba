/** Attacks on what may be granted, and on what was: the folder itself, quotas, revoked grants, crashes. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { checkFolder } from "#runtime/capabilities/files/allowed.ts";
import { askerWith } from "#test/support/asker.ts";
import { filesGrantWith, openFolders, textOf } from "#test/support/folders.ts";

const skip = process.platform === "win32";

async function refusalOf(path: string, home: string, keys: readonly string[] = []) {
  try {
    await checkFolder(path, home, keys);
    return "granted";
  } catch (error) {
    assert(error instanceof HostError && error.code === "FOLDER_REFUSED", String(error));
    return error.message;
  }
}

test("what holds the host, the machine or keys is never granted", { skip }, async () => {
  await using folders = await openFolders();
  const { home, folder } = folders;
  const above = dirname(home);
  await mkdir(join(above, "person/.ssh"), { recursive: true });
  await mkdir(join(above, "person/notes"));
  await symlink(home, join(above, "shortcut"));
  await symlink("/proc/self", join(above, "itself"));
  await writeFile(join(above, "file"), "");
  await writeFile(join(folder, "tls.key"), "");
  const never: readonly (readonly [string, RegExp])[] = [
    ["/", /whole machine/],
    ["/proc", /\/proc/],
    ["/proc/self", /\/proc/],
    ["/sys/kernel", /\/sys/],
    ["/dev", /\/dev/],
    ["/dev/shm", /\/dev/],
    ["/etc", /\/etc/],
    [`/proc/self/root${folder}/../home`, /home/],
    ["/.", /whole machine/],
    ["//", /whole machine/],
    [home, /home/],
    [`${home}/data`, /home/],
    [`${home}/`, /home/],
    [above, /home|keys/],
    [join(above, "shortcut"), /home/],
    [join(above, "shortcut/data"), /home/],
    [join(above, "itself"), /\/proc/],
    [join(above, "person"), /keys/],
    [join(above, "person/.ssh"), /keys/],
    [resolve("runtime"), /code/],
    [resolve("."), /code/],
    [resolve("runtime/capabilities"), /code/],
    [resolve("plugins"), /code/],
    [resolve("manifests"), /code/],
    [resolve("node_modules/fastify"), /code/],
    [join(above, "file"), /no folder/],
    [join(above, "none"), /not there/],
    ["notes", /absolute/],
    ["./notes", /absolute/],
    ["", /absolute/],
    ["~/notes", /absolute/],
    ["/tmp\0/x", /not there/],
  ];
  for (const [path, reason] of never)
    assert.match(await refusalOf(path, home), reason, JSON.stringify(path));
  await symlink(join(folder, "tls.key"), join(above, "named.key"));
  for (const key of [join(folder, "tls.key"), join(above, "named.key")])
    assert.match(await refusalOf(folder, home, [key]), /key of the host/);
});

test("what a person means is granted, by its real path", { skip }, async () => {
  await using folders = await openFolders();
  const { home, folder } = folders;
  await mkdir(join(dirname(home), "person/notes"), { recursive: true });
  await mkdir(join(dirname(home), "home-of-others"));
  await symlink(folder, join(dirname(home), "link"));
  assert.equal(await checkFolder(`${folder}/`, home), folder);
  assert.equal(await checkFolder(join(dirname(home), "link"), home), folder);
  for (const name of ["person/notes", "home-of-others"])
    assert.equal(await refusalOf(join(dirname(home), name), home), "granted");
});

test("a folder that became another one, or must not be had, is not used", { skip }, async () => {
  await using folders = await openFolders();
  const at = { folder: "notes", path: "a" };
  const code = async (act = "files_write") =>
    (await folders.ask(act, { ...at, ...(act === "files_write" && { value: "a" }) })).code;
  assert.equal(await code(), undefined);
  await rename(folders.folder, `${folders.folder}.moved`);
  assert.equal(await code(), "FOLDER_UNUSABLE");
  await symlink(folders.outside, folders.folder);
  assert.equal(await code(), "FOLDER_UNUSABLE");
  await rm(folders.folder);
  await mkdir(folders.folder);
  assert.equal(await code("files_read"), "FOLDER_UNUSABLE");
  await rm(folders.folder, { recursive: true });
  await rename(`${folders.folder}.moved`, folders.folder);
  assert.equal(await code("files_read"), undefined);
  for (const folder of [folders.home, folders.data, dirname(folders.home), "/proc/self", "/"]) {
    const asker = askerWith({ files: [filesGrantWith({ name: "notes", folder })] });
    const { code: told, message } = await folders.ask("files_list", { ...at, path: "" }, { asker });
    assert.equal(told, "FOLDER_UNUSABLE", folder);
    assert(!message?.includes(folders.home));
  }
});

test("a link in the place of the plugin's own folder is not followed", { skip }, async () => {
  await using folders = await openFolders();
  const at = { folder: "cache", path: "secret" };
  await folders.ask("files_write", { ...at, value: "own" });
  const own = await readdir(folders.data, { recursive: true, withFileTypes: true });
  const share = own.find(({ name }) => name === "secret")?.parentPath ?? "";
  for (const place of [share, dirname(share), dirname(dirname(share))]) {
    await rename(place, `${place}.aside`);
    await symlink(folders.outside, place);
    assert.equal((await folders.ask("files_read", at)).code, "FOLDER_UNUSABLE");
    await rm(place);
    await rename(`${place}.aside`, place);
  }
  assert.equal(textOf(await folders.ask("files_read", at)), "own");
});

test("writers who come all at once never have more than the quota", { skip }, async () => {
  await using folders = await openFolders();
  const [quotaBytes, entriesMax] = [100_000, 30];
  const asker = askerWith({ files: [filesGrantWith({ quotaBytes, entriesMax })] });
  const block = Buffer.alloc(7_000, 1);
  const ask = (act: string, request: object, bytes?: Buffer) =>
    folders.ask(act, { folder: "cache", ...request }, { asker, ...(bytes && { block: bytes }) });
  const codes = await Promise.all(
    Array.from({ length: 60 }, async (_, each) => {
      const { code } = await ask("files_write", { path: `f${each % 20}` }, block);
      const more = await ask("files_write", { path: `f${each % 20}`, mode: "append" }, block);
      if (each % 7 === 0) await ask("files_delete", { path: `f${each % 20}` });
      return [code, more.code];
    }),
  );
  assert(codes.flat().includes("FILES_FULL") && codes.flat().includes(undefined));
  assert.deepEqual(new Set(codes.flat()), new Set(["FILES_FULL", undefined]));
  assert((await held(folders.data)) <= quotaBytes, `${await held(folders.data)}`);
  const rest = await ask("files_write", {
    path: "sparse",
    mode: "update",
    create: true,
    size: 1e12,
  });
  assert.equal(rest.code, "FILES_FULL");
  const beyond = await ask("files_write", {
    path: "b",
    mode: "update",
    create: true,
    offset: 1e12,
    value: "x",
  });
  assert.equal(beyond.code, "FILES_FULL");
  const made = await Promise.all(
    Array.from(
      { length: 40 },
      async (_, each) => (await ask("files_make", { path: `d${each}` })).code,
    ),
  );
  assert(made.includes("FILES_FULL"));
  const entries = await readdir(folders.data, { recursive: true });
  // Besides three folders of the host's own.
  assert(entries.length - 3 <= entriesMax, `${entries.length}`);
});

async function held(data: string): Promise<number> {
  const entries = await readdir(data, { recursive: true, withFileTypes: true });
  const sizes = entries.map(async (entry) =>
    entry.isFile() ? (await stat(join(entry.parentPath, entry.name))).size : 0,
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

test("what was counted is counted again, and room that somebody made is found", {
  skip,
}, async () => {
  await using folders = await openFolders();
  const files = [filesGrantWith({ name: "notes", folder: folders.folder, quotaBytes: 1_000 })];
  const asker = askerWith({ files });
  await writeFile(join(folders.folder, "big"), Buffer.alloc(900));
  const write = async (host: Pick<typeof folders, "ask">) =>
    (
      await host.ask(
        "files_write",
        { folder: "notes", path: "a" },
        { asker, block: Buffer.alloc(200) },
      )
    ).code;
  assert.equal(await write(folders), "FILES_FULL");
  await rm(join(folders.folder, "big"));
  assert.equal(await write(folders.restarted()), undefined);
});

test("a grant that is taken back, or a call that is over, ends what waits", { skip }, async () => {
  await using folders = await openFolders();
  const files = [filesGrantWith()];
  const grants = { files };
  const abort = new AbortController();
  const asker = {
    ...askerWith(),
    grants: () => ({ ...askerWith(grants).grants() }),
    signal: abort.signal,
  };
  const block = Buffer.alloc(1_000);
  const ask = (path: string) =>
    folders.ask("files_write", { folder: "cache", path }, { asker, block });
  const waiting = Array.from({ length: 20 }, (_, each) => ask(`f${each}`));
  await waiting[0];
  files.length = 0;
  const codes = (await Promise.all(waiting)).map(({ code }) => code);
  assert(codes.includes("CAPABILITY_DENIED"), String(codes));
  files.push(filesGrantWith());
  assert.equal((await ask("after")).code, undefined);
  const more = Array.from({ length: 20 }, (_, each) => ask(`g${each}`));
  await more[0];
  abort.abort();
  assert((await Promise.all(more)).some(({ code }) => code === "CALL_CANCELLED"));
  assert.equal((await ask("late")).code, "CALL_CANCELLED");
});

test("a temporary folder of the machine can be granted", { skip }, async () => {
  await using folders = await openFolders();
  const path = await mkdtemp(join(tmpdir(), "convergio-granted-"));
  assert.equal(await refusalOf(path, folders.home), "granted");
  await rm(path, { recursive: true });
});
