import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeHost } from "#test/support/fake-host.ts";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";

test("calls are seen and ended by their own key, by nobody else's", async () => {
  const begun = Promise.withResolvers<void>();
  const fake = createFakeHost(["vowels"], () => {
    begun.resolve();
    return new Promise(() => {});
  });
  await using door = await openTestDoor({}, fake);
  const own = fake.keyWith(["invoke:vowels"]);
  const other = fake.keyWith(["invoke", "read"]);
  const watcher = fake.keyWith(["logs"]);
  const running = door.ask({ path: "/plugins/vowels/invoke", json: { input: 1 }, key: own });
  await begun.promise;
  const seen = async (key: string) => (await door.ask({ path: "/calls", key })).json.calls;
  assert.deepEqual(await seen(other), []);
  assert.equal((await seen(watcher)).length, 1);
  const [call] = await seen(own);
  assert.equal(call.plugin, "vowels");
  const cancel = { method: "DELETE", path: `/calls/${call.callId}` };
  assertProblem(await door.ask({ ...cancel, key: other }), "CALL_NOT_FOUND", 404);
  assertProblem(await door.ask({ ...cancel, key: watcher }), "CALL_NOT_FOUND", 404);
  assert.equal((await door.ask({ ...cancel, key: own })).status, 204);
  assertProblem(await running, "CALL_CANCELLED", 499);
  assertProblem(await door.ask({ ...cancel, key: own }), "CALL_NOT_FOUND", 404);
});

test("the audit is for the scope logs, and asks with what the query says", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["logs"]);
  const reader = door.fake.keyWith(["read", "invoke"]);
  assertProblem(await door.ask({ path: "/audit", key: reader }), "SCOPE_MISSING", 403);
  const query = "?plugin=acme%2Fweather&kind=install&since=2026-01-31T08:00:00Z&limit=7";
  const told = await door.ask({ path: `/audit${query}`, key });
  assert.deepEqual(told.json.records, [
    {
      at: "2026-01-01T00:00:00Z",
      kind: "install",
      plugin: "acme/weather",
      since: "2026-01-31T08:00:00Z",
      limit: 7,
    },
  ]);
  for (const bad of ["?since=yesterday", "?limit=2000", "?since=2026-01-31T08:00:00%2B02:00"])
    assertProblem(await door.ask({ path: `/audit${bad}`, key }), "REQUEST_INVALID", 400);
});
