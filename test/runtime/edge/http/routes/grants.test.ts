import assert from "node:assert/strict";
import { after, test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { createFakeHost } from "#test/support/fake-host.ts";
import { edgeTo, installKeeper, through } from "#test/support/granted.ts";
import { openTestHost } from "#test/support/host.ts";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { host } = home;
const door = await openTestDoor({}, { ...createFakeHost(), host });
after(() => door[Symbol.asyncDispose]());
await installKeeper(home, "keeper");
await installKeeper(home, "asker", { tools: edgeTo("local/keeper") });
const keyWith = async (...scopes: string[]): Promise<string> =>
  (await host.keys.create(owner, { owner: "ada", name: "key", scopes })).secret;
const [reader, logger, granter, caller] = await Promise.all([
  keyWith("read"),
  keyWith("logs"),
  keyWith("grants"),
  keyWith("invoke"),
]);
const get = async (path: string, key = reader) => (await door.ask({ path, key })).json;

test("GET grants gives an etag that PUT takes in if-match, once", async () => {
  const path = "/plugins/local/keeper/grants";
  const seen = await door.ask({ path, key: reader });
  const etag = String(seen.headers["etag"]);
  assert.equal(etag, `"${seen.json.revision}"`);
  const edit = {
    ...{ method: "PUT", path, key: granter, headers: { "if-match": etag } },
    json: { grants: 1, kv: { quota: "512KiB" } },
  };
  const done = await door.ask(edit);
  assert.equal(done.status, 200, done.text);
  assert.equal(done.json.kv.quota, "512KiB");
  assert.notEqual(done.headers["etag"], etag);
  assertProblem(await door.ask(edit), "GRANTS_CHANGED", 409);
});

test("GET can and who-can tell what is done by way of whom", async () => {
  const { can } = await get("/plugins/local%2Fasker/can");
  const ways = can.map((line: { through: string[]; words: string }) => [line.through, line.words]);
  assert.deepEqual(ways[1], [["local/keeper"], "keep values of its own, up to 512 KiB"]);
  const { plugins } = await get("/who-can?capability=kv");
  assert.deepEqual(
    plugins.map((line: { plugin: string }) => line.plugin),
    ["local/asker", "local/keeper"],
  );
  assert.deepEqual(
    (await get("/who-can?capability=tools&target=local%2Fkeeper")).plugins.length,
    1,
  );
  const none = await door.ask({ path: "/who-can?capability=shell", key: reader });
  assertProblem(none, "REQUEST_INVALID", 400);
});

test("GET explain tells a call and those on its behalf by the request that led to them", async () => {
  const made = await door.ask({
    ...{ method: "POST", path: "/plugins/local/asker/invoke", key: caller },
    json: { tool: "relay", input: JSON.stringify(through("look", { key: "a", value: "b" })) },
  });
  assert.equal(made.status, 200, made.text);
  const { callId } = made.json;
  const told = await get(`/calls/${callId}/explain`, logger);
  assert.equal(told.plugin, "local/asker");
  assert.equal(told.requestId, made.headers["convergio-request-id"]);
  assert.deepEqual(
    told.effects.map((effect: { act: string; decision: string }) => [effect.act, effect.decision]),
    [["tools_call", "allowed"]],
  );
  const [child] = told.calls;
  assert.deepEqual(
    [child.plugin, child.tool, child.chain],
    ["local/keeper", "look", ["local/asker"]],
  );
  assert.deepEqual(
    child.effects.map((effect: { decision: string; allow: string }) => effect.decision),
    ["denied"],
  );
  assert.match(child.effects[0].allow, /marked readOnly/);
});

test("what the questions answer is for those who may read it", async () => {
  for (const [path, key] of [
    ["/plugins/local/keeper/grants", caller],
    ["/plugins/local/keeper/can", caller],
    ["/who-can?capability=kv", caller],
    ["/calls/x/explain", reader],
    ["/calls/x/explain", caller],
  ] as const)
    assertProblem(await door.ask({ path, key }), "SCOPE_MISSING", 403);
  assertProblem(await door.ask({ path: "/calls/x/explain", key: logger }), "CALL_UNRECORDED", 404);
  const gone = await door.ask({ path: "/plugins/local/ghost/can", key: reader });
  assertProblem(gone, "PLUGIN_NOT_FOUND", 404);
});
