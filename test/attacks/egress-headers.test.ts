/**
 * Who attacks: the author of a plugin, by the headers of its requests.
 *
 * What must not happen: that a header ends another message, speaks for another host, frames the body, or
 * takes the place of a value that the host puts in.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { noSecrets } from "#runtime/capabilities/network/no-secrets.ts";
import { farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";

const far = await farServer();
const net = openTestNetwork({
  secrets: { ...noSecrets, headersOf: () => new Set(["x-api-key", "authorization"]) },
});
after(() => net[Symbol.asyncDispose]());
after(() => far[Symbol.asyncDispose]());
const asker = sendingAsker([networkGrantOf({ port: far.port })]);
const url = `${far.origin}/`;

const names = [
  ...[
    "host",
    "Host",
    "HOST",
    "content-length",
    "Content-Length",
    "transfer-encoding",
    "connection",
  ],
  ...["keep-alive", "te", "trailer", "upgrade", "expect", "via", "http2-settings"],
  ...["proxy-authorization", "Proxy-Connection", "proxy-anything"],
  ...["x-http-method-override", "X-HTTP-Method", "X-Method-Override"],
  ...["x-original-url", "X-Rewrite-URL"],
  ...[":authority", ":method", ":path", ":scheme", ":protocol"],
  ...["x-api-key", "X-API-KEY", "Authorization"],
  ...[
    "",
    " ",
    "a b",
    "a:b",
    "a\r\nb",
    "a\0",
    "a(b)",
    "a,b",
    "a;b",
    "a=b",
    "a@b",
    "a[b]",
    "a{b}",
    'a"b',
    "ä",
  ],
  ...["a/b", "a?b", "a\\b", "a\tb", " host", "host ", "x".repeat(257), "__proto__x y"],
];
const values = [
  "a\r\nx: y",
  "a\nb",
  "a\rb",
  "a\0b",
  "a\u007fb",
  "a\u0001",
  "\u0100",
  "☃",
  "a\u2028b",
  "\ud83d\ude00",
];

for (const name of names)
  test(`a header named ${JSON.stringify(name.slice(0, 40))} is refused, and nothing is sent`, async () => {
    const before = far.seen.length;
    const told = await net.ask("http_request", { url, headers: { [name]: "a" } }, asker);
    assert.equal(told.code, "HOST_REQUEST_INVALID", told.message ?? "it was sent");
    assert.equal(far.seen.length, before);
  });

for (const value of values)
  test(`a header with the value ${JSON.stringify(value)} is refused, and nothing is sent`, async () => {
    const before = far.seen.length;
    const told = await net.ask("http_request", { url, headers: { "x-a": value } }, asker);
    assert.equal(told.code, "HOST_REQUEST_INVALID", told.message ?? "it was sent");
    assert.equal(far.seen.length, before);
  });

for (const [what, headers] of [
  ["a name in two cases", { "X-A": "1", "x-a": "2" }],
  [
    "101 headers",
    Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x${index}`, "a"])),
  ],
  ["more than 64 KiB", { "x-a": "a".repeat(40_000), "x-b": "b".repeat(40_000) }],
] as const)
  test(`${what} in one request is refused`, async () => {
    const told = await net.ask("http_request", { url, headers }, asker);
    assert.equal(told.code, "HOST_REQUEST_INVALID");
  });

test("ordinary headers arrive as they were written, with those of the host", async () => {
  const headers = {
    "X-One": "a\tb",
    accept: "text/html",
    cookie: "a=b",
    "x-latin": "é",
    origin: "null",
  };
  await net.ask("http_request", { url, headers }, asker);
  const seen = far.seen.at(-1)?.headers ?? {};
  assert.equal(seen["x-one"], "a\tb");
  assert.equal(seen.accept, "text/html");
  assert.equal(seen.cookie, "a=b");
  assert.equal(seen["x-latin"], "é");
  assert.equal(seen.host, `127.0.0.1:${far.port}`);
  assert.equal(seen["user-agent"], "convergio");
});

test("a body that servers read in different ways is refused", async () => {
  for (const method of ["GET", "HEAD"]) {
    const network = [networkGrantOf({ port: far.port, methods: ["GET", "HEAD"] })];
    const told = await net.ask("network_open", { url, method, body: "a" }, sendingAsker(network));
    assert.equal(told.code, "HOST_REQUEST_INVALID");
  }
});

for (const [what, request] of [
  ["a member that nobody knows", { url, tls: { rejectUnauthorized: false } }],
  ["a body and a block", { url, method: "POST", body: "a", block: 0 }],
  ["a block that is not there", { url, method: "POST", block: 3 }],
  ["a redirect that is none", { url, redirect: "error" }],
  ["no URL", { method: "GET" }],
  ["a URL of another type", { url: ["a"] }],
  ["a list of headers", { url, headers: [["a", "b"]] }],
  ["a value that is no text", { url, headers: { a: 1 } }],
  ["an endless URL", { url: `${url}${"a".repeat(8_192)}` }],
] as const)
  test(`a request with ${what} is refused`, async () => {
    const told = await net.ask("network_open", request, asker);
    assert.equal(told.code, "HOST_REQUEST_INVALID");
  });
