import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Host } from "#runtime/host.ts";
import type { ConsentAsk } from "#runtime/consent/asked.ts";
import { type RunOptions, runInside, temporaryHome } from "#test/support/cli.ts";
import { askOf } from "#test/support/asks.ts";
import { createFakeHost } from "#test/support/fake-host.ts";

const plain = askOf();

interface Answered {
  readonly accept: boolean;
  readonly grants?: unknown;
}

/** A host whose installs all wait for an answer to one ask. */
function asking(ask: ConsentAsk): { host: Host; answers: Answered[]; sources: unknown[] } {
  const { host } = createFakeHost([ask.id]);
  const [answers, sources]: [Answered[], unknown[]] = [[], []];
  return {
    answers,
    sources,
    host: {
      ...host,
      requests: {
        ...host.requests,
        async begin({ source, onStep }) {
          sources.push(source);
          onStep?.("consent");
          return { kind: "waiting", request: 7, consentId: "consent-1", ask };
        },
        async answer(_, { accept, grants, onStep }) {
          onStep?.("compile");
          answers.push({ accept, ...(grants !== undefined && { grants }) });
          return accept ? host.plugins.info(ask.id) : null;
        },
      },
    },
  };
}

/** What is sent for a plain yes to a plugin that wants nothing. */
const nothing = { grants: 1 };

/** A plugin's folder, a package and a module, with nothing in them: the host is a fake. */
async function sourcesOf(context: TestContext): Promise<{ folder: string; home: string }> {
  const temporary = await temporaryHome();
  context.after(() => temporary[Symbol.asyncDispose]());
  const folder = dirname(temporary.home);
  await mkdir(join(folder, "vowels"));
  await writeFile(join(folder, "a.tgz"), "package");
  await writeFile(join(folder, "my plugin.wasm"), "module");
  return { folder, home: temporary.home };
}

function install(source: string, more: readonly string[], options: RunOptions) {
  return runInside(["plugin", "install", source, ...more], options);
}

test("plugin install without a terminal and without --yes installs nothing", async (context) => {
  const { folder, home } = await sourcesOf(context);
  const { host, answers } = asking(plain);
  const ran = await install(join(folder, "vowels"), [], { home, host });
  assert.deepEqual({ code: ran.code, out: ran.out, answers }, { code: 1, out: "", answers: [] });
});

test("plugin install without a terminal says what to type to accept what was asked", async (context) => {
  const { folder, home } = await sourcesOf(context);
  const { host } = asking(plain);
  const source = join(folder, "my plugin.wasm");
  const { err } = await install(source, ["--id", "vowels"], { home, host });
  assert.match(err, /^error CONSENT_NEEDED: Cannot install local\/vowels:/m);
  assert.ok(err.includes("`convergio requests approve 7 --yes`"), err);
});

test("plugin install --yes accepts, and still shows what was accepted", async (context) => {
  const { folder, home } = await sourcesOf(context);
  const { host, answers } = asking(plain);
  const { code, out, err } = await install(join(folder, "vowels"), ["--yes"], { home, host });
  assert.equal(code, 0, err);
  assert.partialDeepStrictEqual(answers, [{ accept: true, grants: nothing }]);
  assert.match(err, /local\/vowels 1\.0\.0, unsigned, from .*, asks for nothing/);
  assert.match(out, /^installed local\/vowels 1\.0\.0 \(unsigned\)\n/);
});

for (const [typed, accept, code] of [
  ["y", true, 0],
  ["n", false, 1],
  ["\r", false, 1],
  ["\u0003", false, 1],
] as const)
  test(`plugin install at a terminal takes ${JSON.stringify(typed)} as ${accept ? "yes" : "no"}`, async (context) => {
    const { folder, home } = await sourcesOf(context);
    const { host, answers } = asking(plain);
    const options = { home, host, isTerminal: true, input: typed };
    const ran = await install(join(folder, "vowels"), [], options);
    assert.partialDeepStrictEqual({ code: ran.code, answers }, { code, answers: [{ accept }] });
    assert.equal(ran.err.includes("CONSENT_DECLINED"), !accept);
  });

test("plugin install gives the owner's host an absolute path and not the bytes", async (context) => {
  const { folder, home } = await sourcesOf(context);
  const { host, sources } = asking(plain);
  await install(join(folder, "vowels", "..", "a.tgz"), ["--yes"], { home, host });
  assert.deepEqual(sources, [{ kind: "path", path: join(folder, "a.tgz") }]);
});

test("plugin install --id names a module that has no manifest", async (context) => {
  const { folder, home } = await sourcesOf(context);
  const { host, sources } = asking(plain);
  await install(join(folder, "my plugin.wasm"), ["--yes", "--id", "vowels"], { home, host });
  assert.deepEqual(sources, [{ kind: "wasm", bytes: Buffer.from("module"), name: "vowels" }]);
});

test("plugin install --id of a package or a folder exits 2", async (context) => {
  const { folder, home } = await sourcesOf(context);
  const { host, sources } = asking(plain);
  for (const source of ["vowels", "a.tgz"]) {
    const { code } = await install(join(folder, source), ["--id", "x", "--yes"], { home, host });
    assert.equal(code, 2);
  }
  assert.deepEqual(sources, []);
});

test("plugin install of nothing that is there exits 1 before a host is asked", async (context) => {
  const { folder, home } = await sourcesOf(context);
  const { host, sources } = asking(plain);
  const { code, err } = await install(join(folder, "none"), ["--yes"], { home, host });
  assert.deepEqual({ code, sources }, { code: 1, sources: [] });
  assert.match(err, /^error FILE_UNUSABLE: Cannot use ".*none": it cannot be found/);
});

test("plugin install --json prints the plugin and nothing for a person to read", async (context) => {
  const { folder, home } = await sourcesOf(context);
  const { host } = asking(plain);
  const { out } = await install(join(folder, "vowels"), ["--yes", "--json"], { home, host });
  assert.equal(JSON.parse(out).id, "local/vowels");
});
