import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, openTestDoor, type TestDoor } from "#test/support/http-door.ts";

const body = Buffer.from([0x1f, 0x8b, 0x08]);
const upload = { path: "/plugins", body, type: "application/gzip" };
const isDone = (act: string): boolean => !act.startsWith("refused");
const events = { accept: "text/event-stream" };

/** Begins an install with a key that may do that and nothing else. */
async function begin(door: TestDoor): Promise<{ request: number; consentId: string }> {
  const told = await door.ask({ ...upload, key: door.fake.keyWith(["install"]) });
  assert.equal(told.status, 202);
  return told.json;
}

test("what waits is listed, shown and answered by who may grant, and by nobody else", async () => {
  await using door = await openTestDoor();
  const { request, consentId } = await begin(door);
  const path = `/requests/${request}`;
  const put = { method: "PUT", path, json: { consentId, accept: true } };
  for (const scopes of [
    ["invoke"],
    ["install"],
    ["read", "logs"],
    ["keys"],
    ["secrets"],
    ["dev"],
  ]) {
    const key = door.fake.keyWith(scopes);
    for (const ask of [{ path: "/requests" }, { path }, put])
      assertProblem(await door.ask({ ...ask, key }), "SCOPE_MISSING", 403);
  }
  assertProblem(await door.ask(put), "KEY_MISSING", 401);
  assert.equal(door.fake.acts.filter(isDone).length, 1);
  const key = door.fake.keyWith(["grants"]);
  const { requests } = (await door.ask({ path: "/requests", key })).json;
  assert.partialDeepStrictEqual(requests, [{ number: request, plugin: "acme/new" }]);
  assert.equal((await door.ask({ path, key })).json.consentId, consentId);
  const told = await door.ask({ ...put, key });
  assert.equal(told.status, 200);
  assert.equal(told.json.id, "acme/new");
  assertProblem(await door.ask({ ...put, key }), "REQUEST_NOT_FOUND", 404);
});

test("grants that are narrower travel with the answer, by either path", async () => {
  for (const path of ["/requests/1", "/plugins/acme%2Fnew/grants", "/plugins/acme/new/grants"]) {
    await using door = await openTestDoor();
    const { consentId } = await begin(door);
    const json = { consentId, accept: true, grants: { grants: 1, kv: { quota: "1KiB" } } };
    const told = await door.askAsOwner({ method: "PUT", path, json });
    assert.equal(told.status, 200, told.text);
    assert.match(door.fake.acts.at(-1) ?? "", /with .*"quota":"1KiB"/);
  }
});

test("a no answers with nothing", async () => {
  await using door = await openTestDoor();
  const { consentId } = await begin(door);
  const json = { consentId, accept: false };
  const told = await door.askAsOwner({ method: "PUT", path: "/requests/1", json });
  assert.deepEqual([told.status, told.text], [204, ""]);
});

test("an answer that is none is refused before the host hears of it", async () => {
  await using door = await openTestDoor();
  const { consentId } = await begin(door);
  for (const json of [
    {},
    { consentId },
    { accept: true },
    { consentId, accept: "yes" },
    { consentId, accept: true, grants: "all" },
    { consentId, accept: true, more: 1 },
    { consentId: 7, accept: true },
  ]) {
    const told = await door.askAsOwner({ method: "PUT", path: "/requests/1", json });
    assertProblem(told, "REQUEST_INVALID", 400);
  }
  for (const number of ["0", "-1", "1.5", "x", "1e3", "%00"])
    assertProblem(await door.askAsOwner({ path: `/requests/${number}` }), "REQUEST_INVALID", 400);
  assertProblem(await door.askAsOwner({ path: "/requests/99" }), "REQUEST_NOT_FOUND", 404);
  assert.equal(door.fake.acts.filter(isDone).length, 1);
});

test("an install tells its steps as events, and what it came to last", async () => {
  await using door = await openTestDoor();
  const told = await door.askAsOwner({ ...upload, headers: events });
  assert.equal(told.status, 200);
  assert.match(told.headers["content-type"] ?? "", /^text\/event-stream/);
  const blocks = told.text.split("\n\n").filter((text) => text.startsWith("event:"));
  assert.equal(blocks[0], 'event: step\ndata: {"step":"consent","number":3,"of":7}');
  assert.match(blocks.at(-1) ?? "", /^event: waiting\ndata: \{"request":1,"consentId":"consent-1"/);
  const json = { consentId: "consent-1", accept: true };
  const put = { method: "PUT", path: "/requests/1", json, headers: events };
  const done = await door.askAsOwner(put);
  assert.match(
    done.text,
    /^event: step\ndata: \{"step":"activate","number":7,"of":7\}\n\nevent: inst/,
  );
});

test("a no as events is one event, and what is refused at once is an ordinary answer", async () => {
  await using door = await openTestDoor();
  const { consentId } = await begin(door);
  const json = { consentId: "other", accept: true };
  const put = { method: "PUT", path: "/requests/1", json, headers: events };
  assertProblem(await door.askAsOwner(put), "CONSENT_NOT_FOUND", 404);
  const no = await door.askAsOwner({ ...put, json: { consentId, accept: false } });
  assert.match(no.text, /event: declined\ndata: null\n\n$/);
});
