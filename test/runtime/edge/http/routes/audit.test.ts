import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";

test("the audit is read, checked and exported with the scope logs, and shortened with admin alone", async () => {
  await using door = await openTestDoor();
  const logs = door.fake.keyWith(["logs"]);
  const reader = door.fake.keyWith(["read", "invoke", "install", "keys"]);
  const admin = door.fake.keyWith(["admin"]);
  const asks = [
    { path: "/audit" },
    { path: "/audit/head" },
    { path: "/audit/export" },
    { path: "/events" },
    { path: "/audit/verify", json: {} },
  ];
  for (const ask of asks) {
    assertProblem(await door.ask({ ...ask, key: reader }), "SCOPE_MISSING", 403);
    assert.equal((await door.ask({ ...ask, key: logs })).status, 200, ask.path);
  }
  const prune = { path: "/audit/prune", json: { keepDays: 30 } };
  assertProblem(await door.ask({ ...prune, key: logs }), "SCOPE_MISSING", 403);
  assert.deepEqual((await door.ask({ ...prune, key: admin })).json, { prunedTo: 1 });
  assert.ok(door.fake.acts.includes('prune {"keepDays":30} by ada'), door.fake.acts.join());
});

test("audit verify takes heads in their own form and nothing else", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["logs"]);
  const digest = `sha256:${"0".repeat(64)}`;
  const check = (json: unknown) => door.ask({ path: "/audit/verify", json, key });
  assert.equal((await check({ heads: [{ seq: 3, digest }] })).json.state, "consistent");
  assert.ok(door.fake.acts.includes("verify against 1 heads"));
  for (const heads of [
    [{ seq: 3 }],
    [{ seq: -1, digest }],
    [{ seq: 3, digest: "sha256:0" }],
    [{ seq: 3, digest, more: 1 }],
    Array.from({ length: 1_001 }, () => ({ seq: 3, digest })),
  ])
    assertProblem(await check({ heads }), "REQUEST_INVALID", 400);
});

test("every request that a door turns away is told to the host, and no other", async () => {
  await using door = await openTestDoor({ refusalsPerMinute: 3 });
  const reader = door.fake.keyWith(["read"]);
  await door.ask({ path: "/plugins" });
  await door.ask({ path: "/plugins", key: "cvg_wrong" });
  await door.ask({ path: "/plugins", key: reader, headers: { host: "evil.example" } });
  await door.ask({ path: "/keys", key: reader });
  await door.ask({ path: "/plugins/nothing", key: reader });
  await door.ask({ path: "/nowhere", key: reader });
  await door.ask({ path: "/plugins", key: reader });
  for (let turn = 0; turn < 3; turn++) await door.ask({ path: "/plugins" });
  const told = door.fake.refusals;
  assert.deepEqual(told.slice(0, 4), [
    "KEY_MISSING GET /plugins",
    "KEY_UNKNOWN GET /plugins",
    "HOST_REFUSED GET /plugins",
    "SCOPE_MISSING GET /keys",
  ]);
  assert.ok(
    told.slice(4).every((act) => /^(KEY_MISSING|RATE_LIMITED) /.test(act)),
    told.join(),
  );
  assert.ok(told.some((act) => act.startsWith("RATE_LIMITED ")));
});
