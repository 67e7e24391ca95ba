import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";

const wish = { value: "tok_3f9A1c77E0b24d58", audience: ["https://api.example.com"] };

test("a secret is set, shown without its value, and removed", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["secrets"]);
  const path = "/secrets/github";
  const set = await door.ask({ method: "PUT", path, json: wish, key });
  assert.equal(set.status, 200, set.text);
  assert.equal(set.json.version, 1);
  const one = await door.ask({ path, key });
  const all = await door.ask({ path: "/secrets", key });
  assert.deepEqual(all.json.secrets, [one.json]);
  for (const told of [set, one, all]) assert.equal(told.text.includes(wish.value), false);
  assert.equal((await door.ask({ method: "DELETE", path, key })).status, 204);
  assertProblem(await door.ask({ path, key }), "SECRET_NOT_FOUND", 404);
  assertProblem(await door.ask({ method: "DELETE", path, key }), "SECRET_NOT_FOUND", 404);
  assert.deepEqual(door.fake.acts, ["set github by ada", "remove github by ada"]);
});

test("the vault is rotated and checked", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["secrets"]);
  for (const path of ["/vault/rotate", "/vault/check"]) {
    const told = await door.ask({ method: "POST", path, key });
    assert.equal(told.json.state, "open", told.text);
  }
  assert.deepEqual(door.fake.acts, ["rotate by ada"]);
});

test("secrets are out of reach of every key without the scope", async () => {
  await using door = await openTestDoor();
  const asks = [
    { path: "/secrets" },
    { path: "/secrets/a" },
    { method: "PUT", path: "/secrets/a", json: wish },
    { method: "DELETE", path: "/secrets/a" },
    { method: "POST", path: "/vault/rotate" },
    { method: "POST", path: "/vault/check" },
  ];
  for (const scopes of [["invoke"], ["read", "logs"], ["install", "grants", "keys"]]) {
    const key = door.fake.keyWith(scopes);
    for (const ask of asks) assertProblem(await door.ask({ ...ask, key }), "SCOPE_MISSING", 403);
  }
  assert.deepEqual(door.fake.acts, []);
});

test("a secret that is sent badly is refused without being told back", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["secrets"]);
  const bodies = [
    { ...wish, audience: wish.value },
    { ...wish, wildcard: "yes" },
    { ...wish, more: wish.value },
    { audience: wish.audience },
    [wish.value],
  ];
  for (const json of bodies) {
    const told = await door.ask({ method: "PUT", path: "/secrets/a", json, key });
    assertProblem(told, "REQUEST_INVALID", 400);
    const isShown = json === bodies[0];
    if (!isShown) assert.equal(told.text.includes(wish.value), false, told.text);
  }
});
