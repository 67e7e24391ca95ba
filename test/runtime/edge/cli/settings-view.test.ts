import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { settingKeys } from "#manifests/config.ts";
import { homeFiles } from "#runtime/environment.ts";
import { runInside, temporaryHome } from "#test/support/cli.ts";
import { createFakeHost } from "#test/support/fake-host.ts";

test("config check takes a file that is in order and says what it sets", async () => {
  await using folder = await temporaryHome();
  const file = join(dirname(folder.home), "good.json");
  await writeFile(file, '{"log":{"level":"warn"},"server":{"port":1}}');
  const { code, out } = await runInside(["config", "check", file], folder);
  assert.equal(code, 0);
  assert.match(out, /^ok .*good\.json sets server\.port, log\.level\n$/);
});

for (const [what, text, said] of [
  ["a key that is none", '{"log":{"levle":"warn"}}', /log\.levle.*is not a known key/],
  ["a value out of range", '{"server":{"port":70000}}', /server\.port.*found 70000/],
  ["no JSON", "{", /as JSON/],
] as const)
  test(`config check refuses ${what} with exit 1, naming it`, async () => {
    await using folder = await temporaryHome();
    await mkdir(folder.home);
    await writeFile(homeFiles(folder.home).config, text);
    const { code, out, err } = await runInside(["config", "check"], folder);
    assert.deepEqual({ code, out }, { code: 1, out: "" });
    assert.match(err, said);
  });

test("config check of a file that is not there exits 1", async () => {
  assert.equal((await runInside(["config", "check", "/nowhere/x"], { home: "/nowhere" })).code, 1);
});

test("config show --origin says of every setting who said it", async () => {
  await using folder = await temporaryHome();
  await mkdir(folder.home);
  await writeFile(homeFiles(folder.home).config, '{"log":{"level":"warn"}}');
  const variables = { CONVERGIO_SERVER_PORT: "8080" };
  const { out } = await runInside(["config", "show", "--origin"], { ...folder, variables });
  assert.equal(out.trimEnd().split("\n").length, 1 + settingKeys.length);
  assert.match(out, /^server\.port +8080 +CONVERGIO_SERVER_PORT$/m);
  assert.match(out, /^log\.level +warn +.*convergio\.json$/m);
  assert.match(out, /^server\.host +127\.0\.0\.1 +default$/m);
});

test("config show --json has each value with its unit", async () => {
  const { out } = await runInside(["config", "show", "--json"], { home: "/nowhere" });
  const { settings } = JSON.parse(out);
  assert.deepEqual(settings["defaults.memory"], {
    ...{ value: 67_108_864, unit: "bytes", applies: "reload", origin: "default" },
  });
});

test("a command on a terminal has colors, unless NO_COLOR or TERM says otherwise", async () => {
  const { host } = createFakeHost();
  const on = { home: "/nowhere", host, isTerminal: true };
  const words = ["plugin", "info", "none"];
  const colored = "\u001b[31merror PLUGIN_NOT_FOUND:";
  assert.ok((await runInside(words, on)).err.startsWith(colored));
  for (const variables of [{ NO_COLOR: "1" }, { TERM: "dumb" }])
    assert.ok(!(await runInside(words, { ...on, variables })).err.includes("\u001b"));
});
