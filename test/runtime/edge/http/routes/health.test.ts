import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";

test("/health/live tells a stranger that the process answers, and nothing else", async () => {
  await using door = await openTestDoor();
  const told = await door.ask({ path: "/health/live" });
  assert.equal(told.text, '{"live":true}');
});

test("/health and /metrics are for readers", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["read"]);
  const invoker = door.fake.keyWith(["invoke"]);
  for (const path of ["/health", "/health/ready", "/metrics", "/openapi.json"])
    assertProblem(await door.ask({ path, key: invoker }), "SCOPE_MISSING", 403);
  assert.equal((await door.ask({ path: "/health", key })).json.checks[0].name, "database");
  const metrics = await door.ask({ path: "/metrics", key });
  assert.equal(metrics.text, "convergio_up 1\n");
  assert.match(String(metrics.headers["content-type"]), /^text\/plain; version=0\.0\.4/);
});

test("a host that stops is not ready, and still lives", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["read"]);
  const ready = await door.ask({ path: "/health/ready", key });
  assert.deepEqual([ready.status, ready.json], [200, { ready: true }]);
  await door.fake.host.drain(0);
  const stopped = await door.ask({ path: "/health/ready", key });
  assert.deepEqual([stopped.status, stopped.json], [503, { ready: false }]);
  assert.equal((await door.ask({ path: "/health", key })).status, 503);
  assert.equal((await door.ask({ path: "/health/live" })).status, 200);
});
