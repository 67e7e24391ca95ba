import assert from "node:assert/strict";
import { test } from "node:test";
import { createIds, traceIdOf } from "#runtime/edge/http/request-ids.ts";
import { fakeClock } from "#test/support/clock.ts";
import { openTestDoor } from "#test/support/http-door.ts";

test("createIds() never gives an id twice, across draws of randomness", () => {
  const next = createIds(fakeClock());
  const ids = new Set(Array.from({ length: 2_000 }, next));
  assert.equal(ids.size, 2_000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
});

test("traceIdOf() takes what the standard allows and nothing that only looks like it", () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  assert.equal(traceIdOf(`00-${trace}-b7ad6b7169203331-01`), trace);
  assert.equal(traceIdOf(`cc-${trace}-b7ad6b7169203331-01-more`), trace);
  for (const bad of [
    undefined,
    "",
    trace,
    `ff-${trace}-b7ad6b7169203331-01`,
    `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
    `00-${trace.toUpperCase()}-b7ad6b7169203331-01`,
    `00-${trace}-b7ad6b7169203331-01${"-x".repeat(500)}`,
    [`00-${trace}-b7ad6b7169203331-01`],
  ])
    assert.equal(traceIdOf(bad), undefined, String(bad));
});

test("lines of the log name request and trace, and neither key, body nor query", async () => {
  await using door = await openTestDoor({ logRequests: true });
  const key = door.fake.keyWith(["invoke", "read"]);
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
  const json = { input: "private words" };
  await door.ask({ path: "/plugins/vowels/invoke?tool=echo", json, headers, key });
  await door.ask({ path: "/plugins/acme/secret-project", key });
  const [first, second] = door.logged;
  assert.equal(first?.["traceId"], trace);
  assert.match(String(first?.["requestId"]), /^[0-9a-f]{32}$/);
  assert.equal(first?.["route"], "/plugins/:id/invoke");
  assert.equal(first?.["status"], 200);
  assert.equal(second?.["traceId"], second?.["requestId"]);
  assert.doesNotMatch(JSON.stringify(door.logged), new RegExp(`${key}|private|secret-project`));
});

test("requests are no lines of the log unless the operator wants them", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["read"]);
  await door.ask({ path: "/plugins", key });
  await door.ask({ path: "/plugins" });
  assert.deepEqual(door.logged, []);
});
