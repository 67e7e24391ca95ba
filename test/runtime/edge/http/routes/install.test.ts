import assert from "node:assert/strict";
import { test } from "node:test";
import { packageTypes } from "#runtime/edge/http/bodies.ts";
import { assertProblem, openTestDoor, type TestDoor } from "#test/support/http-door.ts";

const body = Buffer.from([0x1f, 0x8b, 0x08]);

/** What the host was asked to do; what was refused before is written down by itself. */
const actsOf = ({ fake }: TestDoor): readonly string[] =>
  fake.acts.filter((act) => !act.startsWith("refused"));

test("a key cannot make the host read a path of its machine; the home's owner can", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["admin"]);
  const ask = { path: "/plugins", json: { path: "/etc" } };
  assertProblem(await door.ask({ ...ask, key }), "PATH_NOT_OWNER", 403);
  assert.deepEqual(actsOf(door), []);
  const told = await door.askAsOwner(ask);
  assert.equal(told.status, 201);
  assert.deepEqual(actsOf(door), ["install path /etc by owner"]);
  for (const path of ["relative", "../up", "", 7])
    assertProblem(await door.askAsOwner({ ...ask, json: { path } }), "REQUEST_INVALID", 400);
  const url = { path: "https://evil.example/x.tgz" };
  assertProblem(await door.askAsOwner({ ...ask, json: url }), "REQUEST_INVALID", 400);
});

test("uploads of keys are refused on a host that is reached from elsewhere, unread", async () => {
  await using door = await openTestDoor({ behindProxy: ["10.0.0.0/8"] });
  const key = door.fake.keyWith(["install"]);
  const read = door.fake.keyWith(["read"]);
  const ask = { path: "/plugins", body, type: "application/gzip" };
  assertProblem(await door.ask({ ...ask, key: read }), "SCOPE_MISSING", 403);
  assertProblem(await door.ask({ ...ask, key }), "UPLOAD_NOT_LOCAL", 403);
  assert.deepEqual(actsOf(door), []);
  assert.equal((await door.askAsOwner(ask)).status, 202);
});

test("a package waits for consent, which another key gives, once", async () => {
  await using door = await openTestDoor();
  const installer = door.fake.keyWith(["install"]);
  const granter = door.fake.keyWith(["grants"]);
  for (const type of packageTypes) {
    const told = await door.ask({ path: "/plugins", body, type, key: installer });
    assert.equal(told.status, 202);
    assert.equal(told.json.ask.id, "acme/new");
    const answer = { consentId: told.json.consentId, accept: true };
    const grants = { method: "PUT", path: "/plugins/acme/new/grants", json: answer };
    assertProblem(await door.ask({ ...grants, key: installer }), "SCOPE_MISSING", 403);
    const other = { ...grants, path: "/plugins/acme/other/grants", key: granter };
    assertProblem(await door.ask(other), "CONSENT_NOT_FOUND", 404);
    const done = await door.ask({ ...grants, key: granter });
    assert.equal(done.status, 200);
    assert.equal(done.json.id, "acme/new");
    assertProblem(await door.ask({ ...grants, key: granter }), "CONSENT_NOT_FOUND", 404);
  }
});

test("a no is an answer too, and installs nothing", async () => {
  await using door = await openTestDoor();
  const { consentId } = (
    await door.askAsOwner({ path: "/plugins", body, type: "application/gzip" })
  ).json;
  const told = await door.askAsOwner({
    method: "PUT",
    path: "/plugins/acme%2Fnew/grants",
    json: { consentId, accept: false },
  });
  assert.equal(told.status, 204);
  assert.equal(told.text, "");
  assert.deepEqual(actsOf(door).slice(1), ["decline acme/new by owner"]);
});

test("a module needs a name, and gets the folder of what is local", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["install"]);
  const ask = { path: "/plugins", body, type: "application/wasm", key };
  assertProblem(await door.ask(ask), "UPLOAD_INVALID", 400);
  const told = await door.ask({ ...ask, path: "/plugins?id=count", type: "Application/WASM" });
  assert.equal(told.status, 201, told.text);
  assert.equal(told.json.id, "local/count");
  assert.deepEqual(actsOf(door), ["install wasm 3 bytes by ada"]);
});

test("an upload beyond the bound is refused", async () => {
  await using door = await openTestDoor({ uploadBytesMax: 1_000 });
  const key = door.fake.keyWith(["install"]);
  const large = Buffer.alloc(1_001);
  const told = await door.ask({ path: "/plugins", body: large, type: "application/gzip", key });
  assertProblem(told, "BODY_TOO_LARGE", 413);
  assert.match(told.json.detail, /1000 bytes/);
  assert.deepEqual(actsOf(door), []);
});
