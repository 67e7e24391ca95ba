import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { runInside } from "#test/support/cli.ts";
import { createFakeHost } from "#test/support/fake-host.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { openHostIn } from "#test/support/host.ts";

const home = "/nowhere-at-all";
/** What was done besides ending the host of the command. */
const own = (acts: readonly string[]) => acts.filter((act) => !act.startsWith("drain"));

test("plugin versions shows what is kept, and which of it answers", async () => {
  const { host } = createFakeHost();
  const { out } = await runInside(["plugin", "versions", "vowels"], { home, host });
  const [head = "", row = ""] = out.split("\n");
  assert.match(head, /^VERSION +STANDING +ACTIVATED +SIGNER +DIGEST$/);
  assert.match(row, /^1\.0\.0 +active/);
});

test("plugin rollback says where it went back to, and from where", async () => {
  const { host, acts } = createFakeHost();
  const words = ["plugin", "rollback", "vowels"];
  const plain = await runInside(words, { home, host });
  assert.equal(plain.out, "back to vowels 0.9.0 from 1.0.0\n");
  const { out } = await runInside([...words, "--to", "0.5.0", "--json"], { home, host });
  assert.partialDeepStrictEqual(JSON.parse(out), { id: "vowels", version: "0.5.0" });
  assert.deepEqual(own(acts), [
    "rollback vowels to the one before by owner",
    "rollback vowels to 0.5.0 by owner",
  ]);
});

test("plugin rollback to a version that is not there exits 1 with the code", async () => {
  const { host } = createFakeHost();
  const words = ["plugin", "rollback", "vowels", "--to", "9.9.9"];
  const { code, err } = await runInside(words, { home, host });
  assert.equal(code, 1);
  assert.match(err, /^error VERSION_NOT_FOUND:/);
});

test("gc says what it removed, and with --dry-run what it would", async () => {
  const { host, acts } = createFakeHost();
  const { out } = await runInside(["gc", "--dry-run"], { home, host });
  assert.match(out, /^would forget vowels 0\.1\.0\nwould free 2/);
  assert.match((await runInside(["gc"], { home, host })).out, /^forgot vowels 0\.1\.0\nfreed 2/);
  assert.deepEqual(own(acts), ["look for garbage by owner", "collect garbage by owner"]);
});

test("backup names its file by the folder in which the command runs", async () => {
  const { host, acts } = createFakeHost();
  const { code, out } = await runInside(["backup", "monday.tgz", "--json"], { home, host });
  assert.equal(code, 0);
  const path = join(process.cwd(), "monday.tgz");
  assert.equal(own(acts).at(-1), `back up to ${path} by owner`);
  assert.equal(JSON.parse(out).path, path);
});

test("restore brings a home back, and asks before it replaces one", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "backup.tgz");
  await (async () => {
    await using first = await openHostIn(folder.path);
    await first.host.keys.create(owner, { owner: "ada", name: "laptop", scopes: ["read"] });
    await first.host.backUp({ path: file, by: owner });
  })();
  const place = join(folder.path, "home");
  const asked = await runInside(["restore", file], { home: place });
  assert.equal(asked.code, 2);
  assert.match(asked.err, /--yes/);
  const done = await runInside(["restore", file, "--yes", "--json"], { home: place });
  assert.equal(done.code, 0, done.err);
  const { before, keysRevoked } = JSON.parse(done.out);
  assert.equal(keysRevoked, true);
  assert.ok((await readdir(place)).includes(before));
  const fresh = join(folder.path, "elsewhere");
  const kept = await runInside(["restore", file, "--keep-keys"], { home: fresh });
  assert.equal(kept.code, 0, kept.err);
  assert.match(kept.out, /^restored 0 plugins as they were at /);
  assert.doesNotMatch(kept.out, /revoked/);
});

test("restore refuses what is no backup, another machine and a file that is not there", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "notes.txt");
  await writeFile(file, "no backup");
  const at = { home: join(folder.path, "home") };
  for (const [words, why] of [
    [["restore", file], /^error BACKUP_INVALID:/],
    [["restore", join(folder.path, "none.tgz")], /^error FILE_UNUSABLE:/],
    [["restore", file, "--url", "https://host.example"], /^error USAGE_INVALID:/],
  ] as const) {
    const { code, err } = await runInside([...words], at);
    assert.notEqual(code, 0);
    assert.match(err, why);
  }
});
