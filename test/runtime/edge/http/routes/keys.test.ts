import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";

const wanted = { owner: "bob", name: "laptop", scopes: ["invoke:vowels"] };

test("a key cannot make a key above itself, nor one at all without the scope", async () => {
  await using door = await openTestDoor();
  const maker = door.fake.keyWith(["keys", "read"]);
  const reader = door.fake.keyWith(["read"]);
  assertProblem(await door.ask({ path: "/keys", json: wanted, key: reader }), "SCOPE_MISSING", 403);
  for (const scopes of [["admin"], ["read", "install"], ["invoke"]]) {
    const json = { ...wanted, scopes };
    assertProblem(await door.ask({ path: "/keys", json, key: maker }), "KEY_ABOVE_MAKER", 403);
  }
  assert.deepEqual(door.fake.acts, []);
});

test("a key is made, shown without its secret, rotated and revoked", async () => {
  await using door = await openTestDoor();
  const made = await door.askAsOwner({ path: "/keys", json: { ...wanted, days: 30 } });
  assert.equal(made.status, 201);
  const { key, secret } = made.json;
  const listed = await door.askAsOwner({ path: "/keys" });
  assert.equal(listed.json.keys[0].id, key.id);
  assert.ok(!listed.text.includes(secret));
  const rotate = { method: "POST", path: `/keys/${key.id}/rotate` };
  assert.equal((await door.askAsOwner({ ...rotate, json: { overlapMinutes: 5 } })).status, 200);
  assert.equal((await door.askAsOwner({ ...rotate, json: {} })).status, 200);
  const revoked = await door.askAsOwner({ method: "DELETE", path: `/keys/${key.id}` });
  assert.equal(revoked.json.id, key.id);
  assert.deepEqual(door.fake.acts, [
    "create laptop by owner",
    "rotate key-0 over 5 by owner",
    "rotate key-0 over 60 by owner",
    "revoke key-0 by owner",
  ]);
  const gone = await door.askAsOwner({ method: "DELETE", path: "/keys/none" });
  assertProblem(gone, "KEY_NOT_FOUND", 404);
});

test("a key that is asked for badly is refused, and nothing is filled in or turned around", async () => {
  await using door = await openTestDoor();
  const cases: readonly (readonly [json: unknown, says: RegExp])[] = [
    [{ ...wanted, days: "30" }, /days must be an integer, found "30"/],
    [{ ...wanted, days: 0 }, /days must be at least 1|days must be >= 1/],
    [{ ...wanted, admin: true }, /admin is not a known key/],
    [{ owner: "bob", name: "x" }, /scopes must be present/],
    [{ ...wanted, scopes: "admin" }, /scopes must be an array, found "admin"/],
    [{ ...wanted, scopes: [] }, /scopes must/],
  ];
  for (const [json, says] of cases) {
    const problem = assertProblem(
      await door.askAsOwner({ path: "/keys", json }),
      "REQUEST_INVALID",
      400,
    );
    assert.match(problem.detail, says);
    assert.match(problem.detail, /the body of the request/);
  }
  assert.deepEqual(door.fake.acts, []);
});
