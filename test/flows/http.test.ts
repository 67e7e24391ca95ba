/** The whole way, as a client program goes it: from an upload over consent to answers, over HTTP. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { packFolder } from "#registry/package.ts";
import type { FakeHost } from "#test/support/fake-host.ts";
import { openTestHost } from "#test/support/host.ts";
import { type Ask, assertProblem, openTestDoor } from "#test/support/http-door.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { wat } from "#test/support/wat.ts";
import { filesOf, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
const door = await openTestDoor({}, { host: home.host } as FakeHost);
after(async () => {
  await door[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});
const admin = (await readFile(join(home.folder, "home", "key"), "utf8")).trim();
const asked = (ask: Ask) => door.ask({ key: admin, ...ask });

const tools = {
  tools: [
    ...jsonTools("kv_set", "kv_get", "say", "spin", "trap", "fail").tools,
    { name: "raw", export: "echo", encoding: "bytes" },
  ],
};
const manifest = { provides: tools, uses: { kv: { quota: "1MiB", reason: "remember" } } };

async function packageOf(id: string, own: object = {}): Promise<Buffer> {
  const path = await writeFolder(
    home,
    id,
    { ...manifest, ...own },
    relay(["kv_set", "kv_get"], id),
  );
  return Buffer.from((await packFolder(path)).bytes);
}

const upload = (body: Uint8Array, path = "/plugins", type = "application/gzip") =>
  asked({ path, body, type });
const consent = (id: string, consentId: string, accept: boolean) =>
  asked({ method: "PUT", path: `/plugins/${id}/grants`, json: { consentId, accept } });
const invoke = (tool: string, input: unknown, own: Partial<Ask> = {}) =>
  asked({ path: "/plugins/local/it/invoke", json: { tool, input }, ...own });

test("an upload waits for consent, and is installed by it", async () => {
  const waiting = await upload(await packageOf("it"));
  assert.equal(waiting.status, 202, waiting.text);
  const { consentId, ask } = waiting.json;
  assert.equal(ask.id, "local/it");
  assert.deepEqual(
    ask.asks.map(({ words }: { words: string }) => words),
    ["values of its own, up to 1 MiB"],
  );
  assertProblem(await invoke("kv_get", { key: "a" }), "PLUGIN_NOT_FOUND", 404);
  const done = await consent("local/it", consentId, true);
  assert.equal(done.status, 200, done.text);
  assert.deepEqual([done.json.id, done.json.digest], ["local/it", ask.digest]);
  assertProblem(await consent("local/it", consentId, true), "CONSENT_NOT_FOUND", 404);
});

test("an upload that is declined leaves nothing", async () => {
  const before = await filesOf(home);
  const waiting = await upload(await packageOf("declined"));
  const declined = await consent("local/declined", waiting.json.consentId, false);
  assert.equal(declined.status, 204, declined.text);
  assert.deepEqual(await filesOf(home), before);
  const { plugins } = (await asked({ path: "/plugins" })).json;
  assert.deepEqual(
    plugins.map(({ id }: { id: string }) => id),
    ["local/it"],
  );
});

test("an upload that is refused says why, and asks nobody", async () => {
  const bad = await upload(await packageOf("bad", { provides: jsonTools("nothing") }));
  // That an export is missing is known only once it was compiled: after consent.
  const refused = await consent("local/bad", bad.json.consentId, true);
  assertProblem(refused, "EXPORT_MISSING", 422);
  assert.deepEqual((await asked({ path: "/requests" })).json.requests, []);
  const newer = await packageOf("bad", { host: ">=9" });
  assertProblem(await upload(newer), "HOST_VERSION_REFUSED", 422);
  assertProblem(await upload(Buffer.from("no package")), "PACKAGE_INVALID", 422);
});

test("a raw module is uploaded under a name", async () => {
  const bytes = Buffer.from(await wat(relay()));
  const waiting = await upload(bytes, "/plugins?id=Raw%20One", "application/wasm");
  assert.equal(waiting.status, 202, waiting.text);
  assert.equal((await consent("local/raw-one", waiting.json.consentId, true)).status, 200);
  const { json } = await asked({
    path: "/plugins/local%2Fraw-one/invoke",
    json: { tool: "echo", input: "hello" },
  });
  assert.equal(json.output, "hello");
});

test("invoke answers with output, number and cost", async () => {
  await invoke("kv_set", { key: "a", value: "1" });
  const { status, json } = await invoke("kv_get", { key: "a" });
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(json), ["output", "callId", "usage"]);
  assert.deepEqual(json.output, { ok: { value: "1" } });
  assert.deepEqual(Object.keys(json.usage).sort(), ["fuel", "hostCalls", "memoryBytes", "wallMs"]);
  assert.equal(json.usage.hostCalls, 1);
});

test("invoke takes and gives raw bytes", async () => {
  const body = Buffer.from([0xff, 0, 0x80]);
  const { bytes, headers } = await asked({
    path: "/plugins/local/it/invoke?tool=raw",
    body,
    type: "application/octet-stream",
  });
  assert.deepEqual(bytes, body);
  assert.match(String(headers["convergio-call-id"]), /^[\w-]+$/);
  assert.ok(JSON.parse(String(headers["convergio-usage"])).fuel >= 0);
});

test("invoke tells of log lines as they are said, and of the output last", async () => {
  const { text, headers } = await invoke("say", "aloud", {
    headers: { accept: "text/event-stream" },
  });
  assert.match(String(headers["content-type"]), /^text\/event-stream/);
  const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, name, data = ""]) => [
    name,
    JSON.parse(data),
  ]);
  assert.deepEqual(
    events.map(([name]) => name),
    ["log", "output"],
  );
  assert.deepEqual(events[0]?.[1], { level: "info", text: '"aloud"' });
  assert.equal(events[1]?.[1].output, "aloud");
});

for (const [tool, code, status] of [
  ["trap", "PLUGIN_TRAPPED", 502],
  ["fail", "PLUGIN_ERROR", 502],
  ["nothing", "TOOL_NOT_FOUND", 404],
] as const)
  test(`invoke of ${tool} is ${status} ${code}`, async () => {
    assertProblem(await invoke(tool, "in"), code, status);
  });

test("a narrow key reaches its tool and nothing else", async () => {
  const made = await asked({
    path: "/keys",
    json: { owner: "ada", name: "narrow", scopes: ["invoke:local/it:kv_get"] },
  });
  const { secret: key } = made.json;
  assert.equal((await invoke("kv_get", { key: "a" }, { key })).status, 200);
  assertProblem(await invoke("kv_set", { key: "a", value: "2" }, { key }), "SCOPE_MISSING", 403);
  for (const path of ["/plugins", "/keys", "/audit", "/metrics"])
    assertProblem(await door.ask({ path, key }), "SCOPE_MISSING", 403);
  const other = { path: "/plugins/local/raw-one/invoke", json: { tool: "echo", input: 1 }, key };
  assertProblem(await door.ask(other), "SCOPE_MISSING", 403);
  await asked({ method: "DELETE", path: `/keys/${made.json.key.id}` });
  assertProblem(await invoke("kv_get", { key: "a" }, { key }), "KEY_EXPIRED", 401);
});

test("a client that closes its connection ends its call", async () => {
  const body = JSON.stringify({ tool: "spin", input: null });
  const request = requestHttp({
    port: door.port,
    method: "POST",
    path: "/plugins/local/it/invoke",
    headers: { authorization: `Bearer ${admin}`, "content-type": "application/json" },
  });
  request.on("error", () => {});
  request.end(body);
  const running = async () => (await asked({ path: "/calls" })).json.calls.length;
  for (let tries = 0; tries < 100 && (await running()) === 0; tries++) await sleep(10);
  assert.equal(await running(), 1);
  request.destroy();
  for (let tries = 0; tries < 200 && (await running()) > 0; tries++) await sleep(10);
  assert.equal(await running(), 0);
});

test("a call is ended by its number", async () => {
  const running = invoke("spin", null);
  const calls = async () => (await asked({ path: "/calls" })).json.calls;
  for (let tries = 0; tries < 100 && (await calls()).length === 0; tries++) await sleep(10);
  const [{ callId }] = await calls();
  assert.equal((await asked({ method: "DELETE", path: `/calls/${callId}` })).status, 204);
  assertProblem(await running, "CALL_CANCELLED", 499);
});

test("everything that happened is in the audit, in order and with who did it", async () => {
  const { records } = (await asked({ path: "/audit?limit=1000" })).json;
  const numbers = records.map(({ seq }: { seq: number }) => seq);
  assert.deepEqual(
    numbers,
    numbers.toSorted((a: number, b: number) => a - b),
  );
  const seen = new Set(
    records.map(({ kind, act }: { kind: string; act: string }) => `${kind} ${act}`),
  );
  for (const act of [
    "install activate",
    "install install",
    "call invoke",
    "effect kv_set",
    "key create",
    "key revoke",
  ])
    assert.ok(seen.has(act), act);
  assert.ok(!JSON.stringify(records).includes("cvg_"));
});

test("a removed plugin is gone for everybody", async () => {
  assert.equal(
    (await asked({ method: "DELETE", path: "/plugins/local/it?purge=true" })).status,
    204,
  );
  assertProblem(await invoke("kv_get", { key: "a" }), "PLUGIN_NOT_FOUND", 404);
  assertProblem(await asked({ path: "/plugins/local/it" }), "PLUGIN_NOT_FOUND", 404);
});
