/**
 * The attackers: a web page open in the browser of somebody who runs a host, a program of another
 * user on the same machine, and a client whose key may do one thing only. None of them may make the
 * host do, or tell, anything that it would not have done for a stranger.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createHttpServer } from "#runtime/edge/http/server.ts";
import { createFakeHost } from "#test/support/fake-host.ts";
import { fakeClock } from "#test/support/clock.ts";
import { type Ask, assertProblem, openTestDoor, type TestDoor } from "#test/support/http-door.ts";

const secrets = (door: TestDoor) => ({
  admin: door.fake.keyWith(["admin"]),
  invoke: door.fake.keyWith(["invoke:acme/weather:echo"]),
  read: door.fake.keyWith(["read"]),
});

test("every route but /health/live answers 401 without a key, whatever is sent", async () => {
  // There are more routes than refusals that one address gets in a minute.
  await using door = await openTestDoor({ refusalsPerMinute: 10_000 });
  for (const { method, url } of door.server.routes) {
    if (url === "/health/live") continue;
    const path = url.replaceAll(/:\w+/g, "x");
    const sends = [{}, { body: "{", type: "application/json" }, { body: "x", type: "text/plain" }];
    for (const sent of method === "GET" ? [{}] : sends) {
      const told = await door.ask({ method, path, ...sent });
      assertProblem(told, "KEY_MISSING", 401);
      assert.equal(told.headers["www-authenticate"], 'Bearer realm="convergio"');
    }
  }
  assert.deepEqual(door.fake.acts, []);
});

test("every route states a scope and a schema, and only /health/live is open", async () => {
  await using door = await openTestDoor();
  const { routes } = door.server;
  assert.ok(routes.length > 30, `${routes.length} routes`);
  const open = routes.filter(({ access }) => access === undefined);
  assert.deepEqual(
    open.map(({ method, url }) => `${method} ${url}`),
    ["GET /health/live"],
  );
  assert.deepEqual(
    routes.filter(({ hasSchema }) => !hasSchema),
    [],
  );
});

test("every route is under the limit of its key, or of the address", async () => {
  const clock = fakeClock();
  await using door = await openTestDoor({ clock, refusalsPerMinute: 1 });
  const key = door.fake.keyWith(["admin"], { ratePerMinute: 1 });
  await door.ask({ path: "/plugins", key });
  await door.ask({ path: "/health/live" });
  for (const { method, url, access } of door.server.routes) {
    const path = url.replaceAll(/:\w+/g, "x");
    const told = await door.ask({ method, path, ...(access === undefined ? {} : { key }) });
    assertProblem(told, "RATE_LIMITED", 429);
  }
});

test("a route that does not exist says nothing to somebody without a key", async () => {
  await using door = await openTestDoor();
  assertProblem(await door.ask({ path: "/admin" }), "KEY_MISSING", 401);
  const { read } = secrets(door);
  assertProblem(await door.ask({ path: "/admin?x=1", key: read }), "ROUTE_NOT_FOUND", 404);
  assertProblem(
    await door.ask({ method: "PUT", path: "/plugins", key: read }),
    "ROUTE_NOT_FOUND",
    404,
  );
});

test("a page that made its own name resolve to this machine is refused, with a key and without", async () => {
  await using door = await openTestDoor();
  const { admin } = secrets(door);
  for (const host of [
    "evil.example",
    `evil.example:${door.port}`,
    `localhost.evil.example:${door.port}`,
    `127.0.0.1.evil.example:${door.port}`,
    `localhost:${door.port + 1}`,
    "localhost",
    `localhost:${door.port}@evil.example`,
    `localhost.:${door.port}`,
  ]) {
    const headers = { host };
    assertProblem(await door.ask({ path: "/plugins", headers }), "HOST_REFUSED", 421);
    assertProblem(await door.ask({ path: "/plugins", headers, key: admin }), "HOST_REFUSED", 421);
    assertProblem(await door.ask({ path: "/health/live", headers }), "HOST_REFUSED", 421);
  }
});

test("a host without a name, or with two, is refused", async () => {
  await using door = await openTestDoor();
  const none = await door.raw("GET /health/live HTTP/1.1\r\nconnection: close\r\n\r\n");
  assert.match(none, /^HTTP\/1\.1 400 /);
  const empty = await door.raw("GET /health/live HTTP/1.1\r\nhost: \r\nconnection: close\r\n\r\n");
  assert.match(empty, /^HTTP\/1\.1 421 /);
  const old = await door.raw("GET /health/live HTTP/1.0\r\n\r\n");
  assert.match(old, /^HTTP\/1\.1 421 /);
  const two = `GET /health/live HTTP/1.1\r\nhost: evil.example\r\nhost: localhost:${door.port}\r\nconnection: close\r\n\r\n`;
  assert.match(await door.raw(two), /^HTTP\/1\.1 4(00|21) /);
});

test("names of this machine and those that the operator allows are taken", async () => {
  await using door = await openTestDoor({ allowedHosts: ["Plugins.Example.org", "x.example:99"] });
  for (const host of [
    `localhost:${door.port}`,
    `LOCALHOST:${door.port}`,
    `127.0.0.1:${door.port}`,
    `[::1]:${door.port}`,
    "plugins.example.org",
    `plugins.example.org:${door.port}`,
    "x.example:99",
  ])
    assert.equal((await door.ask({ path: "/health/live", headers: { host } })).status, 200, host);
  const headers = { host: `x.example:${door.port}` };
  assertProblem(await door.ask({ path: "/health/live", headers }), "HOST_REFUSED", 421);
});

test("a web page is refused by its origin, on every door, unless the operator allows it", async () => {
  await using door = await openTestDoor({ allowedOrigins: ["https://console.example.org"] });
  const { admin } = secrets(door);
  const own = `http://localhost:${door.port}`;
  for (const origin of ["http://evil.example", "null", own, "https://console.example.org.evil"]) {
    const ask = { path: "/plugins", headers: { origin } };
    assertProblem(await door.ask({ ...ask, key: admin }), "ORIGIN_REFUSED", 403);
    assertProblem(await door.askAsOwner(ask), "ORIGIN_REFUSED", 403);
  }
  const headers = { origin: "https://console.example.org" };
  const told = await door.ask({ path: "/plugins", headers, key: admin });
  assert.equal(told.status, 200);
  assert.equal(told.headers["access-control-allow-origin"], undefined);
});

test("the browser's question before a cross-site request gets no permission", async () => {
  await using door = await openTestDoor();
  const headers = { origin: "http://evil.example", "access-control-request-method": "POST" };
  const told = await door.ask({ method: "OPTIONS", path: "/plugins", headers });
  assertProblem(told, "ORIGIN_REFUSED", 403);
  assert.deepEqual(
    Object.keys(told.headers).filter((name) => name.startsWith("access-control")),
    [],
  );
});

test("a body that a form of another site can send is not read", async () => {
  await using door = await openTestDoor();
  const { admin } = secrets(door);
  const body = '{"input":1}';
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain; application/json",
    "application/json-patch+json",
    "application/json; charset=utf-16",
    "",
  ])
    assertProblem(
      await door.ask({ path: "/plugins/vowels/invoke", body, type, key: admin }),
      "CONTENT_TYPE_REFUSED",
      415,
    );
  for (const type of ["application/json; charset=UTF-8", "Application/JSON"]) {
    const ask = { path: "/plugins/vowels/invoke", type, key: admin };
    assert.equal((await door.ask({ ...ask, body })).status, 200, type);
    const unknown = await door.ask({ ...ask, body: '{"input":1,"x":1}' });
    assertProblem(unknown, "REQUEST_INVALID", 400);
  }
});

test("a body on a route that takes none, and a body that is packed, are refused", async () => {
  await using door = await openTestDoor();
  const { admin } = secrets(door);
  const ask = { path: "/plugins/vowels/stop", json: {}, key: admin };
  assertProblem(await door.ask(ask), "CONTENT_TYPE_REFUSED", 415);
  const packed = { "content-encoding": "gzip" };
  assertProblem(
    await door.ask({
      path: "/plugins/vowels/invoke",
      json: { input: 1 },
      headers: packed,
      key: admin,
    }),
    "CONTENT_TYPE_REFUSED",
    415,
  );
  assert.deepEqual(door.fake.acts, []);
});

test("a key counts in the header alone: not in the URL, a cookie, another scheme or a list", async () => {
  await using door = await openTestDoor();
  const { admin } = secrets(door);
  for (const path of [`/plugins?key=${admin}`, `/plugins?access_token=${admin}`])
    assertProblem(await door.ask({ path }), "KEY_MISSING", 401);
  for (const headers of [
    { cookie: `authorization=Bearer ${admin}` },
    { authorization: `Basic ${Buffer.from(`x:${admin}`).toString("base64")}` },
    { authorization: admin },
    { "x-api-key": admin },
    { "proxy-authorization": `Bearer ${admin}` },
    { authorization: `Bearer ${"x".repeat(5_000)}` },
  ] as Record<string, string>[])
    assertProblem(await door.ask({ path: "/plugins", headers }), "KEY_MISSING", 401);
  for (const wrong of [`${admin}x`, `x ${admin}`, `${admin}, Bearer ${admin}`, `"${admin}"`]) {
    const told = await door.ask({ path: "/plugins", key: wrong });
    const problem = assertProblem(told, "KEY_UNKNOWN", 401);
    assert.match(String(told.headers["www-authenticate"]), /error="invalid_token"/);
    assert.ok(!JSON.stringify(problem).includes(admin));
  }
  const headers = { authorization: `bearer ${admin}` };
  assert.equal((await door.ask({ path: "/plugins", headers })).status, 200);
});

test("a key that has expired opens nothing", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["admin"], { expired: true });
  assertProblem(await door.ask({ path: "/plugins", key }), "KEY_EXPIRED", 401);
});

test("a key for one tool reaches that tool and nothing else", async () => {
  await using door = await openTestDoor({}, createFakeHost(["acme/weather", "acme/we", "vowels"]));
  const { invoke } = secrets(door);
  const call = (plugin: string, tool: string) =>
    door.ask({ path: `/plugins/${plugin}/invoke`, json: { tool, input: 1 }, key: invoke });
  assert.equal((await call("acme%2Fweather", "echo")).status, 200);
  assert.equal((await call("acme/weather", "echo")).status, 200);
  assertProblem(await call("acme/weather", "bytes"), "SCOPE_MISSING", 403);
  assertProblem(await call("acme/we", "echo"), "SCOPE_MISSING", 403);
  assertProblem(await call("vowels", "echo"), "SCOPE_MISSING", 403);
  assertProblem(await call("nowhere", "echo"), "SCOPE_MISSING", 403);
  for (const { method, url, access } of door.server.routes) {
    if (access === undefined || access.scope === "own" || access.scope === "invoke") continue;
    const path = url.replace(":namespace", "acme").replaceAll(/:\w+/g, "weather");
    const told = await door.ask({ method, path, key: invoke });
    assertProblem(told, "SCOPE_MISSING", 403);
  }
  assert.deepEqual(door.fake.acts, []);
});

test("a key with one scope does what that scope says, route by route", async () => {
  await using door = await openTestDoor();
  for (const scope of ["read", "logs", "install", "grants", "keys"]) {
    const key = door.fake.keyWith([scope]);
    for (const route of door.server.routes) {
      if (route.access === undefined || route.access.scope === "own") continue;
      const path = route.url.replaceAll(/:\w+/g, "nowhere");
      const told = await door.ask({ method: route.method, path, key });
      const wanted = route.access.scope;
      assert.equal(
        told.status === 403 && told.json.title === "SCOPE_MISSING",
        wanted !== scope,
        `${scope}: ${route.method} ${route.url} ${told.status}`,
      );
    }
  }
});

test("checks come in their order: host, origin, key, rate, content type, scope, schema", async () => {
  const clock = fakeClock();
  await using door = await openTestDoor({ clock });
  const limited = door.fake.keyWith(["read"], { ratePerMinute: 1 });
  const { read, invoke } = secrets(door);
  const bad = {
    path: "/plugins/vowels/invoke",
    body: "{",
    type: "text/plain",
    headers: { host: "evil.example", origin: "http://evil.example" },
  };
  const at = `localhost:${door.port}`;
  assertProblem(await door.ask(bad), "HOST_REFUSED", 421);
  const origin = { host: at, origin: "http://evil.example" };
  assertProblem(await door.ask({ ...bad, headers: origin }), "ORIGIN_REFUSED", 403);
  const here = { ...bad, headers: {} };
  assertProblem(await door.ask(here), "KEY_MISSING", 401);
  await door.ask({ path: "/plugins", key: limited });
  assertProblem(await door.ask({ ...here, key: limited }), "RATE_LIMITED", 429);
  assertProblem(await door.ask({ ...here, key: read }), "CONTENT_TYPE_REFUSED", 415);
  const typed = { ...here, type: "application/json" };
  assertProblem(await door.ask({ ...typed, key: read }), "SCOPE_MISSING", 403);
  const own = { ...typed, path: "/plugins/acme/weather/invoke", key: invoke };
  assertProblem(await door.ask(own), "JSON_INVALID", 400);
  assertProblem(await door.ask({ ...own, body: "{}" }), "REQUEST_INVALID", 400);
  assertProblem(await door.ask({ ...own, body: '{"tool":"no","input":1}' }), "SCOPE_MISSING", 403);
});

test("an address that guesses keys is slowed down, and those with a key behind it are not", async () => {
  const clock = fakeClock();
  await using door = await openTestDoor({ clock, refusalsPerMinute: 5 });
  const { admin } = secrets(door);
  const guess = () => door.ask({ path: "/plugins", key: "cvg_guess" });
  for (let turn = 0; turn < 5; turn++) assertProblem(await guess(), "KEY_UNKNOWN", 401);
  const told = await guess();
  assertProblem(told, "RATE_LIMITED", 429);
  assert.equal(told.headers["retry-after"], "12");
  assert.equal((await door.ask({ path: "/plugins", key: admin })).status, 200);
  clock.advance(12_000);
  assertProblem(await guess(), "KEY_UNKNOWN", 401);
});

test("a key gets its requests a minute, and is told when there are more", async () => {
  const clock = fakeClock();
  await using door = await openTestDoor({ clock });
  const key = door.fake.keyWith(["read"], { ratePerMinute: 2 });
  const other = door.fake.keyWith(["read"], { ratePerMinute: 2 });
  const ask = () => door.ask({ path: "/plugins", key });
  assert.equal((await ask()).status, 200);
  assert.equal((await ask()).status, 200);
  const told = await ask();
  assertProblem(told, "RATE_LIMITED", 429);
  assert.equal(told.headers["retry-after"], "30");
  assert.equal(told.headers["ratelimit"], '"requests";r=0;t=30');
  assert.equal(told.headers["ratelimit-policy"], '"requests";q=2;w=60');
  assert.equal((await door.ask({ path: "/plugins", key: other })).status, 200);
  clock.advance(30_000);
  assert.equal((await ask()).status, 200);
  assertProblem(await ask(), "RATE_LIMITED", 429);
});

test("a forwarded address counts only when it comes from a proxy that the operator named", async () => {
  const clock = fakeClock();
  const guess = (door: TestDoor, from: string) =>
    door.ask({ path: "/plugins", headers: { "x-forwarded-for": from } });
  await using open = await openTestDoor({ clock, refusalsPerMinute: 1 });
  assert.equal((await guess(open, "203.0.113.1")).status, 401);
  assert.equal((await guess(open, "203.0.113.2")).status, 429);
  await using behind = await openTestDoor({
    clock,
    refusalsPerMinute: 1,
    behindProxy: ["127.0.0.0/8"],
  });
  assert.equal((await guess(behind, "203.0.113.1")).status, 401);
  assert.equal((await guess(behind, "203.0.113.2")).status, 401);
  assert.equal((await guess(behind, "203.0.113.2")).status, 429);
});

test("an address that may not ask is refused before its body, its key or its host is looked at", async () => {
  const ask = (door: TestDoor, from: string, more: Partial<Ask> = {}) =>
    door.ask({ path: "/plugins", headers: { "x-forwarded-for": from }, ...more });
  const behindProxy = ["127.0.0.0/8"];
  await using some = await openTestDoor({
    behindProxy,
    allowedAddresses: ["203.0.113.0/24", "2001:db8::/32"],
    refusedAddresses: ["203.0.113.66/32"],
  });
  const key = some.fake.keyWith(["read"]);
  for (const from of ["203.0.113.1", "::ffff:203.0.113.1", "2001:db8::1"])
    assert.equal((await ask(some, from, { key })).status, 200, from);
  for (const from of ["203.0.113.66", "::ffff:203.0.113.66", "198.51.100.1", "2001:db9::1", "::1"])
    assertProblem(await ask(some, from, { key }), "ADDRESS_REFUSED", 403);
  const body = { method: "PUT", path: "/plugins/weather/config", body: "{", type: "text/x" };
  assertProblem(await ask(some, "198.51.100.1", body), "ADDRESS_REFUSED", 403);
  assertProblem(await ask(some, "198.51.100.1", { path: "/health/live" }), "ADDRESS_REFUSED", 403);
  assert.equal((await some.askAsOwner({ path: "/plugins" })).status, 200);
  await using most = await openTestDoor({ behindProxy, refusedAddresses: ["198.51.100.0/24"] });
  assertProblem(await ask(most, "198.51.100.7"), "ADDRESS_REFUSED", 403);
  assertProblem(await ask(most, "203.0.113.1"), "KEY_MISSING", 401);
});

test("a route that takes a body is not content with none", async () => {
  await using door = await openTestDoor();
  const routes = door.server.routes.filter(({ access }) => access?.bodies.length);
  assert.ok(routes.length > 8, `${routes.length} routes`);
  for (const { method, url } of routes)
    for (const type of [undefined, "application/json"]) {
      const path = url.replace(":namespace", "acme").replaceAll(/:\w+/g, "weather");
      const sent = type === undefined ? {} : { headers: { "content-type": type } };
      const told = await door.askAsOwner({ method, path, ...sent });
      assertProblem(told, "REQUEST_INVALID", 400);
    }
  assert.deepEqual([door.fake.acts, door.fake.calls], [[], []]);
});

test("names and origins are replaced while the server runs", async () => {
  await using door = await openTestDoor({
    allowedHosts: ["old.example"],
    allowedOrigins: ["https://old.example"],
  });
  const key = door.fake.keyWith(["read"]);
  const status = async (headers: Record<string, string>) =>
    (await door.ask({ path: "/plugins", key, headers })).status;
  assert.equal(await status({ host: "old.example", origin: "https://old.example" }), 200);
  door.server.configure({
    allowedHosts: ["new.example"],
    allowedOrigins: ["https://new.example"],
    allowedAddresses: [],
    refusedAddresses: [],
    graceMs: 10,
  });
  assert.equal(await status({ host: "old.example" }), 421);
  assert.equal(await status({ origin: "https://old.example" }), 403);
  assert.equal(await status({ host: "new.example", origin: "https://new.example" }), 200);
  assert.equal(await status({}), 200);
});

test("addresses that are no ranges stop the start", () => {
  const { host } = createFakeHost();
  for (const key of ["allowedAddresses", "refusedAddresses"]) {
    const make = () => createHttpServer(host, { port: 0, [key]: ["10.0.0.0/40"] });
    assert.throws(make, (error: Error) => error.message.includes(key), key);
  }
});

test("a proxy that is no range of addresses stops the start", () => {
  const { host } = createFakeHost();
  for (const network of ["10.0.0.0/99", "10.0.0/8", "proxy", "::/200", "10.0.0.0"]) {
    const make = () => createHttpServer(host, { port: 0, behindProxy: [network] });
    assert.throws(make, { code: "SETTINGS_INVALID" }, network);
  }
});
