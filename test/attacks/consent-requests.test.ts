/**
 * The attacker holds a key that may install, or was shown one thing and wants a yes to it to count for
 * another, or restarts, floods and repeats until something gives way.
 */
import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Caller, owner } from "#runtime/keys.ts";
import { fakeClock } from "#test/support/clock.ts";
import {
  approve,
  asked,
  begin,
  callerWith,
  granter,
  held,
  installer,
  waitingFor,
  writeVersion,
} from "#test/support/consents.ts";
import { codeOf, openHostIn, openTestHost, type TestHost } from "#test/support/host.ts";
import { temporaryFolder } from "#test/support/home.ts";

const reason = "to work";
const some = { kv: { quota: "1MiB", reason } };
const more = { ...some, network: [{ host: "*", reason }] };
const dayMs = 86_400_000;

/** What lies on disk for requests. */
async function packagesOf({ folder }: TestHost): Promise<string[]> {
  return readdir(join(folder, "home", "requests"));
}

test("a consent to one package is none to another of the same name and version", async () => {
  await using host = await openTestHost();
  const harmless = await waitingFor(host, await writeVersion(host, "1.0.0", some));
  const hostile = await waitingFor(host, await writeVersion(host, "1.0.0", more));
  assert.notEqual(harmless.request, hostile.request);
  assert.partialDeepStrictEqual(host.host.events.recent(), [
    { kind: "consentNeeded", plugin: "local/asks", subject: String(harmless.request) },
    { kind: "consentNeeded", plugin: "local/asks", subject: String(hostile.request) },
  ]);
  const mixed = approve(host, { ...hostile, consentId: harmless.consentId });
  await assert.rejects(mixed, { code: "CONSENT_OUTDATED" });
  const byName = { consentId: harmless.consentId, by: owner, accept: true };
  const view = await host.host.requests.answer({ plugin: "local/asks" }, byName);
  assert.equal(view?.digest, harmless.ask.digest);
  assert.equal(held(host).network?.length, 0);
});

test("a consent is good once, also when two answer at the same time", async () => {
  await using host = await openTestHost();
  const waiting = await waitingFor(host, await writeVersion(host, "1.0.0", some));
  const both = await Promise.all([
    codeOf(approve(host, waiting)),
    codeOf(approve(host, waiting, undefined, granter)),
  ]);
  assert.deepEqual(both.sort(), ["REQUEST_NOT_FOUND", "ok"]);
  assert.equal(await codeOf(approve(host, waiting)), "REQUEST_NOT_FOUND");
  const byName = { consentId: waiting.consentId, by: owner, accept: true };
  const again = host.host.requests.answer({ plugin: "local/asks" }, byName);
  assert.equal(await codeOf(again), "CONSENT_NOT_FOUND");
});

test("a consent that was given is no consent to the same package after it was removed", async () => {
  await using host = await openTestHost();
  const path = await writeVersion(host, "1.0.0", some);
  const first = await waitingFor(host, path);
  await approve(host, first);
  await host.host.plugins.remove("local/asks", owner, { purge: false });
  const second = await waitingFor(host, path);
  const replayed = approve(host, { ...second, consentId: first.consentId });
  await assert.rejects(replayed, { code: "CONSENT_OUTDATED" });
});

test("a consent is to what was shown: what else was installed since has to be shown again", async () => {
  await using host = await openTestHost();
  await asked(host, await writeVersion(host, "1.0.0", some), { grants: 1, kv: { quota: "1KiB" } });
  const waiting = await waitingFor(host, await writeVersion(host, "2.0.0", more));
  assert.deepEqual(
    waiting.ask.asks.map(({ capability }) => capability),
    ["network"],
  );
  await host.host.plugins.remove("local/asks", owner, { purge: false });
  assert.equal(await codeOf(approve(host, waiting)), "CONSENT_OUTDATED");
  const shown = await host.host.requests.show(waiting.request);
  assert.deepEqual(
    shown.ask.asks.map(({ capability }) => capability),
    ["network", "kv"],
  );
  await approve(host, shown);
});

const answerers: readonly (readonly [who: string, by: Caller])[] = [
  ["the key that began it", installer],
  ["a key that calls plugins", callerWith("invoke")],
  ["a key that calls one tool", callerWith("invoke:local/asks:echo", "read")],
  ["a key that reads", callerWith("read", "logs")],
  ["a plugin that calls another", { ...callerWith("admin"), kind: "plugin" }],
  ["a key that could call plugins as well", callerWith("grants", "invoke")],
  ["a key without any scope", callerWith()],
];
for (const [who, by] of answerers)
  test(`${who} answers nothing, neither yes nor no`, async () => {
    await using host = await openTestHost();
    const waiting = await waitingFor(host, await writeVersion(host, "1.0.0", some));
    assert.equal(await codeOf(approve(host, waiting, undefined, by)), "SCOPE_MISSING");
    const no = { consentId: waiting.consentId, by, accept: false };
    const declined = host.host.requests.answer({ number: waiting.request }, no);
    assert.equal(await codeOf(declined), "SCOPE_MISSING");
    assert.equal((await host.host.requests.list()).length, 1);
    assert.deepEqual(host.host.plugins.list(), []);
  });

for (const [who, by] of answerers)
  test(`an install whose yes comes from ${who} is refused`, async () => {
    await using host = await openTestHost();
    const path = await writeVersion(host, "1.0.0", some);
    const source = { kind: "path", path } as const;
    const install = host.host.install({ caller: owner, source, consent: async () => ({ by }) });
    assert.equal(await codeOf(install), "SCOPE_MISSING");
    assert.deepEqual(host.host.plugins.list(), []);
  });

for (const [what, grants] of [
  [
    "a capability that is not asked for",
    { files: [{ name: "x", access: "read", folder: null, quota: "1B" }] },
  ],
  ["more of one", { kv: { quota: "1GiB" } }],
  [
    "another host",
    { network: [{ scheme: "https", host: "b.example", port: 443, methods: ["GET"], path: "/" }] },
  ],
  ["another version of the form", { grants: 2 }],
  [
    "a secret that is not asked for",
    { secrets: [{ name: "KEY", secret: "mine", mode: "reveal" }] },
  ],
  ["something that is no capability", { shell: true }],
] as const)
  test(`a yes to ${what} is refused, and the request still waits`, async () => {
    await using host = await openTestHost();
    const waiting = await waitingFor(host, await writeVersion(host, "1.0.0", some));
    const answer = approve(host, waiting, { grants: 1, ...grants });
    assert.equal(await codeOf(answer), "GRANTS_INVALID");
    assert.deepEqual(host.host.plugins.list(), []);
    await approve(host, waiting);
  });

test("one program leaves 16 requests, all of them 64, and room is made by answers alone", async () => {
  await using host = await openTestHost();
  const paths: string[] = [];
  for (let count = 0; count <= 64; count++)
    paths.push(await writeVersion(host, `1.0.${count}`, {}, { id: `asks-${count}` }));
  const named = (index: number): Caller => ({ ...installer, owner: `owner ${index}` });
  for (let index = 0; index < 64; index++) {
    const by = named(Math.floor(index / 16));
    await waitingFor(host, paths[index] ?? "", by);
    if (index === 15) assert.equal(await codeOf(begin(host, paths[64] ?? "", by)), "REQUESTS_FULL");
  }
  assert.equal(await codeOf(begin(host, paths[64] ?? "", named(9))), "REQUESTS_FULL");
  assert.equal((await packagesOf(host)).length, 64);
  const { consentId } = await host.host.requests.show(1);
  await host.host.requests.answer({ number: 1 }, { consentId, by: owner, accept: false });
  assert.equal((await packagesOf(host)).length, 63);
  await waitingFor(host, paths[64] ?? "", named(9));
});

test("what programs fill is not the room of the home's owner", async () => {
  await using host = await openTestHost();
  const paths: string[] = [];
  for (let count = 0; count <= 64; count++)
    paths.push(await writeVersion(host, `1.0.${count}`, {}, { id: `fill-${count}` }));
  for (let index = 0; index < 64; index++)
    await waitingFor(host, paths[index] ?? "", { ...installer, owner: `${index % 4}` });
  const waiting = await waitingFor(host, paths[64] ?? "", owner);
  assert.equal((await approve(host, waiting))?.id, "local/fill-64");
});

test("the same package asked for again and again is one request", async () => {
  await using host = await openTestHost();
  const path = await writeVersion(host, "1.0.0", some);
  const first = await waitingFor(host, path);
  for (let count = 0; count < 5; count++) assert.deepEqual(await waitingFor(host, path), first);
  const all = await Promise.all([1, 2, 3].map(() => waitingFor(host, path)));
  assert.ok(all.every(({ request }) => request === first.request));
  assert.equal((await packagesOf(host)).length, 1);
});

test("the same package that several begin side by side is one request", async () => {
  await using host = await openTestHost();
  const path = await writeVersion(host, "1.0.0", some);
  const all = await Promise.all(Array.from({ length: 8 }, () => waitingFor(host, path)));
  assert.equal(new Set(all.map(({ consentId }) => consentId)).size, 1);
  assert.equal((await host.host.requests.list()).length, 1);
});

test("many at once that are begun side by side stay within the bounds", async () => {
  await using host = await openTestHost();
  const paths: string[] = [];
  for (let count = 0; count < 24; count++)
    paths.push(await writeVersion(host, `1.0.${count}`, {}, { id: `side-${count}` }));
  const codes = await Promise.all(paths.map((path) => codeOf(begin(host, path))));
  const waiting = (await host.host.requests.list()).length;
  assert.ok(waiting <= 16, `${waiting} wait`);
  assert.equal(codes.filter((code) => code === "ok").length, waiting);
});

test("a request is over after seven days, with its package, and its consent with it", async () => {
  const clock = fakeClock();
  await using host = await openTestHost({ clock });
  const waiting = await waitingFor(host, await writeVersion(host, "1.0.0", some));
  clock.advance(7 * dayMs - 1);
  assert.equal((await host.host.requests.list()).length, 1);
  clock.advance(1);
  assert.equal(await codeOf(approve(host, waiting)), "REQUEST_NOT_FOUND");
  assert.deepEqual(await host.host.requests.list(), []);
  assert.deepEqual(await packagesOf(host), []);
  assert.deepEqual(host.host.plugins.list(), []);
});

test("a request outlives the host, with its number and its consent", async () => {
  await using folder = await temporaryFolder();
  const waiting = await (async () => {
    await using host = await openHostIn(folder.path);
    return await waitingFor(host, await writeVersion(host, "1.0.0", some));
  })();
  await using host = await openHostIn(folder.path);
  assert.partialDeepStrictEqual(await host.host.requests.list(), [
    { number: waiting.request, plugin: "local/asks", version: "1.0.0", askedBy: "ada" },
  ]);
  const view = await approve(host, waiting);
  assert.equal(view?.digest, waiting.ask.digest);
  assert.equal(held(host).kv?.quota, "1MiB");
  assert.deepEqual(await host.host.requests.list(), []);
  assert.deepEqual(await packagesOf(host), []);
});

test("a package that was altered on disk while it waited is not installed", async () => {
  await using host = await openTestHost();
  const waiting = await waitingFor(host, await writeVersion(host, "1.0.0", some));
  const [name = ""] = await packagesOf(host);
  const file = join(host.folder, "home", "requests", name);
  const bytes = await readFile(file);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(file, bytes);
  assert.equal(await codeOf(approve(host, waiting)), "MODULE_ALTERED");
  assert.deepEqual(host.host.plugins.list(), []);
});

test("what lies in the folder of requests and belongs to none is gone at the next start", async () => {
  await using folder = await temporaryFolder();
  await (await openHostIn(folder.path))[Symbol.asyncDispose]();
  await writeFile(join(folder.path, "home", "requests", "sha256-00.tgz.part"), "half");
  await using host = await openHostIn(folder.path);
  assert.deepEqual(await packagesOf(host), []);
});

test("a request whose package is gone is gone at the next start", async () => {
  await using folder = await temporaryFolder();
  await (async () => {
    await using host = await openHostIn(folder.path);
    await waitingFor(host, await writeVersion(host, "1.0.0", some));
    const [name = ""] = await packagesOf(host);
    await rm(join(folder.path, "home", "requests", name));
  })();
  await using host = await openHostIn(folder.path);
  assert.deepEqual(await host.host.requests.list(), []);
});

test("the audit says who asked, who said yes and who said no", async () => {
  await using host = await openTestHost();
  const yes = await waitingFor(host, await writeVersion(host, "1.0.0", some));
  await approve(host, yes, undefined, granter);
  const no = await waitingFor(host, await writeVersion(host, "2.0.0", more));
  const answer = { consentId: no.consentId, by: owner, accept: false };
  assert.equal(await host.host.requests.answer({ number: no.request }, answer), null);
  const records = (await host.host.auditQuery({ limit: 100 })) as Record<string, unknown>[];
  const told = records
    .filter(({ plugin }) => plugin === "local/asks")
    .map(({ kind, act, decision, keyId, digest }) => [kind, act, decision, keyId, digest]);
  const [first, second] = [yes.ask.digest, no.ask.digest];
  assert.deepEqual(told, [
    ["install", "ask", "allowed", installer.id, first],
    ["grants", "consent", "allowed", granter.id, first],
    ["install", "activate", "allowed", granter.id, first],
    ["install", "ask", "allowed", installer.id, second],
    ["install", "decline", "denied", owner.id, second],
  ]);
});
