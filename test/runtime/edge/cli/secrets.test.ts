import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Host } from "#runtime/host.ts";
import type { SecretWish } from "#runtime/vault/vault.ts";
import { runInside } from "#test/support/cli.ts";
import { createFakeHost } from "#test/support/fake-host.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { strongValue } from "#test/support/vault.ts";

const home = "/nowhere-at-all";

/** A fake host, and what was set in it. */
function hearing(): { host: Host; wishes: SecretWish[]; acts: readonly string[] } {
  const { host, acts } = createFakeHost();
  const wishes: SecretWish[] = [];
  const { secrets } = host;
  const set: typeof secrets.set = (name, wish, by) => {
    wishes.push(wish);
    return secrets.set(name, wish, by);
  };
  return { host: { ...host, secrets: { ...secrets, set } }, wishes, acts };
}

/** Without the end of the host, which is one of each command. */
function own(acts: readonly string[]): readonly string[] {
  return acts.filter((act) => !act.startsWith("drain "));
}

const words = ["secret", "set", "github", "--for", "https://api.github.com"];

test("secret set takes the value from the standard input, without the line break at its end", async () => {
  const { host, wishes } = hearing();
  const { code, out, err } = await runInside(words, { home, host, input: `${strongValue}\n` });
  assert.equal(code, 0, err);
  assert.match(out, /set.*github.*version 1, for https:\/\/api.github.com/);
  assert.equal(`${out}${err}`.includes(strongValue), false);
  const audience = ["https://api.github.com"];
  assert.deepEqual(wishes, [{ value: strongValue, audience, wildcard: false, force: false }]);
});

test("secret set takes the value from a file", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "token");
  await writeFile(file, `line one\nline two\r\n`);
  const { host, wishes } = hearing();
  const given = ["secret", "set", "github", "--file", file, "--force"];
  const { code, out } = await runInside(given, { home, host });
  assert.equal(code, 0);
  assert.match(out, /nowhere; it can only be revealed/);
  assert.equal(wishes[0]?.value, "line one\nline two");
  assert.equal(wishes[0]?.force, true);
});

test("secret set asks a person without showing what is typed, not even how much", async () => {
  const { host, wishes } = hearing();
  const options = { home, host, input: `${strongValue}\r`, isTerminal: true };
  const { code, out, err } = await runInside(words, options);
  assert.equal(code, 0, err);
  assert.equal(wishes[0]?.value, strongValue);
  assert.match(err, /Value of github/);
  assert.doesNotMatch(`${out}${err}`, /tok_|•|\*{2}|▪/);
});

test("secret set takes no value as an argument", async () => {
  const { host, wishes } = hearing();
  const given = ["secret", "set", "github", strongValue];
  const { code } = await runInside(given, { home, host, input: strongValue });
  assert.equal(code, 2);
  assert.deepEqual(wishes, []);
});

test("secret set refuses a value that is no text", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "token");
  await writeFile(file, Buffer.from([0xff, 0xfe, 0x80]));
  const { host, wishes } = hearing();
  const { code, err } = await runInside([...words, "--file", file], { home, host });
  assert.equal(code, 2);
  assert.match(err, /not text in UTF-8/);
  assert.deepEqual(wishes, []);
});

test("secret list shows when and how often, and secret remove forgets", async () => {
  const { host, acts } = hearing();
  assert.match((await runInside(["secret", "list"], { home, host })).out, /secret set/);
  await runInside(words, { home, host, input: strongValue });
  const { out } = await runInside(["secret", "list"], { home, host });
  assert.match(out, /SECRET +FOR +VERSION +SET +USED/);
  assert.match(out, /github +https:\/\/api.github.com +1 .* never/);
  const json = await runInside(["secret", "list", "--json"], { home, host });
  assert.equal(JSON.parse(json.out).secrets[0].name, "github");
  assert.equal((await runInside(["secret", "remove", "github"], { home, host })).code, 0);
  assert.deepEqual(own(acts), ["set github by owner", "remove github by owner"]);
  const { code, err } = await runInside(["secret", "remove", "github"], { home, host });
  assert.equal(code, 1);
  assert.match(err, /SECRET_NOT_FOUND/);
});

test("vault check and vault rotate say how the vault is", async () => {
  const { host, acts } = hearing();
  for (const act of ["check", "rotate"]) {
    const { code, out } = await runInside(["vault", act], { home, host });
    assert.equal(code, 0);
    assert.match(out, /open, 0 of 0 open; its key is in the file vault.key of the home/);
  }
  assert.deepEqual(own(acts), ["rotate by owner"]);
});

test("plugin config set takes no secret setting as an argument", async () => {
  const { host, acts } = createFakeHost();
  const config = { type: "object", properties: { apiKey: { type: "string", writeOnly: true } } };
  const manifest: typeof host.plugins.manifest = async (id) => ({ manifest: 1, id, config });
  const marked = { ...host, plugins: { ...host.plugins, manifest } };
  const set = ["plugin", "config", "set", "vowels", "apiKey"];
  const options = { home, host: marked };
  const { code, err } = await runInside([...set, strongValue], options);
  assert.equal(code, 2);
  assert.match(err, /give @FILE or -/);
  assert.deepEqual(own(acts), []);
  const input = { ...options, input: `${strongValue}\n` };
  assert.equal((await runInside([...set, "-"], input)).code, 0);
  assert.equal(
    (await runInside(["plugin", "config", "set", "vowels", "units", "x"], options)).code,
    0,
  );
});
