/** SIGTERM to the program that people start: calls that run finish, the home is given back, exit code 0. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditRecord } from "#manifests/audit.ts";
import { program } from "#test/support/cli.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { openHostIn } from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

/** A host that serves, with a plugin that naps and spins. */
interface Served extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly home: string;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  call(tool: string): Promise<{ status: number; body: { output?: unknown; title?: string } }>;
}

async function serve(folder: string, drain: string): Promise<Served> {
  await prepare(folder);
  const home = join(folder, "home");
  const { PATH } = process.env;
  const child = spawn(process.execPath, [program, "serve", "--port", "0"], {
    env: { PATH, CONVERGIO_HOME: home, CONVERGIO_SERVER_DRAIN: drain },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const { promise: ended, resolve } = Promise.withResolvers<Awaited<Served["ended"]>>();
  child.once("close", (code, signal) => resolve({ code, signal }));
  const url = await urlOf(child);
  const key = (await readFile(join(home, "key"), "utf8")).trim();
  return {
    child,
    home,
    ended,
    async call(tool) {
      const answer = await fetch(`${url}/plugins/local/it/invoke`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ tool, input: "" }),
      });
      return { status: answer.status, body: await answer.json() };
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function prepare(folder: string): Promise<void> {
  await using host = await openHostIn(folder);
  const tools = [...jsonTools("spin").tools, { name: "nap", encoding: "text" }];
  const manifest = { provides: { tools } };
  await installFrom(host, await writeFolder(host, "it", manifest, relay([], "rested")));
}

/** Reads on for ever: a pipe that is full or closed would be another fault than the one at hand. */
function urlOf({ stderr }: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let heard = "";
  stderr?.on("data", (chunk: Buffer) => {
    heard += chunk.toString();
    const found = /listening on (http\S+)/.exec(heard);
    if (found?.[1]) resolve(found[1]);
  });
  stderr?.on("close", () => reject(new assert.AssertionError({ message: heard })));
  return promise;
}

async function codesOf(folder: string): Promise<string[]> {
  await using host = await openHostIn(folder);
  const records = (await host.host.auditQuery({ kind: "call", limit: 10 })) as AuditRecord[];
  return records.map(({ tool, code }) => `${tool} ${code}`).sort();
}

test("SIGTERM lets running calls finish, refuses new ones, and ends with 0", async () => {
  await using folder = await temporaryFolder();
  await using served = await serve(folder.path, "10s");
  assert.deepEqual((await served.call("nap")).body.output, "rested");
  const running = [served.call("nap"), served.call("nap")];
  await sleep(100);
  served.child.kill("SIGTERM");
  await sleep(50);
  // The door may be shut already, or still be open to say so.
  const late = await served.call("nap").catch(() => ({ status: 503, body: {} }));
  assert.equal(late.status, 503);
  for (const { status, body } of await Promise.all(running))
    assert.deepEqual([status, body.output], [200, "rested"]);
  assert.deepEqual(await served.ended, { code: 0, signal: null });
  assert.equal(existsSync(join(served.home, "run", "host.sock")), false);
  assert.equal(existsSync(join(served.home, "run", "owner.json")), false);
  assert.deepEqual((await codesOf(folder.path)).slice(0, 3), Array(3).fill("nap null"));
});

test("SIGTERM ends with HOST_STOPPING what is not done in time, answers and records it, and ends with 0", async () => {
  await using folder = await temporaryFolder();
  await using served = await serve(folder.path, "200ms");
  const running = served.call("spin");
  await sleep(300);
  served.child.kill("SIGTERM");
  const { status, body } = await running;
  assert.deepEqual([status, body.title], [503, "HOST_STOPPING"]);
  assert.deepEqual(await served.ended, { code: 0, signal: null });
  assert.deepEqual(await codesOf(folder.path), ["spin HOST_STOPPING"]);
});

test("SIGTERM drains a host as well to whose words nobody listens any more", async () => {
  await using folder = await temporaryFolder();
  await using served = await serve(folder.path, "10s");
  served.child.stderr?.destroy();
  const running = served.call("nap");
  await sleep(100);
  served.child.kill("SIGTERM");
  assert.equal((await running).status, 200);
  assert.deepEqual(await served.ended, { code: 0, signal: null });
});

test("a second signal ends a host at once that waits for calls", async () => {
  await using folder = await temporaryFolder();
  await using served = await serve(folder.path, "60s");
  const running = served.call("spin").catch(() => "cut");
  await sleep(300);
  served.child.kill("SIGTERM");
  await sleep(200);
  served.child.kill("SIGTERM");
  assert.equal((await served.ended).code, 3);
  assert.equal(await running, "cut");
});
