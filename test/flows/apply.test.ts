/** A host made what a file says, as an operator does it: with the program, in homes of their own. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "#test/support/cli.ts";
import type { TestHost } from "#test/support/host.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { writeFolder } from "#test/support/written.ts";

const manifest = {
  provides: jsonTools("kv_set"),
  uses: { kv: { quota: "1MiB", reason: "remember" } },
  config: { type: "object", properties: { units: { type: "string" } } },
};

test("what export writes makes another home the same, and says so when it is", async () => {
  await using folder = await temporaryFolder();
  const [one, two] = ["one", "two"].map((name) => join(folder.path, name)) as [string, string];
  const source = await writeFolder(
    { folder: folder.path } as TestHost,
    "keeper",
    manifest,
    relay(["kv_set"], "1"),
  );
  const said = async (home: string, ...words: string[]) => {
    const ran = await runProgram(words, { home });
    return { ...ran, text: `${ran.out}${ran.err}` };
  };
  assert.equal((await said(one, "plugin", "install", source, "--yes")).code, 0);
  await writeFile(join(folder.path, "config.json"), '{"units":"metric"}');
  const config = [
    "plugin",
    "config",
    "set",
    "local/keeper",
    `@${join(folder.path, "config.json")}`,
  ];
  assert.equal((await said(one, ...config)).code, 0);
  assert.equal((await said(one, "plugin", "stop", "local/keeper")).code, 0);
  const key = ["key", "create", "ci", "--owner", "ada", "--scope", "invoke"];
  assert.equal((await said(one, ...key)).code, 0);
  const file = join(folder.path, "host.json");
  assert.equal((await said(one, "export", file)).code, 0);
  assert.match((await said(one, "apply", file, "--check")).out, /nothing to do/);

  const open = await said(two, "apply", file, "--check");
  assert.equal(open.code, 1);
  assert.match(open.err, /\+ install local\/keeper.*\+ key ada\/ci.*DESIRED_UNMET/s);
  assert.match((await said(two, "plugin", "list")).text, /No plugin is installed/);
  const done = await said(two, "apply", file, "--yes", "--keys-to", folder.path);
  assert.equal(done.code, 0, done.text);
  assert.match((await said(two, "apply", file, "--check")).out, /nothing to do/);
  assert.match(await readFile(join(folder.path, "ada-ci.key"), "utf8"), /^cvg_/);
  assert.match((await said(two, "plugin", "list")).out, /local\/keeper .*stopped/);

  const written = JSON.parse(await readFile(file, "utf8"));
  written.plugins[0].digest = `sha256:${"0".repeat(64)}`;
  await writeFile(file, JSON.stringify(written));
  const refused = await said(two, "apply", file, "--yes");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /DIGEST_DIFFERS/);
});
