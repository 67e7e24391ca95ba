/**
 * Who attacks: whoever runs a server that a plugin was granted, by redirects.
 *
 * What must not happen: that a redirect leads where no request of the plugin may go, carries what was
 * meant for another, or has no end.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Injection, Secrets } from "#runtime/capabilities/injection.ts";
import { noSecrets } from "#runtime/capabilities/network/no-secrets.ts";
import { farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";

/** A server that redirects from `/STATUS` to what stands in the query. */
const far = await farServer((seen, response) => {
  const { pathname, searchParams } = new URL(seen.url, "http://a");
  const to = searchParams.get("to");
  const status = Number(pathname.slice(1));
  if (to === null || Number.isNaN(status)) {
    response.end(JSON.stringify(seen));
    return;
  }
  response.statusCode = status;
  response.setHeader("location", to);
  response.end("moved");
});
/** A server that the plugin was granted too, which is another origin. */
const other = await farServer();
/** A server that it was not granted. */
const hidden = await farServer();
after(() => Promise.all([far, other, hidden].map((each) => each[Symbol.asyncDispose]())));

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] as const;
const granted = [far, other].map(({ port }) => networkGrantOf({ port, methods: [...methods] }));
const net = openTestNetwork();
after(() => net[Symbol.asyncDispose]());

interface Response {
  readonly status: number;
  readonly url: string;
  readonly body: string;
  readonly error?: { readonly code: string; readonly message: string };
}

const via = (status: number, to: string, from = far.origin): string =>
  `${from}/${status}?to=${encodeURIComponent(to)}`;

async function fetched(request: object, network = granted): Promise<Response> {
  const told = await net.ask("network_fetch", { requests: [request] }, sendingAsker(network));
  if (told.code !== undefined)
    return { status: 0, url: "", body: "", error: told as NonNullable<Response["error"]> };
  return (told.ok as { responses: Response[] }).responses[0] as Response;
}

for (const [method, status, becomes] of [
  ...[301, 302].flatMap((status) => [
    ["GET", status, "GET"] as const,
    ["POST", status, "GET"] as const,
    ["PUT", status, "PUT"] as const,
    ["DELETE", status, "DELETE"] as const,
  ]),
  ...["GET", "POST", "PUT", "PATCH", "DELETE"].map((method) => [method, 303, "GET"] as const),
  ...[307, 308].flatMap((status) =>
    ["GET", "POST", "PUT", "PATCH", "DELETE"].map((method) => [method, status, method] as const),
  ),
] as const)
  test(`${status} after ${method} is followed by ${becomes}`, async () => {
    const body = method === "GET" ? {} : { body: "text", headers: { "content-type": "a/b" } };
    const { body: answer } = await fetched({ url: via(status, "/end"), method, ...body });
    const seen = JSON.parse(answer) as { method: string; body: string; headers: object };
    assert.equal(seen.method, becomes);
    const isKept = method !== "GET" && becomes === method;
    assert.equal(seen.body, isKept ? "text" : "");
    assert.equal("content-type" in seen.headers, isKept);
  });

test("303 after HEAD stays HEAD", async () => {
  const before = far.seen.length;
  await fetched({ url: via(303, "/end"), method: "HEAD" });
  assert.deepEqual(
    far.seen.slice(before).map(({ method }) => method),
    ["HEAD", "HEAD"],
  );
});

for (const status of [200, 201, 300, 304, 305, 306])
  test(`${status} with a location is no redirect`, async () => {
    assert.equal((await fetched({ url: via(status, "/end") })).status, status);
  });

test("a redirect that the guest wants to see is not followed", async () => {
  const answer = await fetched({ url: via(302, hidden.origin), redirect: "manual" });
  assert.equal(answer.status, 302);
});

const denied = "CAPABILITY_DENIED";
const refused = "NETWORK_ANSWER_REFUSED";
for (const [what, to, code] of [
  ["a server that was not granted", `${hidden.origin}/`, denied],
  ["a server that was not granted, without a scheme", `//127.0.0.1:${hidden.port}/`, denied],
  ["the credentials of a cloud", "http://169.254.169.254/latest/meta-data/", denied],
  ["the credentials of a cloud on a port", `http://169.254.169.254:${far.port}/`, denied],
  ["localhost", `http://localhost:${far.port}/`, denied],
  ["this machine by version 6", `http://[::1]:${far.port}/`, denied],
  ["this machine in a form of version 6", `http://[::ffff:127.0.0.1]:${far.port}/`, denied],
  ["this machine in decimal", `http://2130706433:${far.port}/`, refused],
  ["this machine in octal", `http://0177.0.0.1:${far.port}/`, refused],
  ["this machine in hexadecimal", `http://0x7f.1:${far.port}/`, refused],
  ["this machine with a user", `http://user:pass@127.0.0.1:${far.port}/`, refused],
  ["another scheme", "file:///etc/passwd", refused],
  ["a script", "javascript:alert(1)", refused],
  ["data", "data:text/plain,x", refused],
  ["a socket", "ws://127.0.0.1/", refused],
  ["a scheme that is granted, which was not", `https://127.0.0.1:${far.port}/`, denied],
  ["a backslash", "/\\evil.test/", refused],
  ["two backslashes", "\\\\evil.test/", refused],
  ["a scheme and a backslash", `http:\\\\127.0.0.1:${hidden.port}/`, refused],
  ["white space", `http://127.0.0.1:${hidden.port}/ a`, refused],
  ["a port that is none", "http://127.0.0.1:0/", refused],
  ["nothing", "", refused],
] as const)
  test(`a redirect to ${what} is ended with ${code}`, async () => {
    const before = hidden.seen.length;
    for (const status of [302, 307]) {
      const { error } = await fetched({ url: via(status, to) });
      assert.equal(error?.code, code, error?.message ?? "it was followed");
    }
    assert.equal(hidden.seen.length, before);
  });

test("a redirect to a path that was not granted is denied", async () => {
  const network = [networkGrantOf({ port: far.port, path: "/302" })];
  const { error } = await fetched({ url: via(302, "/end") }, network);
  assert.equal(error?.code, denied);
});

test("a redirect that changes a method to one that was not granted is denied", async () => {
  const network = [networkGrantOf({ port: far.port, methods: ["POST"] })];
  const { error } = await fetched({ url: via(303, "/end"), method: "POST" }, network);
  assert.equal(error?.code, denied);
});

test("five redirects are followed, and a sixth is not", async () => {
  const chain = (length: number): string =>
    length === 0 ? "/end" : `/302?to=${encodeURIComponent(chain(length - 1))}`;
  assert.equal((await fetched({ url: far.origin + chain(5) })).status, 200);
  assert.equal((await fetched({ url: far.origin + chain(6) })).error?.code, refused);
});

test("each redirect costs a use of what is granted, and a place in the audit", async () => {
  const before = net.decisions.length;
  await fetched({ url: via(302, "/end?token=a") });
  assert.deepEqual(net.decisions.slice(before), [
    `GET ${far.origin}/302 true`,
    `GET ${far.origin}/end true`,
  ]);
});

test("credentials of the guest go to the origin that they were written for, and to no other", async () => {
  const headers = { authorization: "Bearer a", cookie: "b=c", "x-own": "d" };
  for (const status of [301, 302, 303, 307, 308]) {
    const same = await fetched({ url: via(status, "/end"), headers });
    const kept = JSON.parse(same.body) as { headers: Record<string, string> };
    assert.deepEqual([kept.headers["authorization"], kept.headers["cookie"]], ["Bearer a", "b=c"]);
    const { body } = await fetched({ url: via(status, `${other.origin}/end`), headers });
    const sent = (JSON.parse(body) as { headers: Record<string, string> }).headers;
    assert.deepEqual(
      [sent["authorization"], sent["cookie"], sent["x-own"]],
      [undefined, undefined, "d"],
    );
  }
});

test("credentials that were dropped on the way do not come back with the origin", async () => {
  const away = await farServer((_, response) => {
    response.statusCode = 302;
    response.setHeader("location", `${far.origin}/end`);
    response.end();
  });
  await using _ = away;
  const network = [...granted, networkGrantOf({ port: away.port })];
  const url = via(302, `${away.origin}/`);
  const { body } = await fetched({ url, headers: { authorization: "Bearer a" } }, network);
  const { headers } = JSON.parse(body) as { headers: Record<string, string> };
  assert.equal(headers["authorization"], undefined);
});

/** Puts a value into requests to the first server. */
function secretFor(place: Injection["place"]): Secrets {
  const value = "s3cret-value-0123456789";
  return {
    ...noSecrets,
    injectionsFor: async (_, { port }) =>
      port === String(far.port) ? [{ name: "KEY", place, value }] : [],
    headersOf: () => new Set("header" in place ? [place.header] : []),
    redactorOf: () => ({
      isIdle: true,
      text: (text) => text.replaceAll(value, "[redacted]"),
      bytes: (bytes) => bytes,
      stream: () => ({ push: (piece) => piece, end: () => new Uint8Array() }),
    }),
  };
}

for (const place of [{ header: "x-key" }, { query: "key" }] as const)
  test(`a value that was put into the ${Object.keys(place)[0]} goes no further than its server`, async () => {
    await using own = openTestNetwork({ secrets: secretFor(place) });
    const first = far.seen.length;
    const before = other.seen.length;
    const request = {
      requests: [{ url: via(307, `${other.origin}/end`), method: "POST", body: "x" }],
    };
    const told = await own.ask("network_fetch", request, sendingAsker(granted));
    assert.equal(told.code, undefined);
    assert.match(JSON.stringify(far.seen.slice(first)), /s3cret/);
    assert.equal(other.seen.length, before + 1);
    assert.doesNotMatch(JSON.stringify(other.seen.slice(before)), /s3cret/);
    assert.doesNotMatch(JSON.stringify(told.ok), /s3cret/);
  });

test("a value that a server repeats in its redirect is not sent on", async () => {
  await using echo = await farServer();
  await using tells = await farServer((seen, response) => {
    response.statusCode = 302;
    response.setHeader("location", `${echo.origin}/?k=${seen.headers["x-key"]}`);
    response.end();
  });
  const secrets = secretFor({ header: "x-key" });
  await using all = openTestNetwork({
    secrets: {
      ...secrets,
      injectionsFor: (asker) => secrets.injectionsFor(asker, new URL(far.origin)),
    },
  });
  const network = [tells, echo].map(({ port }) => networkGrantOf({ port }));
  await all.ask("http_request", { url: `${tells.origin}/` }, sendingAsker(network));
  assert.equal(echo.seen[0]?.url, "/?k=[redacted]");
});
