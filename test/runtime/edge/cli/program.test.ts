import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "commander";
import { settings } from "#manifests/config.ts";
import { errors } from "#manifests/errors.ts";
import { createProgram } from "#runtime/edge/cli/program.ts";
import type { World } from "#runtime/edge/cli/world.ts";
import { runInside } from "#test/support/cli.ts";

const home = "/nowhere";

/** Every command of the tree that does something, with its words. */
function acting(parent: Command, words: readonly string[] = []): [string, Command][] {
  return parent.commands.flatMap((command) => {
    const own = [...words, command.name()];
    return command.commands.length > 0
      ? acting(command, own)
      : [[own.join(" "), command] satisfies [string, Command]];
  });
}

function tree(): [string, Command][] {
  return acting(createProgram(() => ({}) as World, "0.0.0"));
}

test("createProgram() keeps its commands, arguments and options", (context) => {
  const lines = tree().map(([words, command]) => {
    const options = command.options.map(({ flags }) => `[${flags}]`);
    return [words, command.usage().replace(/\[options\] ?/, ""), ...options]
      .filter(Boolean)
      .join(" ");
  });
  context.assert.snapshot(lines);
});

for (const [words] of tree())
  test(`${words} --help says what it does, with an example that begins with it`, async () => {
    const { code, out, err } = await runInside([...words.split(" "), "--help"], { home });
    assert.deepEqual({ code, err }, { code: 0, err: "" });
    const example = /Example:\n {2}\$ convergio (.+)/.exec(out)?.[1] ?? "";
    const first = words.replace(/ list$/, "");
    assert.ok(example.startsWith(first), `${example} is no example of ${first}`);
  });

test("every example is understood by the command that shows it", async () => {
  for (const [words] of tree()) {
    const { out } = await runInside([...words.split(" "), "--help"], { home });
    const example = /Example:\n {2}\$ convergio (.+)/.exec(out)?.[1] ?? "";
    const typed = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map((part) => part[1] ?? part[2] ?? "");
    const reached: string[] = [];
    const program = createProgram(() => ({}) as World, "0.0.0");
    for (const [own, command] of acting(program)) command.action(() => void reached.push(own));
    await program.parseAsync(typed, { from: "user" });
    assert.deepEqual(reached, [words]);
  }
});

test("serve --help names the defaults that hold", async () => {
  const { out } = await runInside(["serve", "--help"], { home });
  const text = out.replaceAll(/\s+/g, " ");
  assert.ok(text.includes(`address to listen on (default: ${settings["server.host"].default})`));
  assert.ok(text.includes(`any that is free (default: ${settings["server.port"].default})`));
});

test("every command that an error tells to type is there", () => {
  const known = tree().flatMap(([words]) => [words, words.replace(/ list$/, "")]);
  const told = Object.values(errors).flatMap(({ message, hint }) =>
    [...`${message} ${hint}`.matchAll(/`convergio ([^`]+)`/g)].map((found) => found[1] ?? ""),
  );
  assert.ok(told.length > 10);
  const unknown = told.filter(
    (typed) =>
      !/[{]command[}]/.test(typed) && !known.some((words) => `${typed} `.startsWith(`${words} `)),
  );
  assert.deepEqual(unknown, []);
});

test("a command without words shows how the program is used", async () => {
  const { code, out } = await runInside([], { home });
  assert.equal(code, 0);
  assert.match(out, /^Usage: convergio/);
});

test("a word that is no command exits 2 and suggests the nearest one", async () => {
  const { code, out, err } = await runInside(["plugn", "list"], { home });
  assert.deepEqual({ code, out }, { code: 2, out: "" });
  assert.equal(err, "error USAGE_INVALID: unknown command 'plugn'\nhint: Did you mean plugin?\n");
});

test("an option that is none exits 2 and suggests the nearest one", async () => {
  const { code, err } = await runInside(["plugin", "list", "--jsn"], { home });
  assert.equal(code, 2);
  assert.match(err, /hint: Did you mean --json\?/);
});

test("an argument too many, too few or out of range exits 2", async () => {
  for (const words of [
    ["plugin", "info"],
    ["plugin", "info", "a", "b"],
    ["plugin", "logs", "a", "--limit", "0"],
    ["plugin", "logs", "a", "--limit", "1e3"],
    ["key", "create", "x"],
    ["plugin", "stop"],
    ["plugin", "stop", "a", "--all"],
  ])
    assert.equal((await runInside(words, { home })).code, 2, words.join(" "));
});

test("a wrong word with escape sequences cannot move the cursor of who typed it", async () => {
  const { err } = await runInside(["\u001b[2Jplugin"], { home });
  assert.ok(!err.includes("\u001b"));
  assert.match(err, /\\u\{1b\}/);
});

test("--version prints the version of the package", async () => {
  const { code, out } = await runInside(["--version"], { home });
  assert.equal(code, 0);
  assert.match(out, /^\d+\.\d+\.\d+\n$/);
});
