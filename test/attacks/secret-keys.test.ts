/**
 * Who attacks: another user of the machine, and code that has broken into a process that the host
 * started.
 *
 * What must not happen: that the vault is used with a key that others could read or change, and that
 * a key which came by the environment is found in that of the host or of anything it starts.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readEnvironment } from "#runtime/environment.ts";
import { program } from "#test/support/cli.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { codeOf, openHostIn } from "#test/support/host.ts";
import { keyFileOf, openTestVault, setSecret } from "#test/support/vault.ts";

const key = Buffer.alloc(32, 7).toString("base64");

for (const mode of [0o640, 0o604, 0o660, 0o644, 0o610, 0o601, 0o666, 0o777])
  test(`a key file of mode ${mode.toString(8)} refuses the start`, async () => {
    await using folder = await temporaryFolder();
    const home = join(folder.path, "home");
    await mkdir(home, { mode: 0o700 });
    await writeFile(keyFileOf(home), key);
    await chmod(keyFileOf(home), mode);
    const start = openHostIn(folder.path);
    await assert.rejects(start, (error: Error) => !error.message.includes(folder.path));
    assert.equal(await codeOf(start), "VAULT_KEY_REFUSED");
    await chmod(keyFileOf(home), 0o600);
    await using host = await openHostIn(folder.path);
    assert.equal(host.host.secrets.state().state, "empty");
  });

test("a link in the place of the key file is not followed, in reading and in writing", async () => {
  await using folder = await temporaryFolder();
  const elsewhere = join(folder.path, "elsewhere");
  await writeFile(elsewhere, key, { mode: 0o600 });
  await symlink(elsewhere, keyFileOf(folder.path));
  assert.equal(await codeOf(openTestVault({ folder: folder.path })), "VAULT_KEY_REFUSED");
  await using other = await temporaryFolder();
  const target = join(other.path, "target");
  await symlink(target, `${keyFileOf(other.path)}.new`);
  await using made = await openTestVault({ folder: other.path });
  await setSecret(made.vault, "a");
  assert.equal((await stat(keyFileOf(other.path))).mode & 0o777, 0o600);
  await assert.rejects(stat(target));
});

test("a mounted key may be a link that others read, and must not be one that others write", async () => {
  await using folder = await temporaryFolder();
  const real = join(folder.path, "real");
  const path = join(folder.path, "mounted");
  await writeFile(real, `${key}\n`);
  await symlink(real, path);
  const open = () => openTestVault({ folder: folder.path, key: `mounted:${path}` });
  for (const mode of [0o400, 0o440, 0o444, 0o644]) {
    await chmod(real, mode);
    await using made = await open();
    await setSecret(made.vault, "a");
  }
  for (const mode of [0o660, 0o646]) {
    await chmod(real, mode);
    assert.equal(await codeOf(open()), "VAULT_KEY_REFUSED", mode.toString(8));
  }
});

test("a text that is no key is refused, and no part of it is told", async () => {
  for (const variable of ["short", "x".repeat(42), key.slice(4), `${key},no`, "00".repeat(31)]) {
    const opened = openTestVault({ places: { variable } });
    await assert.rejects(opened, (error: Error) => !error.message.includes(variable.slice(0, 4)));
    assert.equal(await codeOf(opened), "VAULT_KEY_REFUSED", variable);
  }
});

test("a key of the environment is taken out of it when it is read", () => {
  const variables = { CONVERGIO_VAULT_KEY: key, CONVERGIO_HOME: "/home" };
  const environment = readEnvironment(variables);
  assert.deepEqual(variables, { CONVERGIO_HOME: "/home" });
  assert.equal(environment.keyPlaces.variable, key);
  assert.equal(JSON.stringify(environment.overrides).includes(key), false);
});

test("a key of the environment reaches no process that the host starts", async () => {
  await using folder = await temporaryFolder();
  const home = join(folder.path, "home");
  const child = spawn(process.execPath, [program, "serve", "--home", home, "--port", "0"], {
    env: { PATH: process.env["PATH"], CONVERGIO_VAULT_KEY: key },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  try {
    const said = await until(child.stderr, /listening.* on (\S+)/);
    const secret = await readFile(join(home, "key"), "utf8");
    const headers = { authorization: `Bearer ${secret.trim()}` };
    const health = await (await fetch(`${said[1]}/health`, { headers })).json();
    const { detail } = health.checks.find(({ name }: { name: string }) => name === "vault");
    assert.equal(detail, "its key is in the variable CONVERGIO_VAULT_KEY");
    const started = await descendantsOf(child.pid ?? 0);
    assert(started.length > 0, "a runner is started with the host");
    for (const pid of started) {
      const environ = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
      assert.equal(environ.includes(key), false);
      assert.equal(environ.includes("CONVERGIO"), false);
      const words = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
      assert.equal(words.includes(key), false);
    }
  } finally {
    child.kill("SIGTERM");
    await closed;
  }
});

/** Waits for a line on a stream. */
async function until(stream: NodeJS.ReadableStream, line: RegExp): Promise<RegExpMatchArray> {
  let text = "";
  for await (const piece of stream) {
    text += piece;
    const found = text.match(line);
    if (found !== null) return found;
  }
  return assert.fail(`it said only: ${text}`);
}

async function descendantsOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const own = text
    .split(" ")
    .filter((word) => word !== "")
    .map(Number);
  const below = await Promise.all(own.map(descendantsOf));
  return [...own, ...below.flat()];
}
