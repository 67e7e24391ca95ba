import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import { owner } from "#runtime/keys.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { codeOf, keyFileOf, openTestVault, setSecret, strongValue } from "#test/support/vault.ts";

const newKey = (fill: number) => Buffer.alloc(32, fill).toString("base64");

test("Vault keeps values over a restart, and no byte of them in the database or the key file", async () => {
  await using home = await temporaryFolder();
  {
    await using first = await openTestVault({ folder: home.path });
    const view = await setSecret(first.vault, "github");
    assert.deepEqual(view.audience, ["https://api.example.com"]);
    assert.equal(view.version, 1);
    assert.deepEqual(first.acts, ["set github"]);
  }
  await using again = await openTestVault({ folder: home.path });
  assert.equal(again.vault.open("github"), strongValue);
  for (const name of ["convergio.db", "convergio.db-wal", "vault.key"]) {
    const bytes = await readFile(join(home.path, name)).catch(() => Buffer.alloc(0));
    assert.equal(bytes.includes(strongValue), false, name);
  }
  assert.equal((await stat(keyFileOf(home.path))).mode & 0o777, 0o600);
});

test("Vault makes no key before the first secret", async () => {
  await using made = await openTestVault();
  assert.equal(made.vault.state().state, "empty");
  await assert.rejects(stat(keyFileOf(made.folder)));
  assert.equal((await made.vault.check()).state, "empty");
});

test("Vault shows everything about a secret but its value", async () => {
  await using made = await openTestVault();
  await setSecret(made.vault, "b");
  await setSecret(made.vault, "a", { audience: ["https://B.example", "https://a.example:443/"] });
  made.vault.noteUse("a");
  const [a, b] = made.vault.list();
  const setAt = "2027-01-01T00:00:00.000Z";
  assert.deepEqual(a, {
    name: "a",
    audience: ["https://a.example", "https://b.example"],
    version: 1,
    isWeak: false,
    uses: 1,
    setAt,
    lastUsedAt: setAt,
  });
  assert.equal(b?.lastUsedAt, null);
});

test("Vault counts uses over a restart and over a new value", async () => {
  await using home = await temporaryFolder();
  {
    await using first = await openTestVault({ folder: home.path });
    await setSecret(first.vault, "a");
    for (let turn = 0; turn < 3; turn++) first.vault.noteUse("a");
    await first.store.hot.flushed();
  }
  await using again = await openTestVault({ folder: home.path });
  assert.equal(again.vault.find("a")?.uses, 3);
  await setSecret(again.vault, "a", { value: `${strongValue}2` });
  assert.equal(again.vault.find("a")?.uses, 3);
  assert.equal(again.vault.find("a")?.version, 2);
});

test("Vault refuses values and names that it cannot keep", async () => {
  await using made = await openTestVault();
  const codes = async (name: string, value: string) =>
    codeOf(setSecret(made.vault, name, { value }));
  assert.equal(await codes("github", ""), "SECRET_INVALID");
  assert.equal(await codes("github", "\ud800 is no text"), "SECRET_INVALID");
  assert.equal(await codes("github", `${"aB3$".repeat(16_384)}x`), "SECRET_INVALID");
  assert.equal(await codes("github", "aB3$".repeat(16_384)), "ok");
  for (const name of ["", "A", "a b", "../x", "a/b", "a".repeat(65), "config x", "__proto__"])
    assert.equal(await codes(name, strongValue), "SECRET_INVALID", name);
  assert.equal(await codes("github", "hunter2"), "SECRET_WEAK");
  assert.equal((await setSecret(made.vault, "pin", { value: "1234", force: true })).isWeak, true);
});

test("Vault.rotate() changes both keys, and everything opens before and after", async () => {
  await using home = await temporaryFolder();
  const before = { key: "" };
  {
    await using first = await openTestVault({ folder: home.path });
    for (const name of ["a", "b", "c"])
      await setSecret(first.vault, name, { value: strongValue + name });
    before.key = await readFile(keyFileOf(home.path), "utf8");
    const view = await first.vault.rotate(owner);
    assert.deepEqual(view, {
      state: "open",
      detail: "its key is in the file vault.key of the home",
      secrets: 3,
      damaged: [],
    });
    assert.equal(first.vault.open("b"), `${strongValue}b`);
    await setSecret(first.vault, "d");
  }
  const after = await readFile(keyFileOf(home.path), "utf8");
  assert.notEqual(after, before.key);
  assert.equal(after.trim().split("\n").length, 1);
  await using again = await openTestVault({ folder: home.path });
  assert.deepEqual((await again.vault.check()).damaged, []);
  assert.equal(again.vault.open("c"), `${strongValue}c`);
  await writeFile(keyFileOf(home.path), before.key);
  await using old = await openTestVault({ folder: home.path });
  assert.equal(old.vault.state().state, "locked");
});

test("Vault opens whichever of two keys shut it, so that a rotation may be killed at any moment", async () => {
  await using home = await temporaryFolder();
  {
    await using first = await openTestVault({ folder: home.path });
    await setSecret(first.vault, "a");
  }
  const key = await readFile(keyFileOf(home.path), "utf8");
  await writeFile(keyFileOf(home.path), `${newKey(7)}\n${key}`);
  await using killed = await openTestVault({ folder: home.path });
  assert.equal(killed.vault.open("a"), strongValue);
  await killed.vault.rotate(owner);
  assert.equal(killed.vault.open("a"), strongValue);
  assert.equal((await readFile(keyFileOf(home.path), "utf8")).trim().split("\n").length, 1);
  await writeFile(
    keyFileOf(home.path),
    `${await readFile(keyFileOf(home.path), "utf8")}${newKey(9)}`,
  );
  await using other = await openTestVault({ folder: home.path });
  assert.equal(other.vault.open("a"), strongValue);
});

test("Vault leaves a key that is somebody else's, and takes the new one that lies before the old", async () => {
  await using home = await temporaryFolder();
  const key = "environment";
  {
    await using first = await openTestVault({
      folder: home.path,
      key,
      places: { variable: newKey(1) },
    });
    await setSecret(first.vault, "a");
  }
  {
    const places = { variable: `${newKey(2)},${newKey(1)}` };
    await using both = await openTestVault({ folder: home.path, key, places });
    await both.vault.rotate(owner);
  }
  await using next = await openTestVault({
    folder: home.path,
    key,
    places: { variable: newKey(2) },
  });
  assert.equal(next.vault.open("a"), strongValue);
  await using old = await openTestVault({
    folder: home.path,
    key,
    places: { variable: newKey(1) },
  });
  assert.equal(await codeOf((async () => old.vault.open("a"))()), "VAULT_LOCKED");
});

test("Vault is locked without its key, says why, and opens when the key is there", async () => {
  await using home = await temporaryFolder();
  {
    await using first = await openTestVault({ folder: home.path });
    await setSecret(first.vault, "a");
  }
  const key = await readFile(keyFileOf(home.path), "utf8");
  await writeFile(keyFileOf(home.path), newKey(5));
  await using wrong = await openTestVault({ folder: home.path });
  const { vault } = wrong;
  assert.equal(vault.state().state, "locked");
  assert.match(vault.state().detail, /^the key in the file vault.key of the home is another/);
  assert.equal(vault.list().length, 1);
  const open = async () => vault.open("a");
  assert.equal(await codeOf(open()), "VAULT_LOCKED");
  assert.equal(await codeOf(setSecret(vault, "b")), "VAULT_LOCKED");
  assert.equal(await codeOf(vault.rotate(owner)), "VAULT_LOCKED");
  await writeFile(keyFileOf(home.path), key);
  assert.deepEqual(await vault.check(), {
    state: "open",
    detail: "its key is in the file vault.key of the home",
    secrets: 1,
    damaged: [],
  });
  assert.equal(vault.open("a"), strongValue);
});

test("Vault without a place for its key keeps nothing and says so", async () => {
  await using made = await openTestVault({ key: "environment" });
  assert.equal(await codeOf(setSecret(made.vault, "a")), "VAULT_LOCKED");
  assert.equal(made.vault.state().state, "empty");
});

test("Vault.remove() forgets a secret for good", async () => {
  await using home = await temporaryFolder();
  await using made = await openTestVault({ folder: home.path });
  await setSecret(made.vault, "a");
  await made.vault.remove("a", owner);
  assert.deepEqual(made.acts, ["set a", "remove a"]);
  assert.equal(await codeOf(made.vault.remove("a", owner)), "SECRET_NOT_FOUND");
  assert.equal(await codeOf((async () => made.vault.open("a"))()), "SECRET_NOT_FOUND");
  const database = new Database(join(home.path, "convergio.db"));
  assert.deepEqual(database.prepare("SELECT * FROM secrets").all(), []);
  database.close();
});
