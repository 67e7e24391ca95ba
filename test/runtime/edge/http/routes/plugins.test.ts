import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";

test("each act on a plugin reaches the host under the name of the key's owner", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["admin"]);
  for (const act of ["disable", "enable", "stop", "start"]) {
    const told = await door.ask({ method: "POST", path: `/plugins/acme/weather/${act}`, key });
    assert.equal(told.status, 200, told.text);
    assert.equal(told.json.id, "acme/weather");
  }
  const config = { method: "PUT", path: "/plugins/vowels/config", json: { units: "metric" }, key };
  assert.deepEqual((await door.ask(config)).json, { units: "metric" });
  const gone = { method: "DELETE", path: "/plugins/vowels?purge=true", key };
  assert.equal((await door.ask(gone)).status, 204);
  assertProblem(await door.ask(gone), "PLUGIN_NOT_FOUND", 404);
  const kept = { method: "DELETE", path: "/plugins/acme/weather", key };
  assert.equal((await door.ask(kept)).status, 204);
  assert.deepEqual(door.fake.acts, [
    "disable acme/weather by ada",
    "enable acme/weather by ada",
    "stop acme/weather by ada",
    "start acme/weather by ada",
    "configure vowels by ada",
    "remove vowels and its data by ada",
    "remove acme/weather by ada",
  ]);
});

test("POST /stop stops every plugin", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["admin"]);
  const told = await door.ask({ method: "POST", path: "/stop", key });
  const states = told.json.plugins.map(({ state }: { state: string }) => state);
  assert.deepEqual(states, ["stopped", "stopped"]);
  const reader = door.fake.keyWith(["read", "logs"]);
  assertProblem(
    await door.ask({ method: "POST", path: "/stop", key: reader }),
    "SCOPE_MISSING",
    403,
  );
});

test("a reader sees plugins, manifests, grants and settings, and changes nothing", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["read"]);
  const shown = async (path: string) => (await door.ask({ path, key })).json;
  assert.equal((await shown("/plugins")).plugins.length, 2);
  assert.equal((await shown("/plugins/acme/weather")).version, "1.0.0");
  assert.equal((await shown("/plugins/acme/weather/manifest")).id, "acme/weather");
  assert.equal((await shown("/plugins/vowels/grants")).plugin, "vowels");
  assert.deepEqual(await shown("/plugins/vowels/config"), { of: "vowels" });
  const config = { method: "PUT", path: "/plugins/vowels/config", json: {}, key };
  assertProblem(await door.ask(config), "SCOPE_MISSING", 403);
  assert.deepEqual(door.fake.acts, []);
});

test("settings that are no object, or that the plugin refuses, change nothing", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["admin"]);
  const put = (json: unknown) =>
    door.ask({ method: "PUT", path: "/plugins/vowels/config", json, key });
  for (const value of [[], 7, null, "x"]) assertProblem(await put(value), "REQUEST_INVALID", 400);
  assertProblem(await put({ units: "wrong" }), "CONFIG_INVALID", 400);
  const poisoned = {
    method: "PUT",
    path: "/plugins/vowels/config",
    body: '{"__proto__":{"admin":true}}',
    type: "application/json",
    key,
  };
  assertProblem(await door.ask(poisoned), "JSON_INVALID", 400);
});

test("a query that no route knows, or that says a thing badly, is refused", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["admin"]);
  const logs = "/plugins/vowels/logs";
  for (const query of ["?limit=0", "?limit=1001", "?limit=x", "?limits=5", "?limit=1&limit=2"])
    assertProblem(await door.ask({ path: `${logs}${query}`, key }), "REQUEST_INVALID", 400);
  assert.equal((await door.ask({ path: `${logs}?limit=2`, key })).json.lines.length, 2);
  const gone = { method: "DELETE", path: "/plugins/vowels?purge=yes", key };
  assertProblem(await door.ask(gone), "REQUEST_INVALID", 400);
  assert.deepEqual(door.fake.acts, []);
});

test("lines of a plugin's log arrive as they are said, with nothing unseen in them", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["logs"]);
  const following = door.ask({
    path: "/plugins/vowels/logs?limit=1&follow=true",
    headers: { accept: "text/event-stream" },
    key,
  });
  while (!door.fake.acts.includes("follow vowels")) await new Promise(setImmediate);
  door.fake.log("one\u202e\n\ndata: forged");
  await door.server.close();
  const { text } = await following;
  const events = text.split("\n\n").filter((event) => event !== "");
  assert.equal(events.length, 2, text);
  assert.ok(events.every((event) => event.startsWith("event: log\ndata: {")));
  assert.equal(
    JSON.parse(events[1]?.slice("event: log\ndata: ".length) ?? "").text,
    "one\u202e\n\ndata: forged",
  );
  assert.doesNotMatch(text, /\u202e/);
});

test("every answer carries what keeps a browser from showing, framing or keeping it", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["read"]);
  for (const path of ["/health/live", "/plugins", "/nowhere", "/plugins/%zz", "/metrics"]) {
    const { headers } = await door.ask({ path, key });
    assert.equal(headers["cache-control"], "no-store", path);
    assert.equal(headers["x-content-type-options"], "nosniff", path);
    assert.match(String(headers["content-security-policy"]), /default-src 'none'/, path);
    assert.match(String(headers["convergio-request-id"]), /^[0-9a-f]{32}$/, path);
    assert.equal(headers["server"], undefined);
    assert.equal(headers["x-powered-by"], undefined);
  }
});
