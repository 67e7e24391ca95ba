import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { GrantsText } from "#manifests/grants.ts";
import type { ConsentAsk } from "#runtime/consent/asked.ts";
import type { Host } from "#runtime/host.ts";
import { askOf, entryOf } from "#test/support/asks.ts";
import { runInside, type Typed } from "#test/support/cli.ts";
import { createFakeHost } from "#test/support/fake-host.ts";

const network: NonNullable<GrantsText["network"]>[number] = {
  scheme: "https",
  host: "*.example.com",
  port: 443,
  path: "/",
  methods: ["GET", "HEAD"],
};
const folder = { name: "cache", folder: null, access: "write", quota: "64MiB" } as const;
const ask = askOf({
  id: "local/asks",
  asks: [
    entryOf({
      ...{ entry: "network[0]", capability: "network", verb: "fetch", words: "GET https://…" },
      offer: { grants: 1, network: [network] },
    }),
    entryOf({
      ...{ entry: "files.cache", capability: "files", verb: "keep", words: "files of its own" },
      offer: { grants: 1, files: [folder] },
    }),
    entryOf({
      ...{ entry: "secrets.KEY", capability: "secrets", verb: "send", words: "a secret of yours" },
      hosts: ["api.example.com", "*.example.org"],
      offer: { grants: 1 },
    }),
    entryOf(),
  ],
  choices: { KEY: ["wikimedia", "other"] },
});

/** A host with one request, and what was answered. */
function waiting(asked: ConsentAsk = ask) {
  const { host } = createFakeHost([asked.id]);
  const answers: { accept: boolean; grants?: GrantsText }[] = [];
  const secrets: object[] = [];
  const view = {
    ...{ number: 3, plugin: asked.id, version: "1.0.0", digest: asked.digest, signer: "unsigned" },
    ...{ source: "an upload", askedBy: "ada" },
    ...{ createdAt: "2026-01-01T00:00:00Z", expiresAt: "2026-01-08T00:00:00Z" },
  };
  const requests: Host["requests"] = {
    ...host.requests,
    list: async () => [view],
    show: async () => ({ ...view, request: 3, consentId: "consent-3", ask: asked }),
    answer: async (which, { consentId, accept, grants }) => {
      assert.deepEqual([which, consentId], [{ number: 3 }, "consent-3"]);
      answers.push({ accept, ...(grants !== undefined && { grants: grants as GrantsText }) });
      return accept ? host.plugins.info(asked.id) : null;
    },
  };
  const set: Host["secrets"]["set"] = async (name, { value, audience, wildcard }) => {
    secrets.push({ name, value, audience, wildcard });
    const dates = { setAt: "2026-01-01T00:00:00Z", lastUsedAt: null };
    return { name, audience, version: 1, isWeak: false, uses: 0, ...dates };
  };
  return { host: { ...host, requests, secrets: { ...host.secrets, set } }, answers, secrets };
}

async function run(words: readonly string[], types?: readonly Typed[], asked?: ConsentAsk) {
  const { host, answers, secrets } = waiting(asked);
  const ran = await runInside(["requests", ...words], {
    ...{ host, home: "/nowhere" },
    ...(types && { isTerminal: true, types }),
  });
  const [answer] = answers;
  return { ...ran, answer, grants: answer?.grants, secrets };
}

test("requests lists what waits, as a table and as JSON", async () => {
  const { out, code } = await run([]);
  assert.equal(code, 0);
  assert.match(
    out,
    /^NUMBER +PLUGIN +VERSION +SIGNER +ASKED BY +ASKED +EXPIRES IN\n +3 +local\/asks/,
  );
  const json = JSON.parse((await run(["--json"])).out);
  assert.equal(json.requests[0].number, 3);
});

test("requests show prints the screen that an install shows", async () => {
  const { out } = await run(["show", "3"]);
  assert.match(out, /^local\/asks 1\.0\.0, unsigned, from .*, asks to\n/);
});

test("requests deny says no", async () => {
  const { answer, out } = await run(["deny", "3"]);
  assert.deepEqual(answer, { accept: false });
  assert.equal(out, "denied local/asks\n");
});

test("requests approve without a terminal answers nothing, and says what to type", async () => {
  const { answer, code, err } = await run(["approve", "3"]);
  assert.deepEqual({ answer, code }, { answer: undefined, code: 1 });
  assert.ok(err.includes("`convergio requests approve 3 --yes`"), err);
});

test("--yes grants all that is asked but secrets", async () => {
  const { grants, code, err } = await run(["approve", "3", "--yes"]);
  assert.equal(code, 0, err);
  assert.partialDeepStrictEqual(grants, {
    ...{ network: [{ host: "*.example.com" }], files: [{ name: "cache", folder: null }] },
    kv: { quota: "1MiB" },
  });
  assert.deepEqual(grants?.secrets, []);
});

test("--grant grants that and nothing else, by entry or by capability", async () => {
  const { grants } = await run(["approve", "3", "--grant", "kv", "--grant", "network"]);
  assert.equal(grants?.network?.length, 1);
  assert.equal(grants?.kv?.quota, "1MiB");
  assert.deepEqual([grants?.files, grants?.secrets], [[], []]);
});

test("--refuse grants all but that", async () => {
  const { grants } = await run(["approve", "3", "--refuse", "network[0]"]);
  assert.deepEqual([grants?.network, grants?.files?.length], [[], 1]);
});

test("--secret and --folder say which of the operator's own are meant", async () => {
  const options = ["--yes", "--secret", "KEY=wikimedia", "--folder", "cache=/srv/cache"];
  const { grants } = await run(["approve", "3", ...options]);
  assert.partialDeepStrictEqual(grants?.secrets, [
    { name: "KEY", secret: "wikimedia", mode: "inject" },
  ]);
  assert.equal(grants?.files?.[0]?.folder, "/srv/cache");
});

test("--grants grants what a file says", async () => {
  const file = join(await mkdtemp(join(tmpdir(), "convergio-")), "grants.json");
  await writeFile(file, JSON.stringify({ grants: 1, kv: { quota: "1KiB" } }));
  const { grants } = await run(["approve", "3", "--grants", file]);
  assert.deepEqual(grants, { grants: 1, kv: { quota: "1KiB" } });
  await writeFile(file, '{"grants": 2}');
  assert.match((await run(["approve", "3", "--grants", file])).err, /GRANTS_INVALID/);
});

for (const [options, found] of [
  [["--grant", "shell"], /"shell" is not among what is asked: network\[0\], files\.cache/],
  [["--refuse", "kv.more"], /"kv\.more" is not among/],
  [["--yes", "--secret", "OTHER=x"], /"OTHER" is not among what is asked: KEY/],
  [["--yes", "--secret", "KEY"], /it must be NAME=VALUE, found "KEY"/],
  [["--yes", "--folder", "notes=/x"], /"notes" is not among what is asked: cache/],
] as const)
  test(`${options.join(" ")} names nothing that is asked for, and exits 2`, async () => {
    const { answer, code, err } = await run(["approve", "3", ...options]);
    assert.deepEqual({ answer, code }, { answer: undefined, code: 2 });
    assert.match(err, found);
  });

test("at a terminal g grants all, and asks which secret", async () => {
  const { grants, err } = await run(
    ["approve", "3"],
    [
      ["Grant all / choose / refuse?", "g"],
      ["Which secret of yours is KEY?", "\r"],
    ],
  );
  assert.partialDeepStrictEqual(grants?.secrets, [{ name: "KEY", secret: "wikimedia" }], err);
  assert.equal(grants?.network?.length, 1);
});

test("at a terminal none is an answer to which secret", async () => {
  const down = "\u001b[B";
  const { grants } = await run(
    ["approve", "3"],
    [
      ["Grant all / choose / refuse?", "g"],
      ["Which secret of yours is KEY?", `${down}${down}${down}\r`],
    ],
  );
  assert.deepEqual(grants?.secrets, []);
});

test("at a terminal a new secret is made for the hosts that are asked for, and is not shown", async () => {
  const down = "\u001b[B";
  const { grants, secrets, err } = await run(
    ["approve", "3"],
    [
      ["Grant all / choose / refuse?", "g"],
      ["Which secret of yours is KEY?", `${down}${down}\r`],
      ["How do you call it?", "-2\r"],
      ["Value of key-2", "s3cr3t-value\r"],
    ],
  );
  assert.partialDeepStrictEqual(grants?.secrets, [{ name: "KEY", secret: "key-2" }], err);
  assert.deepEqual(secrets, [
    {
      name: "key-2",
      value: "s3cr3t-value",
      audience: ["https://api.example.com", "https://*.example.org"],
      wildcard: true,
    },
  ]);
  assert.ok(!err.includes("s3cr3t"));
});

for (const keys of ["r", "\r", "\u0003"])
  test(`at a terminal ${JSON.stringify(keys)} refuses`, async () => {
    const { answer, code, err } = await run(
      ["approve", "3"],
      [["Grant all / choose / refuse?", keys]],
    );
    assert.deepEqual({ answer, code }, { answer: { accept: false }, code: 1 });
    assert.match(err, /CONSENT_DECLINED/);
  });

test("at a terminal c asks about each: granted, narrowed, refused", async () => {
  const back = "\u007f".repeat(20);
  const { grants, code, err } = await run(
    ["approve", "3"],
    [
      ["Grant all / choose / refuse?", "c"],
      ["GET https://…?", "n"],
      ["Only which host?", `${back}api.example.com\r`],
      ["Which methods?", `${back}get\r`],
      ["Only paths that begin with?", "core\r"],
      ["files of its own?", "n"],
      ["Which folder is cache?", "/srv/cache\r"],
      ["Up to how much?", `${back}1MiB\r`],
      ["Which secret of yours is KEY?", "\r"],
      ["values of its own, up to 1 MiB?", "r"],
    ],
  );
  assert.equal(code, 0, err);
  assert.partialDeepStrictEqual(grants, {
    network: [{ host: "api.example.com", methods: ["GET"], path: "/core" }],
    files: [{ folder: "/srv/cache", quota: "1MiB" }],
    secrets: [{ secret: "wikimedia" }],
  });
  assert.equal(grants?.kv, undefined);
});

test("at a terminal more than is asked is asked for again", async () => {
  const back = "\u007f".repeat(20);
  const { grants, err } = await run(
    ["approve", "3"],
    [
      ["Grant all / choose / refuse?", "c"],
      ["values of its own, up to 1 MiB?", "n"],
      ["Up to how much?", `${back}1GiB\r`],
      ["That is more than is asked", `${back}1KiB\r`],
    ],
    askOf({ id: "local/asks", asks: [entryOf()] }),
  );
  assert.equal(grants?.kv?.quota, "1KiB", err);
});

test("what was chosen is said together when it means something else than what was offered", async () => {
  const options = ["--yes", "--folder", "cache=/home/ada/notes"];
  const { err } = await run(["approve", "3", ...options]);
  assert.match(err, /together: it can read "\/home\/ada\/notes" and send it to \*\.example\.com/);
});
