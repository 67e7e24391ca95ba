/**
 * Who attacks: whoever can write to the database of a home, and has not its key.
 *
 * What must not happen: that a value opens under another name, for other hosts or as another version
 * than it was set, or that anything is opened at all with another key.
 */

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import Database from "better-sqlite3";
import { owner } from "#runtime/keys.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { codeOf, keyFileOf, openTestVault, setSecret, strongValue } from "#test/support/vault.ts";

/** A change of the database, and the secrets that must not open after it. */
const tamperings: readonly (readonly [what: string, sql: string, damaged: readonly string[]])[] = [
  [
    "two values are swapped",
    `CREATE TEMP TABLE old AS SELECT name, sealed FROM secrets;
     UPDATE secrets SET sealed = (SELECT old.sealed FROM old
       WHERE old.name = CASE secrets.name WHEN 'a' THEN 'b' ELSE 'a' END) WHERE name IN ('a', 'b')`,
    ["a", "b"],
  ],
  [
    "two names are swapped",
    `UPDATE secrets SET name = CASE name WHEN 'a' THEN 'x' ELSE 'a' END WHERE name IN ('a', 'b')`,
    ["a", "x"],
  ],
  [
    "a row is copied under another name",
    `INSERT INTO secrets SELECT 'z', audience, version, isWeak, setAt, generation, sealed, 0, NULL
       FROM secrets WHERE name = 'a'`,
    ["z"],
  ],
  [
    "another host is named",
    `UPDATE secrets SET audience = '["https://evil.example"]' WHERE name = 'a'`,
    ["a"],
  ],
  [
    "a host is added",
    `UPDATE secrets SET audience = '["https://api.example.com","https://evil.example"]' WHERE name = 'a'`,
    ["a"],
  ],
  ["the audience is no list", `UPDATE secrets SET audience = '{' WHERE name = 'a'`, ["a"]],
  ["the version is another", "UPDATE secrets SET version = version + 1 WHERE name = 'a'", ["a"]],
  ["the time is another", "UPDATE secrets SET setAt = setAt + 1 WHERE name = 'a'", ["a"]],
  ["it is made one that nobody looks for", "UPDATE secrets SET isWeak = 1 WHERE name = 'a'", ["a"]],
  [
    "a byte is another",
    "UPDATE secrets SET sealed = CAST(sealed || x'00' AS BLOB) WHERE name = 'a'",
    ["a"],
  ],
  ["it is cut", "UPDATE secrets SET sealed = substr(sealed, 1, 20) WHERE name = 'a'", ["a"]],
  ["it is empty", "UPDATE secrets SET sealed = x'' WHERE name = 'a'", ["a"]],
];

async function shut(path: string): Promise<void> {
  await using made = await openTestVault({ folder: path });
  for (const name of ["a", "b", "c"])
    await setSecret(made.vault, name, { value: `${strongValue}${name}` });
}

function change(folder: string, sql: string): void {
  const database = new Database(join(folder, "convergio.db"));
  database.pragma("foreign_keys = OFF");
  database.exec(sql);
  database.close();
}

for (const [what, sql, damaged] of tamperings)
  test(`no value opens where ${what}`, async () => {
    await using folder = await temporaryFolder();
    await shut(folder.path);
    change(folder.path, sql);
    await using opened = await openTestVault({ folder: folder.path });
    const { vault } = opened;
    assert.deepEqual((await vault.check()).damaged.toSorted(), damaged);
    for (const name of damaged) {
      const code = await codeOf((async () => vault.open(name))());
      assert(code === "VAULT_DAMAGED" || code === "SECRET_NOT_FOUND", code);
    }
    assert.equal(vault.open("c"), `${strongValue}c`);
    // What is damaged stands in the way of a rotation, which would forget it.
    assert.equal(await codeOf(vault.rotate(owner)), "VAULT_DAMAGED");
    assert.equal(vault.open("c"), `${strongValue}c`);
  });

test("nothing opens with another key, or with the wrapped key of another home", async () => {
  await using folder = await temporaryFolder();
  await using foreign = await temporaryFolder();
  await shut(folder.path);
  await shut(foreign.path);
  const source = new Database(join(foreign.path, "convergio.db"));
  const key = source.prepare("SELECT hex(wrapped) AS wrapped FROM vaultKeys").get() as {
    wrapped: string;
  };
  source.close();
  await writeFile(keyFileOf(folder.path), Buffer.alloc(32, 3).toString("base64"), { mode: 0o600 });
  {
    await using opened = await openTestVault({ folder: folder.path });
    const { vault } = opened;
    assert.equal(vault.state().state, "locked");
    assert.equal(await codeOf((async () => vault.open("a"))()), "VAULT_LOCKED");
  }
  change(folder.path, `UPDATE vaultKeys SET wrapped = x'${key.wrapped}'`);
  await using opened = await openTestVault({ folder: folder.path });
  const { vault } = opened;
  assert.equal(vault.state().state, "locked");
});

test("a key that is moved to another generation opens nothing", async () => {
  await using folder = await temporaryFolder();
  await shut(folder.path);
  change(folder.path, "UPDATE vaultKeys SET generation = 2; UPDATE secrets SET generation = 2");
  await using opened = await openTestVault({ folder: folder.path });
  const { vault } = opened;
  assert.equal(vault.state().state, "locked");
});
