/**
 * Who attacks: arbitrary JavaScript inside a runner, as a guest that has escaped V8 would have it.
 *
 * What must not happen: that it reads or writes a file, opens a connection, starts a process or a
 * thread, loads native code, makes code from text, or opens a debugger in the host. This is Node's own
 * wall alone, as on a machine that has no other. What it leaves open, signals to processes of the same
 * user, is held here too: SECURITY.md says so, and this test fails on the day it is no longer true.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "#test/support/home.ts";
import { nodeWall, projectRoot } from "#runtime/sandbox/process.ts";

const walls = nodeWall(projectRoot);
const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

/** Tries each thing and tells what came of it: "ALLOWED", or the code it was refused with. */
const attempts = String.raw`
  const out = {};
  const told = (error) => error.cause?.code ?? error.code ?? error.name;
  const attempt = async (name, act) => {
    try { await act(); out[name] = "ALLOWED"; } catch (error) { out[name] = told(error); }
  };
  const [folder, port, parent, sources] = process.argv.slice(1);
  process.permission.drop("fs.read");
  const fs = await import("node:fs").catch(() => undefined);
  await attempt("read", () => fs.readFileSync("/etc/passwd"));
  await attempt("read its own sources", () => fs.readFileSync(sources));
  await attempt("list", () => fs.readdirSync("/"));
  await attempt("write", () => fs.writeFileSync(folder + "/written", "x"));
  await attempt("link", () => fs.symlinkSync("/etc/passwd", folder + "/link"));
  await attempt("open descriptor", () => fs.readFileSync("/proc/self/fd/0"));
  await attempt("connect", () => fetch("http://127.0.0.1:" + port + "/"));
  await attempt("socket", async () => {
    const { connect } = await import("node:net");
    const socket = connect(Number(port), "127.0.0.1");
    await new Promise((resolve, reject) => socket.on("connect", resolve).on("error", reject));
  });
  await attempt("listen", async () => {
    const { createServer } = await import("node:net");
    const server = createServer();
    await new Promise((resolve, reject) => server.listen(0).on("listening", resolve).on("error", reject));
  });
  await attempt("datagram", async () => {
    const { createSocket } = await import("node:dgram");
    const socket = createSocket("udp4");
    await new Promise((resolve, reject) =>
      socket.on("error", reject).send("x", Number(port), "127.0.0.1", (error) => (error ? reject(error) : resolve())));
  });
  await attempt("process", async () => (await import("node:child_process")).execFileSync("id"));
  await attempt("thread", async () => {
    const { Worker } = await import("node:worker_threads");
    new Worker("0", { eval: true });
  });
  await attempt("sqlite", async () => {
    const { DatabaseSync } = await import("node:sqlite");
    new DatabaseSync(folder + "/database").exec("create table t (a)");
  });
  await attempt("wasi", async () => {
    const { WASI } = await import("node:wasi");
    new WASI({ version: "preview1", preopens: { "/": "/" } });
  });
  await attempt("native code", () => process.dlopen({ exports: {} }, folder + "/none.node"));
  await attempt("foreign functions", async () => (await import("node:ffi")).dlopen("libc.so.6", {}));
  await attempt("code from text", () => new Function("return 1")());
  await attempt("eval", () => (0, eval)("1"));
  await attempt("inspector", async () => (await import("node:inspector")).open(0));
  await attempt("bindings", () => process.binding("fs").open);
  await attempt("change folder", () => process.chdir("/tmp"));
  await attempt("signal", () => process.kill(Number(parent), 0));
  out.environment = Object.keys(process.env);
  process.stdout.write(JSON.stringify(out) + "\n");
`;

/** A file that a runner may read until it has loaded it. */
const sources = fileURLToPath(new URL("../../runtime/sandbox/wire.ts", import.meta.url));

/** Runs the attempts behind the walls of a runner. */
async function attemptAll(port: number): Promise<Record<string, unknown>> {
  const child = spawn(
    process.execPath,
    [
      ...[...walls, "--input-type=module", "-e", attempts],
      ...[folder.path, String(port), String(process.pid), sources],
    ],
    { cwd: "/", env: {}, stdio: ["pipe", "pipe", "pipe"] },
  );
  let text = "";
  let complaints = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  await once(child, "close");
  assert.notEqual(text, "", complaints);
  return JSON.parse(text) as Record<string, unknown>;
}

const server = createServer((_, response) => response.end("a secret")).listen(0, "127.0.0.1");
await once(server, "listening");
after(() => server.close());
const outcome = await attemptAll((server.address() as AddressInfo).port);

const denied = "ERR_ACCESS_DENIED";
/** What each attempt is refused with; any other outcome is looked at by a person. */
const refused: Readonly<Record<string, string>> = {
  read: denied,
  "read its own sources": denied,
  list: denied,
  write: denied,
  link: denied,
  "open descriptor": denied,
  connect: denied,
  socket: denied,
  listen: denied,
  datagram: denied,
  process: denied,
  thread: denied,
  sqlite: "ERR_UNKNOWN_BUILTIN_MODULE",
  wasi: denied,
  "native code": "ERR_DLOPEN_DISABLED",
  "foreign functions": "ERR_UNKNOWN_BUILTIN_MODULE",
  "code from text": "EvalError",
  eval: "EvalError",
  inspector: denied,
  bindings: denied,
  "change folder": denied,
};

for (const [attempt, code] of Object.entries(refused)) {
  test(`a runner is refused to: ${attempt}`, () => assert.equal(outcome[attempt], code));
}

test("a runner has an empty environment", () => {
  assert.deepEqual(outcome["environment"], []);
});

test("a runner leaves no file behind", () => {
  for (const name of ["written", "link", "database"])
    assert.ok(!existsSync(join(folder.path, name)));
});

test("Node's own wall leaves signals to processes of the same user open, as SECURITY.md says", () => {
  assert.equal(outcome["signal"], "ALLOWED");
});

test("a signal opens no debugger in a runner", async () => {
  const idle = "process.stdout.write('up'); setTimeout(() => process.stdout.write(' still'), 500)";
  const child = spawn(process.execPath, [...walls, "--input-type=module", "-e", idle], {
    env: {},
    stdio: ["pipe", "pipe", "pipe"],
  });
  let heard = "";
  child.stderr.on("data", (chunk: Buffer) => {
    heard += chunk.toString();
  });
  await once(child.stdout, "data");
  child.kill("SIGUSR1");
  await once(child, "close");
  assert.doesNotMatch(heard, /Debugger listening/);
});
