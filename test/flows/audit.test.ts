/** What an operator and an auditor do with the books of a host: read, follow, check, export, prune. */
import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import type { AuditRecord } from "#manifests/audit.ts";
import type { FakeHost } from "#test/support/fake-host.ts";
import { runInside } from "#test/support/cli.ts";
import { codeOf, invoke, openTestHost, type TestHost } from "#test/support/host.ts";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

const disk = { freeBytes: 100 * 2 ** 30, allBytes: 200 * 2 ** 30 };
const home = await openTestHost({ readRoom: async () => disk });
const door = await openTestDoor({ refusalsPerMinute: 10_000 }, { host: home.host } as FakeHost);
after(async () => {
  await door[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});
const key = (await readFile(join(home.folder, "home", "key"), "utf8")).trim();

const uses = { kv: { quota: "1MiB", reason: "keep" } };
const tools = jsonTools("kv_set", "kv_get");
const install = async (to: TestHost): Promise<void> => {
  const manifest = { provides: tools, uses };
  await installFrom(to, await writeFolder(to, "keeps", manifest, relay(["kv_set", "kv_get"])));
};
const convergio = (...words: readonly string[]) =>
  runInside(words, {
    home: home.folder,
    host: { ...home.host, [Symbol.asyncDispose]: async () => {}, drain: async () => {} },
  });

test("a call, what it did and who asked are found by each of the filters", async () => {
  await install(home);
  const { callId } = await invoke(home, "keeps", "kv_set", { key: "a", value: "b" });
  await invoke(home, "keeps", "kv_get", { key: "a" });
  const records = async (query: string): Promise<AuditRecord[]> =>
    (await door.ask({ path: `/audit?${query}`, key })).json.records;
  const ofCall = await records(`callId=${callId}`);
  assert.deepEqual(
    ofCall.map(({ kind, act }) => `${kind} ${act}`),
    ["effect kv_set", "call invoke"],
  );
  assert.equal(ofCall[1]?.hostCalls, 1);
  assert.ok((await records("owner=owner")).length >= 4);
  assert.deepEqual(await records("owner=nobody"), []);
  assert.deepEqual(await records("decision=denied"), []);
  assert.equal((await records("plugin=local%2Fkeeps&kind=effect")).length, 2);
});

test("pages of the audit go on where the one before began, down to the first record", async () => {
  const seen: number[] = [];
  for (let next: number | null = 1e9; next !== null; ) {
    const { json } = await door.ask({ path: `/audit?limit=2&before=${next}`, key });
    seen.unshift(...json.records.map(({ seq }: AuditRecord) => seq));
    next = json.next;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: seen.length }, (_, index) => index + 1),
  );
});

test("a flood of refused requests is one record and its count, and an event", async () => {
  for (let turn = 0; turn < 50; turn++)
    assertProblem(await door.ask({ path: "/plugins", key: "cvg_wrong" }), "KEY_UNKNOWN", 401);
  const { json } = await door.ask({ path: "/audit?kind=request", key });
  assert.equal(json.records.length, 1);
  const [{ code, decision, count, target }] = json.records;
  assert.deepEqual([code, decision, count], ["KEY_UNKNOWN", "denied", 1]);
  assert.match(target, /^GET no route from 127\.0\.0\.1|^GET \/plugins from 127\.0\.0\.1/);
  const told = await door.ask({ path: "/events", key });
  assert.ok(told.json.events.some(({ kind }: { kind: string }) => kind === "denied"));
  const listed = await convergio("events");
  assert.match(listed.out, /KEY_UNKNOWN/);
});

test("a request without the scope is recorded with its key and owner", async () => {
  const { secret } = await home.host.keys.create(
    { kind: "owner", id: "owner", owner: "owner", scopes: ["admin"], ratePerMinute: 0 },
    { owner: "ada", name: "reader", scopes: ["read"] },
  );
  assertProblem(await door.ask({ path: "/keys", key: secret }), "SCOPE_MISSING", 403);
  const { json } = await door.ask({ path: "/audit?kind=request&owner=ada", key });
  assert.deepEqual(
    json.records.map(({ code, target }: AuditRecord) => [code, target]),
    [["SCOPE_MISSING", "GET /keys from 127.0.0.1"]],
  );
});

test("audit verify says that nothing anchors it, and that a kept head does", async () => {
  const plain = await convergio("audit", "verify");
  assert.equal(plain.code, 0, plain.err);
  assert.match(plain.out, /^consistent, not anchored/);
  const heads = await convergio("--json", "audit", "head");
  const file = join(home.folder, "heads.json");
  await writeFile(file, heads.out);
  const anchored = await convergio("audit", "verify", "--head", file);
  assert.match(anchored.out, /^anchored up to record \d+/);
  const { head } = JSON.parse(heads.out);
  const forged = `${head.seq}:sha256:${"0".repeat(64)}`;
  const broken = await convergio("audit", "verify", "--head", forged);
  assert.equal(broken.code, 1);
  assert.match(broken.err, new RegExp(`AUDIT_BROKEN.*record ${head.seq}`));
});

test("audit export writes what the files hold, once", async () => {
  const file = join(home.folder, "audit.jsonl");
  const first = await convergio("audit", "export", file);
  assert.equal(first.code, 0, first.err);
  const folder = join(home.folder, "home", "audit");
  const [name = ""] = (await readdir(folder)).filter((each) => each.endsWith(".jsonl"));
  const [exported, held] = [
    await readFile(file, "utf8"),
    await readFile(join(folder, name), "utf8"),
  ];
  assert.ok(exported.length > 1_000 && held.startsWith(exported));
  assert.equal((await convergio("audit", "export", file)).code, 1);
});

test("audit --follow gives old records and then new ones, each once", async () => {
  const following = await fetch(
    `http://127.0.0.1:${door.port}/audit?follow=true&kind=call&limit=1`,
    {
      headers: { authorization: `Bearer ${key}` },
    },
  );
  const reader = following.body?.getReader();
  const heard: number[] = [];
  const read = async (count: number): Promise<void> => {
    while (heard.length < count) {
      const { value } = (await reader?.read()) ?? {};
      const text = Buffer.from(value ?? new Uint8Array()).toString();
      heard.push(...[...text.matchAll(/"seq":(\d+)/g)].map(([, seq]) => Number(seq)));
    }
  };
  await read(1);
  await invoke(home, "keeps", "kv_get", { key: "a" });
  await invoke(home, "keeps", "kv_get", { key: "a" });
  await read(3);
  await reader?.cancel();
  assert.equal(heard.length, 3);
  assert.deepEqual(
    heard,
    [...heard].sort((a, b) => a - b),
  );
});

test("a low disk stops installs, a full one calls and effects, and what makes room goes on", async () => {
  const room = { freeBytes: 10 * 2 ** 30, allBytes: 100 * 2 ** 30 };
  await using host = await openTestHost({ readRoom: async () => room });
  await install(host);
  const made = await host.host.keys.create(
    { kind: "owner", id: "owner", owner: "owner", scopes: ["admin"], ratePerMinute: 0 },
    { owner: "ada", name: "one", scopes: ["invoke"] },
  );
  room.freeBytes = 3 * 2 ** 30;
  await lookAgain(host);
  assert.equal(await codeOf(install(host)), "STORAGE_FULL");
  await invoke(host, "keeps", "kv_set", { key: "a", value: "b" });
  room.freeBytes = 2 ** 29;
  await lookAgain(host);
  assert.equal(await codeOf(invoke(host, "keeps", "kv_get", { key: "a" })), "STORAGE_FULL");
  assert.equal((await host.host.health()).status, "down");
  const owner = {
    kind: "owner",
    id: "owner",
    owner: "owner",
    scopes: ["admin"],
    ratePerMinute: 0,
  } as const;
  assert.equal(host.host.plugins.list().length, 1);
  await host.host.keys.revoke(owner, made.key.id);
  await host.host.plugins.stop("local/keeps", owner);
  await host.host.audit.prune(owner, {});
  await host.host.plugins.remove("local/keeps", owner, { purge: true });
  room.freeBytes = 10 * 2 ** 30;
  await lookAgain(host);
  await install(host);
  assert.equal((await host.host.health()).status, "ok");
  const kinds = host.host.events.recent().map(({ kind, subject }) => `${kind} ${subject}`);
  assert.deepEqual(
    kinds.filter((kind) => kind.startsWith("disk")),
    ["disk low", "disk full", "disk ample"],
  );
});

/** Health looks at the disk anew, as the host does now and then. */
async function lookAgain({ host }: TestHost): Promise<void> {
  await host.health();
}
