/**
 * The attacker holds a key with which programs and models call plugins, or one that reads, and tries every
 * route of the host with it to hold more, to install something, or to answer for a person.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestDoor } from "#test/support/http-door.ts";

const gzip = Buffer.from([0x1f, 0x8b, 0x08]);
const bodies = {
  "/plugins": { body: gzip, type: "application/gzip" },
  other: {
    json: {
      ...{ consentId: "consent-1", accept: true, grants: { grants: 1 }, revision: "r" },
      ...{ document: { grants: 1 }, owner: "me", name: "me", scopes: ["admin"], value: "x" },
    },
  },
};

for (const scopes of [
  ["invoke"],
  ["invoke:acme/weather:echo"],
  ["invoke", "read", "logs"],
  ["read"],
])
  test(`a key that may ${scopes.join(" and ")} changes nothing by any route`, async () => {
    await using door = await openTestDoor();
    const installer = door.fake.keyWith(["install"]);
    await door.ask({ path: "/plugins", ...bodies["/plugins"], key: installer });
    const before = door.fake.acts.length;
    const key = door.fake.keyWith(scopes);
    const changing = door.server.routes.filter(({ method }) => method !== "GET");
    assert.ok(changing.length > 15);
    for (const { method, url } of changing) {
      const path = url
        .replace(":namespace/:name", "acme/weather")
        .replace(":number", "1")
        .replaceAll(/:\w+/g, "acme%2Fweather");
      const body = url === "/plugins" ? bodies["/plugins"] : bodies.other;
      for (const more of [body, {}]) {
        const { status } = await door.ask({ method, path, key, ...more });
        assert.ok(status >= 400, `${method} ${path}: ${status}`);
      }
    }
    const acts = door.fake.acts.slice(before).filter((act) => !act.startsWith("refused"));
    assert.deepEqual(acts, []);
  });

test("a key that may install begins an install and nothing else", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["install"]);
  assert.equal((await door.ask({ path: "/plugins", ...bodies["/plugins"], key })).status, 202);
  for (const path of ["/requests/1", "/plugins/acme/new/grants", "/plugins/acme%2Fnew/grants"]) {
    const told = await door.ask({ method: "PUT", path, key, ...bodies.other });
    assert.equal(told.json.title, "SCOPE_MISSING");
  }
  assert.deepEqual(
    door.fake.acts.filter((act) => !act.startsWith("refused")),
    ["install package 3 bytes by ada"],
  );
});
