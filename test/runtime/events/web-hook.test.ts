import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { HostEvent } from "#manifests/events.ts";
import { optionSource, resolveConfig } from "#manifests/config.ts";
import { createWebHook } from "#runtime/events/web-hook.ts";
import { fakeClock } from "#test/support/clock.ts";

const secret = Buffer.from("a secret that is shared");
const event: HostEvent = {
  ...{ event: 1, id: "a-1", at: "2027-01-01T00:00:00.000Z", kind: "disk", plugin: null },
  ...{ subject: "low", text: "the disk is full of ☃", count: 1, dropped: 0 },
};

interface Got {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver on loopback that answers with what it is told. */
async function receiver(status: number, headers: Readonly<Record<string, string>> = {}) {
  const got: Got[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    got.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(status, headers).end("heard");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
  return {
    got,
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const signal = new AbortController().signal;

test("createWebHook() posts an event that its receiver can check with the secret alone", async () => {
  await using hook = await receiver(204);
  const clock = fakeClock();
  await createWebHook({ url: hook.url, secret, clock })(event, signal);
  const [{ headers, body } = { headers: {}, body: "" }] = hook.got;
  assert.deepEqual(JSON.parse(body), event);
  assert.equal(headers["convergio-event"], "a-1");
  const timestamp = String(headers["convergio-timestamp"]);
  assert.equal(Number(timestamp), clock.now() / 1000);
  const expected = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  assert.equal(headers["convergio-signature"], `sha256=${expected}`);
});

for (const status of [199 + 101, 400, 404, 500])
  test(`createWebHook() rejects when the receiver answers ${status}`, async () => {
    await using hook = await receiver(status, { location: "http://127.0.0.1:9/elsewhere" });
    const deliver = createWebHook({ url: hook.url, secret, clock: fakeClock() });
    await assert.rejects(deliver(event, signal));
  });

test("createWebHook() takes what is signed nowhere but to the address that was named", async () => {
  await using other = await receiver(200);
  await using hook = await receiver(307, { location: other.url });
  const deliver = createWebHook({ url: hook.url, secret, clock: fakeClock() });
  await assert.rejects(deliver(event, signal));
  assert.deepEqual([hook.got.length, other.got.length], [1, 0]);
});

const addresses: readonly (readonly [string, boolean])[] = [
  ["https://hooks.example/convergio?x=1", true],
  ["https://hooks.example:8443", true],
  ["http://127.0.0.1:9000/x", true],
  ["http://localhost/x", true],
  ["http://[::1]:80", true],
  ["http://hooks.example/x", false],
  ["http://127.0.0.1.example/x", false],
  ["http://localhost@hooks.example/", false],
  ["https://user:word@hooks.example/", false],
  ["ftp://hooks.example/", false],
  ["file:///etc/passwd", false],
];
for (const [url, isGood] of addresses)
  test(`the setting events.url ${isGood ? "takes" : "refuses"} ${url}`, () => {
    const read = () =>
      resolveConfig([optionSource(new Map([["events.url", url]]), () => "the test")]).config;
    if (isGood) assert.equal(read().events.url, url);
    else assert.throws(read, { code: "SETTINGS_INVALID" });
  });
