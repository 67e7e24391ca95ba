import assert from "node:assert/strict";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { askerWith } from "#test/support/asker.ts";
import { filesGrantWith, openFolders } from "#test/support/folders.ts";
import { pathCases } from "#test/support/paths.ts";
import { FolderGuest, oflags } from "./folder-guest.ts";

const skip = process.platform === "win32";
const { create, cut, exclusive, folder } = oflags;

test("each folder that is asked for is there under its name from 3 on, also before a call", async () => {
  const { guest } = new FolderGuest(["cache", "notes"]);
  for (const [fd, name] of [
    [3, "/cache"],
    [4, "/notes"],
  ] as const) {
    assert.equal(await guest.call("fd_prestat_get", fd, 64), 0);
    const length = guest.bytes.readUInt32LE(68);
    assert.equal(await guest.call("fd_prestat_dir_name", fd, 128, length), 0);
    assert.equal(guest.bytes.toString("utf8", 128, 128 + length), name);
    assert.equal(await guest.call("fd_prestat_dir_name", fd, 128, length - 1), 37);
    assert.equal(await guest.call("fd_fdstat_get", fd, 64), 0);
    assert.equal(guest.bytes[64], 3);
  }
  assert.equal(await guest.call("fd_prestat_get", 5, 64), 8);
  assert.equal(await guest.call("fd_prestat_get", 0, 64), 8);
});

test("outside a call nothing is opened, and what was not granted is ENOTCAPABLE", {
  skip,
}, async () => {
  const early = new FolderGuest(["cache"]);
  assert.equal(await early.open("a"), -76);
  assert.equal(await early.open("a", { flags: create }), -76);
  await using folders = await openFolders();
  const denied = new FolderGuest(["cache"], folders, askerWith());
  for (const how of [{ mode: "r" }, { flags: create }, { flags: folder }] as const)
    assert.equal(await denied.open("a", how), -76);
  for (const name of ["path_create_directory", "path_unlink_file", "path_remove_directory"])
    assert.equal(await denied.onPath(name, 3, "a"), 76, name);
  const files = [filesGrantWith({ access: "read" })];
  const reader = new FolderGuest(["cache"], folders, askerWith({ files }));
  assert.equal(await reader.open("a", { flags: create }), -76);
  assert.equal(await reader.open("a", { mode: "r" }), -44);
});

test("the standard streams stay what they are", { skip }, async () => {
  await using folders = await openFolders();
  const { guest } = new FolderGuest(["cache"], folders);
  assert.equal(await guest.write(1, "hello\n"), 6);
  assert.deepEqual(guest.logs, [[2, "hello"]]);
  assert.equal(await guest.call("fd_seek", 1, 0n, 0, 64), 70);
  assert.equal(await guest.call("fd_readdir", 1, 0, 0, 0n, 64), 54);
});

test("an ordinary open, write and close is one piece, and old until then", { skip }, async () => {
  await using folders = await openFolders();
  await writeFile(join(folders.folder, "a"), "old");
  const it = new FolderGuest(["notes"], folders);
  const fd = await it.open("a", { flags: create | cut, mode: "w" });
  for (const piece of ["one ", "two ", "three"])
    assert.equal(await it.write(fd, piece), piece.length);
  assert.equal(await it.size(fd), 13);
  assert.equal(await readFile(join(folders.folder, "a"), "utf8"), "old");
  assert.equal(await it.close(fd), 0);
  assert.equal(await readFile(join(folders.folder, "a"), "utf8"), "one two three");
  assert.deepEqual(
    it.guest.asked.map((asked) => asked.split(" ")[0]),
    ["files_write", "files_write"],
  );
});

test("a call that ends well writes what is open, one that does not drops it", {
  skip,
}, async () => {
  await using folders = await openFolders();
  const it = new FolderGuest(["cache"], folders);
  const write = async () => it.write(await it.open("a", { flags: create | cut, mode: "w" }), "new");
  assert.equal(await write(), 3);
  await it.guest.wasi.settle();
  it.guest.wasi.flush();
  assert.equal(it.guest.wasi.settle(), undefined);
  const read = await it.open("a", { mode: "r" });
  assert.equal(String(await it.readAll(read)), "new");
  await it.write(await it.open("a", { flags: cut, mode: "w" }), "lost");
  it.guest.wasi.flush();
  assert.equal(it.guest.wasi.settle(), undefined);
  const again = await it.open("a", { mode: "r" });
  assert.equal(String(await it.readAll(again)), "new");
});

test("path_open() keeps to its flags", { skip }, async () => {
  await using folders = await openFolders();
  await mkdir(join(folders.folder, "d"));
  await symlink("/etc", join(folders.folder, "link"));
  const it = new FolderGuest(["notes"], folders);
  assert.equal(await it.open("a"), -44);
  assert.equal(await it.open("a", { flags: create | exclusive }), 4);
  assert.equal(await it.open("a", { flags: create | exclusive }), -20);
  assert.equal(await it.open("a", { flags: folder }), -54);
  assert.equal(await it.open("d", { mode: "w" }), -31);
  assert.equal(await it.open("d", { mode: "r" }), 5);
  assert.equal(await it.open("d/", { flags: folder }), 6);
  assert.equal(await it.open("d", { flags: folder | create }), -28);
  assert.equal(await it.open("link/passwd", { mode: "r" }), -63);
  assert.equal(await it.open("link", { mode: "r" }), -63);
  assert.equal(await it.open("a/b", { mode: "r" }), -54);
  assert.equal(await it.open("../a", { mode: "r", fd: 5 }), -76);
  assert.equal(await it.open("/a", { mode: "r" }), -76);
  assert.equal(await it.open("", { mode: "r" }), -44);
  assert.equal(await it.open("x", { flags: create, fd: 5 }), 7);
  assert.equal(await it.open("a", { fd: 4 }), -54);
  assert.equal(await it.open("a", { fd: 99 }), -8);
  const reading = await it.open("a", { mode: "r" });
  assert.equal(await it.write(reading, "x"), -8);
  const writing = await it.open("a", { mode: "w" });
  assert.equal(await it.read(writing, 1), -8);
});

test("a guest has so many descriptors and no more, the lowest that is free first", {
  skip,
}, async () => {
  await using folders = await openFolders();
  const it = new FolderGuest(["cache"], folders);
  const fds: number[] = [];
  for (let fd = await it.open("a", { flags: create }); fd > 0; fd = await it.open("a"))
    fds.push(fd);
  assert.deepEqual(
    fds,
    Array.from({ length: 127 }, (_, index) => index + 4),
  );
  assert.equal(await it.open("a"), -33);
  assert.equal(await it.close(9), 0);
  assert.equal(await it.close(9), 8);
  assert.equal(await it.open("a"), 9);
});

test("fd_readdir() gives every name through any buffer", { skip }, async () => {
  await using folders = await openFolders();
  const names = Array.from({ length: 700 }, (_, index) => `n${String(index).padStart(4, "0")}`);
  for (const name of names) await writeFile(join(folders.folder, name), "");
  await mkdir(join(folders.folder, "sub"));
  const it = new FolderGuest(["notes"], folders);
  const all = [". 3", ".. 3", ...names.map((name) => `${name} 4`), "sub 3"];
  for (const bytes of [64, 300, 20_000]) assert.deepEqual(await it.list(3, bytes), all);
});

test("no path of the table leads a guest further than the host would", { skip }, async () => {
  await using folders = await openFolders();
  await mkdir(join(folders.folder, "d"));
  await writeFile(join(folders.folder, "a"), "a");
  await writeFile(join(folders.folder, "d/b"), "d/b");
  const it = new FolderGuest(["notes"], folders);
  for (const { path, means } of pathCases) {
    if (!path.isWellFormed() || path.length > 4_096) continue;
    const fd = await it.open(path.replace(/^\/+/, ""), { mode: "r" });
    if (fd < 0) assert(typeof means !== "string" || path === "", JSON.stringify(path));
    else if (typeof means === "string") assert.equal(String(await it.readAll(fd)), means);
    else assert.equal(await it.read(fd, 1), -31, `${JSON.stringify(path)} is a folder`);
    if (fd >= 0) await it.close(fd);
  }
});

type Step =
  | { readonly act: "write"; readonly text: string; readonly at: number | undefined }
  | { readonly act: "read"; readonly length: number; readonly at: number | undefined }
  | { readonly act: "seek"; readonly by: number; readonly whence: number }
  | { readonly act: "resize"; readonly size: number }
  | { readonly act: "sync" | "size" | "reopen" };

const place = fc.option(fc.nat(200), { nil: undefined });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ act: fc.constant("write"), text: fc.string({ maxLength: 60 }), at: place }),
  fc.record({ act: fc.constant("read"), length: fc.nat(100), at: place }),
  fc.record({ act: fc.constant("seek"), by: fc.integer({ min: -80, max: 80 }), whence: fc.nat(2) }),
  fc.record({ act: fc.constant("resize"), size: fc.nat(150) }),
  fc.record({ act: fc.constantFrom("sync", "size", "reopen") }),
) as fc.Arbitrary<Step>;

/** A file as the standard describes it, to compare with. */
class Model {
  bytes = Buffer.alloc(0);
  at = 0;

  write(data: Buffer, at: number): void {
    if (data.length === 0) return;
    const bytes = Buffer.alloc(Math.max(this.bytes.length, at + data.length));
    this.bytes.copy(bytes);
    data.copy(bytes, at);
    this.bytes = bytes;
  }

  resize(size: number): void {
    const bytes = Buffer.alloc(size);
    this.bytes.copy(bytes);
    this.bytes = bytes;
  }
}

async function agree(it: FolderGuest, fd: number, model: Model, each: Step): Promise<number> {
  switch (each.act) {
    case "write": {
      const data = Buffer.from(each.text);
      model.write(data, each.at ?? model.at);
      if (each.at === undefined) model.at += data.length;
      assert.equal(await it.write(fd, data, each.at), data.length);
      return fd;
    }
    case "read": {
      const from = each.at ?? model.at;
      const data = await it.read(fd, each.length, each.at);
      assert(typeof data !== "number", `error ${data}`);
      // A read may give less than there is, and nothing only at the end.
      assert.deepEqual(data, model.bytes.subarray(from, from + data.length));
      assert(data.length > 0 || each.length === 0 || from >= model.bytes.length);
      if (each.at === undefined) model.at += data.length;
      return fd;
    }
    case "seek": {
      const to = [0, model.at, model.bytes.length][each.whence] ?? 0;
      assert.equal(await it.seek(fd, each.by, each.whence), to + each.by < 0 ? -28 : to + each.by);
      if (to + each.by >= 0) model.at = to + each.by;
      return fd;
    }
    case "resize":
      model.resize(each.size);
      assert.equal(await it.guest.call("fd_filestat_set_size", fd, BigInt(each.size)), 0);
      return fd;
    case "sync":
      assert.equal(await it.guest.call("fd_sync", fd), 0);
      return fd;
    case "size":
      assert.equal(await it.size(fd), model.bytes.length);
      return fd;
    case "reopen":
      assert.equal(await it.close(fd), 0);
      model.at = 0;
      return it.open("a");
  }
}

test("a file that is written and read in any order is what it should be", { skip }, async () => {
  await using folders = await openFolders();
  const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
    const it = new FolderGuest(["notes"], folders);
    const model = new Model();
    let fd = await it.open("a", { flags: create | cut });
    for (const each of steps) fd = await agree(it, fd, model, each);
    assert.equal(await it.close(fd), 0);
    assert.deepEqual(await readFile(join(folders.folder, "a")), model.bytes);
  });
  await fc.assert(property, { numRuns: 150 });
});

test("more than is held back goes to the host in pieces, and is all there", { skip }, async () => {
  await using folders = await openFolders();
  const asker = askerWith({ files: [filesGrantWith({ quotaBytes: 32 * 2 ** 20 })] });
  const it = new FolderGuest(["cache"], folders, asker);
  const fd = await it.open("a", { flags: create | cut });
  const piece = Buffer.alloc(30_000);
  for (let index = 0; index < 400; index++)
    assert.equal(await it.write(fd, piece.fill(index % 251)), piece.length);
  assert.equal(await it.size(fd), 12_000_000);
  assert.equal(await it.seek(fd, 299 * 30_000, 0), 299 * 30_000);
  assert.deepEqual(await it.read(fd, 100), Buffer.alloc(100, 299 % 251));
  assert.equal(await it.close(fd), 0);
  assert(it.guest.asked.length < 8, it.guest.asked.join("\n"));
});

test("what does not fit is EDQUOT when it is written to the host", { skip }, async () => {
  await using folders = await openFolders();
  const asker = askerWith({ files: [filesGrantWith({ quotaBytes: 10 })] });
  const it = new FolderGuest(["cache"], folders, asker);
  const fd = await it.open("a", { flags: create });
  assert.equal(await it.write(fd, "more than ten bytes"), 19);
  assert.equal(await it.close(fd), 19);
});

test("renames, removals and listings see what was written before", { skip }, async () => {
  await using folders = await openFolders();
  const it = new FolderGuest(["cache", "notes"], folders);
  const fd = await it.open("a", { flags: create });
  await it.write(fd, "one");
  assert.equal(await it.rename(3, "a", 3, "b"), 0);
  await it.write(fd, " two");
  const other = await it.open("b", { mode: "r" });
  assert.equal(String(await it.readAll(other)), "one two");
  assert.equal(await it.rename(3, "b", 4, "b"), 75);
  await it.write(fd, " three");
  assert.deepEqual(await it.list(3), [". 3", ".. 3", "b 4"]);
  assert.equal(await it.onPath("path_filestat_get", 3, "b", 512), 0);
  assert.equal(it.guest.bytes.readBigUInt64LE(512 + 32), 13n);
  assert.equal(await it.onPath("path_remove_directory", 3, "b"), 54);
  assert.equal(await it.onPath("path_unlink_file", 3, "b"), 0);
  assert.equal(await it.onPath("path_unlink_file", 3, "b"), 44);
  assert.equal(await it.close(fd), 0);
  assert.deepEqual(await it.list(3), [". 3", ".. 3"]);
});
