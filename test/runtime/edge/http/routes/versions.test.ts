import assert from "node:assert/strict";
import { after, test } from "node:test";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";

const door = await openTestDoor();
after(() => door[Symbol.asyncDispose]());
const { fake } = door;
const admin = fake.keyWith(["admin"]);

test("GET /plugins/{id}/versions lists what is kept, for whoever may read", async () => {
  const key = fake.keyWith(["read"]);
  const { status, json } = await door.ask({ path: "/plugins/acme%2Fweather/versions", key });
  assert.equal(status, 200);
  assert.partialDeepStrictEqual(json, { versions: [{ version: "1.0.0", standing: "active" }] });
});

test("POST /plugins/{id}/rollback needs the right to install", async () => {
  const path = "/plugins/vowels/rollback";
  const reader = fake.keyWith(["read", "logs", "invoke"]);
  assertProblem(
    await door.ask({ method: "POST", path, key: reader, json: {} }),
    "SCOPE_MISSING",
    403,
  );
  const key = fake.keyWith(["install"]);
  const back = await door.ask({ method: "POST", path, key, json: {} });
  assert.partialDeepStrictEqual(back.json, { version: "0.9.0", from: "1.0.0", lost: [] });
  const other = await door.ask({ method: "POST", path, key: admin, json: { to: "0.5.0" } });
  assert.equal(other.json.version, "0.5.0");
  const acts = fake.acts.slice(-2);
  assert.deepEqual(acts, [
    "rollback vowels to the one before by ada",
    "rollback vowels to 0.5.0 by ada",
  ]);
  const missing = await door.ask({ method: "POST", path, key: admin, json: { to: "9.9.9" } });
  assertProblem(missing, "VERSION_NOT_FOUND", 404);
  const wrong = await door.ask({ method: "POST", path, key: admin, json: { version: "1" } });
  assertProblem(wrong, "REQUEST_INVALID", 400);
});

test("POST /gc says what was removed, or would be", async () => {
  const { json } = await door.ask({ path: "/gc", key: admin, json: { dryRun: true } });
  assert.partialDeepStrictEqual(json, { dryRun: true, orphans: 2, freedBytes: 2048 });
  assert.equal(fake.acts.at(-1), "look for garbage by ada");
  const reader = fake.keyWith(["read", "install"]);
  assertProblem(await door.ask({ path: "/gc", key: reader, json: {} }), "SCOPE_MISSING", 403);
});

test("POST /backup is for the home's owner alone, whatever a key may do", async () => {
  const ask = { path: "/backup", json: { path: "/srv/backup.tgz" } };
  assertProblem(await door.ask({ ...ask, key: admin }), "OWNER_ONLY", 403);
  const { status, json } = await door.askAsOwner(ask);
  assert.equal(status, 200);
  assert.equal(json.path, "/srv/backup.tgz");
  assertProblem(
    await door.askAsOwner({ path: "/backup", json: { path: "relative.tgz" } }),
    "REQUEST_INVALID",
    400,
  );
});

test("POST /backup tells its progress to whoever wants events", async () => {
  const headers = { accept: "text/event-stream" };
  const { text } = await door.askAsOwner({
    path: "/backup",
    json: { path: "/srv/b.tgz" },
    headers,
  });
  const events = [...text.matchAll(/^event: (\w+)$/gm)].map(([, event]) => event);
  assert.deepEqual(events, ["progress", "progress", "done"]);
});
