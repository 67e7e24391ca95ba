import assert from "node:assert/strict";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { keyring } from "#runtime/vault/keyring.ts";
import { keySourceOf } from "#runtime/vault/key-source.ts";
import { owner } from "#runtime/keys.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { codeOf, keyFileOf, openTestVault, setSecret, strongValue } from "#test/support/vault.ts";

const keyOf = (fill: number) => Buffer.alloc(32, fill);
const textOf = (fill: number) => keyOf(fill).toString("base64");

test("keySourceOf() takes what the service was given, then the file of the home", async () => {
  await using folder = await temporaryFolder();
  const credentials = join(folder.path, "credentials");
  await mkdir(credentials);
  const read = (places: object) => keySourceOf("auto", folder.path, places).read();
  assert.equal(await read({ credentials }), undefined);
  await writeFile(keyFileOf(folder.path), textOf(3), { mode: 0o600 });
  assert.deepEqual(await read({ credentials }), [keyOf(3)]);
  // Service managers let the group of the service read it.
  await writeFile(join(credentials, "convergio-vault-key"), textOf(2), { mode: 0o440 });
  assert.deepEqual(await read({ credentials }), [keyOf(2)]);
  assert.deepEqual(await read({ credentials, variable: textOf(1) }), [keyOf(1)]);
});

test("keySourceOf() takes keys in base64 and hexadecimal, a line each or with commas", async () => {
  await using folder = await temporaryFolder();
  const read = (variable: string) => keySourceOf("environment", folder.path, { variable }).read();
  const both = [keyOf(1), keyOf(2)];
  assert.deepEqual(await read(`${textOf(1)}\n${textOf(2)}\n`), both);
  assert.deepEqual(await read(` ${textOf(1)},${keyOf(2).toString("hex").toUpperCase()} `), both);
  assert.deepEqual(await read(textOf(1).replace("=", "")), [keyOf(1)]);
  assert.equal(await read(" \n"), undefined);
});

test("keySourceOf() writes to no place that is somebody else's", async () => {
  const writes = (setting: string) => keySourceOf(setting, "/home", {}).write !== undefined;
  const settings = [
    "auto",
    "file",
    "file:/x",
    "keyring",
    "environment",
    "credential",
    "mounted:/x",
  ];
  assert.deepEqual(settings.map(writes), [true, true, true, true, false, false, false]);
});

/** A program that speaks as `secret-tool` does, and keeps what it is given in a file. */
const fakeTool = (folder: string) => `#!/bin/sh
printf '%s\\n' "$*" >> '${folder}/words'
case "$1" in
  lookup) [ -f '${folder}/kept' ] || exit 1; cat '${folder}/kept';;
  store) cat > '${folder}/kept';;
  *) exit 2;;
esac
`;

async function toolIn(folder: string, text: string): Promise<string> {
  const path = join(folder, "tool");
  await writeFile(path, text);
  await chmod(path, 0o700);
  return path;
}

function ringOf(home: string, command: string) {
  return keyring(home, {
    command,
    lookup: (of) => ({ words: ["lookup", "service", "convergio", "home", of], input: "" }),
    store: (of, input) => ({ words: ["store", "service", "convergio", "home", of], input }),
    absentCode: 1,
  });
}

test("keyring() keeps the key of a home by the system's own program, and never in its arguments", async () => {
  await using folder = await temporaryFolder();
  const source = ringOf("/a home", await toolIn(folder.path, fakeTool(folder.path)));
  {
    await using made = await openTestVault({ folder: folder.path, source });
    assert.equal(made.vault.state().state, "empty");
    await setSecret(made.vault, "a");
    await made.vault.rotate(owner);
  }
  await using again = await openTestVault({ folder: folder.path, source });
  assert.equal(again.vault.open("a"), strongValue);
  const kept = await readFile(join(folder.path, "kept"), "utf8");
  assert.equal(Buffer.from(kept, "base64").length, 32);
  const words = await readFile(join(folder.path, "words"), "utf8");
  assert.match(words, /^lookup service convergio home \/a home$/m);
  assert.equal(words.includes(kept.slice(0, 8)), false);
});

test("keyring() that is locked or not there leaves the vault locked, and the rest goes on", async () => {
  await using folder = await temporaryFolder();
  const locked = await toolIn(folder.path, "#!/bin/sh\necho 'cannot unlock' >&2\nexit 1\n");
  for (const command of [locked, join(folder.path, "nothing")]) {
    await using made = await openTestVault({ source: ringOf("/home", command) });
    assert.equal(made.vault.state().state, "locked");
    assert.equal(await codeOf(setSecret(made.vault, "a")), "VAULT_LOCKED");
  }
});
