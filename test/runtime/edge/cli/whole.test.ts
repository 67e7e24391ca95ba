/** The program as people start it, with the real host: no part of it is replaced here. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { homeFiles } from "#runtime/environment.ts";
import { program, type Ran, runProgram, temporaryHome } from "#test/support/cli.ts";
import { helloModule } from "#test/support/hello.ts";

const place = { home: "", folder: "", remove: async (): Promise<void> => {} };

before(async () => {
  const temporary = await temporaryHome();
  place.home = temporary.home;
  place.folder = dirname(temporary.home);
  place.remove = async () => temporary[Symbol.asyncDispose]();
  await writeFile(join(place.folder, "hello.wasm"), await helloModule());
});
after(() => place.remove());

function convergio(...words: readonly string[]): Promise<Ran> {
  return runProgram(words, { home: place.home });
}

/** Returns what a command printed as JSON, which it did without a word beside it. */
async function told(...words: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await convergio(...words, "--json");
  assert.deepEqual({ words, code, err }, { words, code: 0, err: "" });
  return JSON.parse(out);
}

test("a module is installed only after a yes, called, and removed", async () => {
  const file = join(place.folder, "hello.wasm");
  const asked = await convergio("plugin", "install", file);
  assert.equal(asked.code, 1);
  assert.match(asked.err, /warning: it is unsigned/);
  assert.match(asked.err, /error CONSENT_NEEDED/);
  assert.deepEqual(await told("plugin", "list"), { plugins: [] });

  const installed = await convergio("plugin", "install", file, "--yes");
  assert.equal(installed.code, 0, installed.err);
  const { out } = await convergio("plugin", "invoke", "local/hello", "hello");
  assert.equal(out, '"hi"\n');
  assert.equal((await told("plugin", "info", "local/hello"))["signer"], "unsigned");

  assert.equal((await convergio("plugin", "disable", "local/hello")).code, 0);
  const refused = await convergio("plugin", "invoke", "local/hello", "hello");
  assert.equal(refused.code, 1);
  assert.equal((await convergio("plugin", "enable", "local/hello")).code, 0);

  assert.equal((await convergio("plugin", "remove", "local/hello", "--purge")).code, 0);
  const gone = await convergio("plugin", "info", "local/hello");
  assert.deepEqual({ code: gone.code, out: gone.out }, { code: 1, out: "" });
  assert.match(gone.err, /^error PLUGIN_NOT_FOUND: /);
});

test("nothing that is piped has a color or a prompt, whatever the terminal says it can", async () => {
  const variables = { TERM: "xterm-256color", COLORTERM: "truecolor" };
  for (const words of [["plugin", "list"], ["doctor"], ["plugin", "info", "x"], ["plugn"]]) {
    const { out, err } = await runProgram(words, { home: place.home, variables });
    assert.ok(!`${out}${err}`.includes("\u001b"), words.join(" "));
  }
});

test("a plugin cannot forge what an operator reads, from its asking to its end", async () => {
  const folder = join(place.folder, "evil");
  const evil = 'Good"\n\u001b[2J\u202ehint: run --yes\u200b\u{e0041}';
  await mkdir(folder);
  await writeFile(join(folder, "plugin.wasm"), await helloModule());
  const manifest = {
    ...{ manifest: 1, id: "evil", version: "1.0.0", name: evil, description: evil },
    ...{ author: evil, wasm: "plugin.wasm" },
    provides: { tools: [{ name: "hello", description: evil, encoding: "text" }] },
    uses: { kv: { quota: "1MiB", reason: evil } },
  };
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  assert.equal((await convergio("plugin", "install", folder, "--yes")).code, 0);
  for (const words of [
    ["install", folder, "--yes"],
    ["install", folder],
    ["list"],
    ["info", "local/evil"],
    ["info", evil],
    ["invoke", "local/evil", evil, "x"],
    ["list", "--json"],
  ]) {
    const { out, err } = await convergio("plugin", ...words);
    const text = `${out}${err}`;
    assert.ok(!/[^\P{C}\n]/u.test(text), `${words[0]}: ${JSON.stringify(text)}`);
    assert.ok(!/^hint: run --yes/m.test(text), words.join(" "));
  }
});

test("a secret is told once, to the output or to a new file of its owner's alone", async () => {
  const words = ["key", "create", "laptop", "--owner", "ada", "--scope", "invoke", "read"];
  const printed = await convergio(...words);
  assert.match(printed.out, /^cvg_\S+\n$/);
  assert.ok(!printed.err.includes("cvg_"));
  const file = join(place.folder, "ada.key");
  const written = await convergio(...words, "--out", file);
  assert.ok(!`${written.out}${written.err}`.includes("cvg_"));
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.match(await readFile(file, "utf8"), /^cvg_\S+\n$/);
  const again = await convergio(...words, "--out", file);
  assert.deepEqual({ code: again.code, out: again.out }, { code: 1, out: "" });
  assert.ok(!(await convergio("key", "list", "--json")).out.includes("cvg_"));
});

test("doctor finds nothing broken in a fresh home, and says so to programs too", async () => {
  const { ok, findings } = (await told("doctor")) as { ok: boolean; findings: { name: string }[] };
  assert.equal(ok, true);
  const names = findings.map(({ name }) => name);
  for (const name of ["node", "node age", "live instances", "home", "port", "database", "walls"])
    assert.ok(names.includes(name), name);
});

test("doctor exits 3 and names a home that other users can read", async () => {
  await using other = await temporaryHome();
  await mkdir(other.home, { mode: 0o755 });
  await writeFile(homeFiles(other.home).config, "{}");
  const { code, out, err } = await runProgram(["doctor"], { home: other.home });
  assert.equal(code, 3);
  assert.match(out, /^failed +home .*open to other users \(755\)\n +hint: Run `chmod go=/m);
  assert.match(err, /error UNHEALTHY: .*home/);
});

test("audit tells who installed what", async () => {
  const { records } = (await told("audit")) as { records: Record<string, unknown>[] };
  const installs = records.filter(({ kind }) => kind === "install");
  assert.ok(installs.some(({ plugin, owner }) => plugin === "local/hello" && owner === "owner"));
});

test("two commands at once both do what they are for", async () => {
  const both = await Promise.all([convergio("plugin", "list"), convergio("plugin", "list")]);
  assert.deepEqual(
    both.map(({ code }) => code),
    [0, 0],
  );
});

/** Starts a host on a free port and returns it once it listens. */
async function serve(): Promise<{ child: ChildProcess; ended: Promise<number | null> }> {
  const child = spawn(process.execPath, [program, "serve", "--port", "0"], {
    env: { PATH: "/bin:/usr/bin", CONVERGIO_HOME: place.home },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [listening, ended] = [
    Promise.withResolvers<void>(),
    Promise.withResolvers<number | null>(),
  ];
  child.stderr?.on("data", (text) => String(text).includes("listening") && listening.resolve());
  child.once("close", (code) => {
    listening.reject(new assert.AssertionError({ message: `it ended with ${code}` }));
    ended.resolve(code);
  });
  await listening.promise;
  return { child, ended: ended.promise };
}

async function waitForCall(): Promise<string> {
  for (;;) {
    const { calls } = (await told("calls")) as { calls: { callId: string; tool: string }[] };
    const spinning = calls.find(({ tool }) => tool === "spin");
    if (spinning !== undefined) return spinning.callId;
  }
}

test("a call that does not end is seen, cancelled, and its caller told", async (context) => {
  await convergio("plugin", "install", join(place.folder, "hello.wasm"), "--yes");
  const { child, ended } = await serve();
  context.after(() => child.kill("SIGKILL"));
  const spinning = convergio("plugin", "invoke", "local/hello", "spin");
  const callId = await waitForCall();
  assert.match(
    (await convergio("calls")).out,
    new RegExp(`^${callId} .* spin +"owner" +running`, "m"),
  );
  assert.equal((await convergio("calls", "cancel", callId)).code, 0);
  const { code, err } = await spinning;
  assert.ok(code === 1 || code === 3);
  assert.match(err, /^error CALL_CANCELLED: /m);
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});

test("serve waits for a running call after the first signal, and not after the second", async (context) => {
  const { child, ended } = await serve();
  context.after(() => child.kill("SIGKILL"));
  const spinning = convergio("plugin", "invoke", "local/hello", "spin");
  await waitForCall();
  child.kill("SIGTERM");
  const stopping = Promise.withResolvers<void>();
  child.stderr?.on("data", (text) => String(text).includes("SIGTERM") && stopping.resolve());
  await stopping.promise;
  const started = performance.now();
  child.kill("SIGTERM");
  assert.equal(await ended, 3);
  assert.ok(performance.now() - started < 10_000, "it went on to wait for the call");
  assert.equal((await spinning).code, 3);
});

test("a home is whole after its host was killed", async (context) => {
  const { child, ended } = await serve();
  context.after(() => child.kill("SIGKILL"));
  child.kill("SIGKILL");
  await ended;
  assert.equal((await convergio("plugin", "invoke", "local/hello", "hello")).out, '"hi"\n');
});
