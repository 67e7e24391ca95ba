import assert from "node:assert/strict";
import { chmod, chown, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openHome } from "#runtime/home.ts";
import { ownProcess, runs } from "#runtime/owner.ts";
import { socketPathOf } from "#runtime/socket.ts";
import { startChild } from "#test/support/child.ts";
import { temporaryFolder } from "#test/support/home.ts";

const program = fileURLToPath(new URL("home-child.ts", import.meta.url));
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test("openHome() makes folders and files that only their owner can read", async () => {
  await using folder = await temporaryFolder();
  await using home = await openHome(join(folder.path, "home"));
  await writeFile(join(home.logs, "guest.log"), "");
  for (const path of [home.path, home.plugins, home.modules, home.staging, home.logs, home.run])
    assert.equal(await modeOf(path), 0o700, path);
  assert.equal(await modeOf(join(home.logs, "guest.log")), 0o600);
});

test("openHome() shuts a home that others can enter", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "home");
  await mkdir(path);
  await chmod(path, 0o755);
  await using home = await openHome(path);
  assert.equal(await modeOf(home.path), 0o700);
});

test("openHome() refuses a folder in the home that leads elsewhere", async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, "home"));
  await mkdir(join(folder.path, "elsewhere"));
  await symlink(join(folder.path, "elsewhere"), join(folder.path, "home", "plugins"));
  await assert.rejects(openHome(join(folder.path, "home")), { code: "HOME_UNUSABLE" });
});

test("openHome() refuses a home of another user", {
  skip: process.getuid?.() !== 0 && "only root can give a folder away",
}, async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "home");
  await mkdir(path);
  await chown(path, 12_345, 12_345);
  await assert.rejects(openHome(path), { code: "HOME_UNUSABLE" });
});

test("openHome() refuses a home that this process has open", async () => {
  await using folder = await temporaryFolder();
  await using home = await openHome(join(folder.path, "home"));
  await assert.rejects(openHome(home.path), { code: "HOME_IN_USE", facts: { pid: process.pid } });
});

test("openHome() opens a home that was given back", async () => {
  await using folder = await temporaryFolder();
  await (await openHome(folder.path))[Symbol.asyncDispose]();
  await using home = await openHome(folder.path);
  assert.equal(home.crashed, null);
});

test("openHome() refuses a home of a living process and names it", async () => {
  await using folder = await temporaryFolder();
  await using owner = startChild(program, [folder.path]);
  assert.equal(await owner.line(), "open none");
  await assert.rejects(openHome(folder.path), { code: "HOME_IN_USE", facts: { pid: owner.pid } });
});

test("openHome() takes over the home of a killed process and says whose it was", async () => {
  await using folder = await temporaryFolder();
  await using owner = startChild(program, [folder.path]);
  await owner.line();
  await owner.kill();
  await using home = await openHome(folder.path);
  assert.equal(home.crashed?.pid, owner.pid);
});

test("openHome() gives the home of a killed process to one of many that want it", async () => {
  await using folder = await temporaryFolder();
  await using owner = startChild(program, [folder.path]);
  await owner.line();
  await owner.kill();
  await using stack = new AsyncDisposableStack();
  const takers = Array.from({ length: 5 }, () => stack.use(startChild(program, [folder.path])));
  const said = await Promise.all(takers.map((taker) => taker.line()));
  const isOpen = (line: string | undefined): boolean => line === `open ${owner.pid}`;
  assert.equal(said.filter(isOpen).length, 1, said.join());
  assert.equal(said.filter((line) => line?.startsWith("HOME_IN_USE")).length, 4, said.join());
});

test("openHome() is not misled by another process under the number of a dead owner", async () => {
  await using folder = await temporaryFolder();
  await using other = startChild(program, [join(folder.path, "another")]);
  await other.line();
  const path = join(folder.path, "home");
  await mkdir(join(path, "run"), { recursive: true });
  await writeFile(
    join(path, "run", "owner.json"),
    JSON.stringify({ pid: other.pid, startedAt: "before the machine was switched on" }),
  );
  await using home = await openHome(path);
  assert.equal(home.crashed?.pid, other.pid);
});

test("openHome() refuses a home whose owner lives where the file system has no locks", async () => {
  await using folder = await temporaryFolder();
  await using owner = startChild(program, [join(folder.path, "another")]);
  await owner.line();
  const record = join("run", "owner.json");
  const path = join(folder.path, "home");
  await mkdir(join(path, "run"), { recursive: true });
  await writeFile(join(path, record), await readFile(join(folder.path, "another", record)));
  await assert.rejects(openHome(path), { code: "HOME_IN_USE", facts: { pid: owner.pid } });
});

test("openHome() opens a home whose record of the owner is half written", async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, "run"));
  await writeFile(join(folder.path, "run", "owner.json"), '{"pid":12');
  await using home = await openHome(folder.path);
  assert.equal(home.crashed, null);
});

test("openHome() removes what a killed install left behind", async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, "staging", "abc", "package"), { recursive: true });
  await writeFile(join(folder.path, "staging", "abc", "package", "plugin.wasm"), "half");
  await using home = await openHome(folder.path);
  assert.deepEqual(await readdir(home.staging), []);
});

test("openHome() gives a home with a long path a socket that a server can listen on", async () => {
  await using folder = await temporaryFolder();
  await using home = await openHome(join(folder.path, "a".repeat(60), "b".repeat(60)));
  assert.equal(await modeOf(dirname(home.socket)), 0o700);
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(home.socket, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
});

test("socketPathOf() stays in the home when it can, and differs for two homes when not", () => {
  assert.equal(socketPathOf("/home/ada/.convergio"), "/home/ada/.convergio/run/host.sock");
  const long = `/${"x".repeat(90)}`;
  const paths = [`${long}/a`, `${long}/b`].map(socketPathOf);
  assert.equal(new Set(paths).size, 2);
  assert.ok(
    paths.every((path) => path.length <= 103),
    paths.join(),
  );
});

test("runs() tells a living process from a dead one and from another under its number", async () => {
  await using folder = await temporaryFolder();
  await using child = startChild(program, [folder.path]);
  await child.line();
  const own = await ownProcess();
  assert.equal(await runs(own), true);
  assert.equal(await runs({ ...own, startedAt: "another time" }), false);
  await child.kill();
  assert.equal(await runs({ ...own, pid: child.pid }), false);
});
