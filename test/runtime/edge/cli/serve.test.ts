import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { homeFiles } from "#runtime/environment.ts";
import { runInside, temporaryHome } from "#test/support/cli.ts";

const program = fileURLToPath(new URL("../../../support/fake-cli.ts", import.meta.url));
/** Secret of the first key that the fake host makes. */
const secret = "cvg_held-0";

/** A host that serves, and what it says. */
interface Served {
  readonly child: ChildProcess;
  readonly home: string;
  /** Resolves with everything said so far, as soon as it holds the words. */
  said(words: RegExp): Promise<string>;
  readonly ended: Promise<number | null>;
}

async function serve(context: TestContext, words: readonly string[] = []): Promise<Served> {
  const temporary = await temporaryHome();
  const { home } = temporary;
  // The real host makes it; the fake one has no home.
  await mkdir(dirname(homeFiles(home).socket), { recursive: true, mode: 0o700 });
  const child = spawn(
    process.execPath,
    ["--disable-sigusr1", program, "serve", "--port", "0", ...words],
    { env: { PATH: "/bin:/usr/bin", CONVERGIO_HOME: home }, stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = Promise.withResolvers<number | null>();
  child.once("close", ended.resolve);
  context.after(async () => {
    child.kill("SIGKILL");
    await ended.promise;
    await temporary[Symbol.asyncDispose]();
  });
  return { child, home, said: listener(child), ended: ended.promise };
}

function listener(child: ChildProcess): Served["said"] {
  const heard = { text: "" };
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    heard.text += text;
  });
  return async (words) => {
    for (const start = performance.now(); ; ) {
      if (words.test(heard.text)) return heard.text;
      const late = performance.now() - start > 20_000;
      assert.ok(!late && child.exitCode === null, `waiting for ${words}, heard: ${heard.text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
}

/** Returns where a host listens. */
async function urlOf({ said }: Served): Promise<string> {
  return /listening on (\S+)/.exec(await said(/listening on \S+\n/))?.[1] ?? "";
}

function call(url: string, input: unknown): Promise<Response> {
  return fetch(`${url}/plugins/vowels/invoke`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({ tool: "echo", input }),
  });
}

test("serve says in one line which walls do not stand around runners", async (context) => {
  const { said } = await serve(context);
  const text = await said(/warning: .*\n/);
  assert.match(text, /warning: runners are held by Node's permission model alone/);
});

test("serve says where it listens and how to call it, without the key itself", async (context) => {
  const served = await serve(context);
  const url = await urlOf(served);
  const said = await served.said(/try: /);
  assert.match(said, new RegExp(`try: curl .*\\$\\(cat ${homeFiles(served.home).key}\\).* ${url}`));
  assert.ok(!said.includes("cvg_"));
  assert.equal((await call(url, "hello")).status, 200);
});

for (const signal of ["SIGTERM", "SIGINT"] as const)
  test(`serve ends with 0 on ${signal}, and leaves no socket behind`, async (context) => {
    const served = await serve(context);
    await urlOf(served);
    const { socket } = homeFiles(served.home);
    assert.equal((await stat(socket)).mode & 0o777, 0o600);
    served.child.kill(signal);
    assert.equal(await served.ended, 0);
    assert.ok(!existsSync(socket));
  });

test("serve ends the calls that run when it is stopped, and tells their callers", async (context) => {
  const served = await serve(context);
  const answer = call(await urlOf(served), "wait");
  await waitForCall(served);
  served.child.kill("SIGTERM");
  assert.ok((await answer).status >= 400);
  assert.equal(await served.ended, 0);
});

async function waitForCall({ home }: Served): Promise<void> {
  for (;;) {
    const { out } = await runInside(["calls", "--json"], { home });
    if (JSON.parse(out).calls.length > 0) return;
  }
}

test("serve answers the commands of the home through its socket", async (context) => {
  const served = await serve(context);
  await urlOf(served);
  const { home } = served;
  const listed = await runInside(["plugin", "list", "--json"], { home });
  assert.deepEqual({ code: listed.code, err: listed.err }, { code: 0, err: "" });
  assert.equal(JSON.parse(listed.out).plugins[0].id, "vowels");
  const words = ["plugin", "invoke", "vowels", "echo", "hello"];
  assert.equal((await runInside(words, { home })).out, '"hello"\n');
});

test("serve answers commands from elsewhere with the key of a file, and no others", async (context) => {
  const served = await serve(context);
  const url = await urlOf(served);
  const { home } = served;
  const keyFile = join(dirname(home), "ada.key");
  await writeFile(keyFile, `${secret}\n`, { mode: 0o600 });
  const words = ["plugin", "list", "--json", "--url", url];
  const known = await runInside([...words, "--key-file", keyFile], { home: "/nowhere" });
  assert.deepEqual({ code: known.code, err: known.err }, { code: 0, err: "" });
  const unknown = await runInside(words, { home: "/nowhere" });
  assert.equal(unknown.code, 1);
  assert.equal(JSON.parse(unknown.err).error.code, "KEY_MISSING");
});

test("plugin install to a host elsewhere sends the file whole, and no folder", async (context) => {
  const served = await serve(context);
  const url = await urlOf(served);
  const folder = dirname(served.home);
  const [module, keyFile] = [join(folder, "large.wasm"), join(folder, "ada.key")];
  await writeFile(module, Buffer.alloc(3_000_001));
  await writeFile(keyFile, secret, { mode: 0o600 });
  const from = ["--url", url, "--key-file", keyFile];
  const sent = await runInside(["plugin", "install", module, ...from], { home: "/nowhere" });
  assert.deepEqual({ code: sent.code, err: sent.err }, { code: 0, err: "" });
  assert.match(sent.out, /^installed local\/large /);
  const refused = await runInside(["plugin", "install", folder, ...from], { home: "/nowhere" });
  assert.equal(refused.code, 1);
  assert.match(refused.err, /takes a package \(\.tgz\) or a module/);
});

test("a key does not travel unencrypted, nor from a file that others read without a word", async (context) => {
  await using temporary = await temporaryHome();
  const keyFile = join(dirname(temporary.home), "ada.key");
  await writeFile(keyFile, secret, { mode: 0o644 });
  const far = ["plugin", "list", "--key-file", keyFile, "--url", "http://192.0.2.1:1"];
  const refused = await runInside(far, { home: "/nowhere" });
  assert.equal(refused.code, 2);
  assert.match(refused.err, /--url: the key would travel unencrypted/);
  const url = await urlOf(await serve(context));
  const near = ["plugin", "list", "--key-file", keyFile, "--url", url];
  const warned = await runInside(near, { home: "/nowhere" });
  assert.equal(warned.code, 0);
  assert.match(warned.err, /^warning: other users of this machine can read/);
});

test("plugin logs --follow shows lines as they come, and exits 3 when the host is killed", async (context) => {
  const served = await serve(context);
  await urlOf(served);
  const child = spawn(process.execPath, [program, "plugin", "logs", "vowels", "--follow"], {
    env: { PATH: "/bin:/usr/bin", CONVERGIO_HOME: served.home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  context.after(() => child.kill("SIGKILL"));
  const [said, ended] = [listener(child), Promise.withResolvers<number | null>()];
  child.once("close", ended.resolve);
  const first = Promise.withResolvers<string>();
  child.stdout.setEncoding("utf8").once("data", first.resolve);
  assert.match(await first.promise, /said/);
  served.child.kill("SIGKILL");
  assert.equal(await ended.promise, 3);
  await said(/error HOST_UNREACHABLE: .*connection ended/).catch(() => assert.fail("no reason"));
});

test("serve reads its settings again on SIGHUP and says what needs a restart", async (context) => {
  const served = await serve(context);
  await urlOf(served);
  const file = homeFiles(served.home).config;
  await writeFile(file, JSON.stringify({ log: { level: "warn" }, runners: { max: 3 } }));
  served.child.kill("SIGHUP");
  await served.said(/reloaded/);
  await served.said(/after a restart only: runners\.max\n/);
});

test("serve keeps its settings when those it reads again are wrong", async (context) => {
  const served = await serve(context);
  const url = await urlOf(served);
  await writeFile(homeFiles(served.home).config, JSON.stringify({ log: { level: "loud" } }));
  served.child.kill("SIGHUP");
  const said = await served.said(/still hold/);
  assert.match(said, /error SETTINGS_INVALID: .*log\.level.*loud/);
  assert.equal((await call(url, "hello")).status, 200);
});

test("serve with a setting that is wrong exits 1 and listens nowhere", async (context) => {
  const served = await serve(context, ["--behind-proxy", "everybody"]);
  await served.said(/error SETTINGS_INVALID: .*--behind-proxy/);
  assert.equal(await served.ended, 1);
});

test("serve on a port that is taken exits 3 and names the port", async (context) => {
  const other = createServer().listen(0, "127.0.0.1");
  context.after(() => other.close());
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as { port: number };
  const served = await serve(context, ["--port", String(port)]);
  await served.said(new RegExp(`error PORT_TAKEN: .*${port}`));
  assert.equal(await served.ended, 3);
});

test("serve beyond this machine without encryption exits 3 and says what to give", async (context) => {
  const served = await serve(context, ["--host", "0.0.0.0"]);
  await served.said(/hint: .*--tls-cert/);
  assert.equal(await served.ended, 3);
});
