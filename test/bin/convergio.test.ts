import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { program, temporaryHome } from "#test/support/cli.ts";

const run = promisify(execFile);

/** A checkout whose program says how it was started, ends as it is told, and hears signals. */
async function fakeCheckout(folder: string): Promise<string> {
  const bin = join(folder, "bin", "convergio.js");
  await mkdir(join(folder, "runtime"), { recursive: true });
  await cp(program, bin);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await writeFile(
    join(folder, "runtime", "main.ts"),
    `const words: string[] = process.argv.slice(2);
     process.on("SIGTERM", () => process.exit(42));
     console.log(JSON.stringify({ words, flags: process.execArgv, node: process.versions.node }));
     if (words[0] === "wait") setInterval(() => {}, 1000);
     else process.exitCode = Number(words[0] ?? 0);`,
  );
  return bin;
}

/** Returns a module that makes this Node say that it is another version. */
async function pretendNode(folder: string, version: string): Promise<string> {
  const lie = join(folder, "lie.mjs");
  await writeFile(
    lie,
    `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`,
  );
  return lie;
}

test("convergio.js starts the host with the signal of the debugger disabled", async () => {
  await using folder = await temporaryHome();
  const bin = await fakeCheckout(folder.home);
  const { stdout } = await run(process.execPath, [bin, "0", "a b"]);
  const { words, flags } = JSON.parse(stdout);
  assert.deepEqual(words, ["0", "a b"]);
  assert.ok(flags.includes("--disable-sigusr1"));
});

test("convergio.js exits as the host does", async () => {
  await using folder = await temporaryHome();
  const bin = await fakeCheckout(folder.home);
  await assert.rejects(run(process.execPath, [bin, "3"]), { code: 3 });
});

test("convergio.js under an older Node starts the one that the checkout fetched", async () => {
  await using folder = await temporaryHome();
  const bin = await fakeCheckout(folder.home);
  const lie = await pretendNode(folder.home, "20.1.0");
  const fetched = join(folder.home, ".tools", "node-26.10.0", "node_modules", "node", "bin");
  await mkdir(fetched, { recursive: true });
  await symlink(process.execPath, join(fetched, "node"));
  const { stdout } = await run(process.execPath, ["--import", lie, bin, "0", "a b"]);
  const { words, flags, node } = JSON.parse(stdout);
  assert.deepEqual(words, ["0", "a b"]);
  assert.ok(flags.includes("--disable-sigusr1"));
  assert.equal(node, process.versions.node);
  await assert.rejects(run(process.execPath, ["--import", lie, bin, "2"]), { code: 2 });
});

test("convergio.js under an older Node passes on the signal that ends it", async () => {
  await using folder = await temporaryHome();
  const bin = await fakeCheckout(folder.home);
  const lie = await pretendNode(folder.home, "20.1.0");
  const modules = join(folder.home, "node_modules", "node");
  await mkdir(join(modules, "bin"), { recursive: true });
  await writeFile(join(modules, "package.json"), '{"name":"node","version":"26.10.0"}');
  await symlink(process.execPath, join(modules, "bin", "node"));
  const child = spawn(process.execPath, ["--import", lie, bin, "wait"]);
  const ended = Promise.withResolvers<number | null>();
  child.once("close", ended.resolve);
  child.stdout.once("data", () => child.kill("SIGTERM"));
  assert.equal(await ended.promise, 42);
});

test("convergio.js under an older Node without another one says what to type", async () => {
  await using folder = await temporaryHome();
  const bin = await fakeCheckout(folder.home);
  const lie = await pretendNode(folder.home, "18.20.0");
  await assert.rejects(run(process.execPath, ["--import", lie, bin]), (error) => {
    const { code, stderr } = error as unknown as { code: number; stderr: string };
    assert.equal(code, 3);
    assert.match(stderr, /^error NODE_TOO_OLD: .*18\.20\.0.*26 or newer.*\nhint: .*`make install`/);
    return true;
  });
});

test("the program in the repository runs", async () => {
  const { stdout } = await run(process.execPath, [program, "--version"], { cwd: dirname(program) });
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});
