/**
 * Who attacks: whoever stands between the host and a server, with certificates of their own.
 *
 * What must not happen: that a request is sent to a server which has not shown that it has the name.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createCertificates } from "#test/support/certificates.ts";
import { type Answering, farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";

const certificates = await createCertificates();
after(() => certificates[Symbol.asyncDispose]());
const trusting = { "network.extraCas": certificates.authority } as const;
const resolve = async () => ["127.0.0.1"];

async function asking(
  names: string,
  {
    days = 1,
    settings = trusting,
    url = "https://a.test",
    answer = undefined as Answering | undefined,
  } = {},
) {
  const far = await farServer(answer, await certificates.make(names, days));
  const net = openTestNetwork({ resolve, settings });
  const { hostname } = new URL(url);
  const addresses = ["127.0.0.0/8"];
  const grant = networkGrantOf({ host: hostname, scheme: "https", port: far.port, addresses });
  const told = (request: object = {}) =>
    net.ask("http_request", { url: `${url}:${far.port}/`, ...request }, sendingAsker([grant]));
  return {
    ...{ far, net, told, grant },
    async [Symbol.asyncDispose]() {
      await net[Symbol.asyncDispose]();
      await far[Symbol.asyncDispose]();
    },
  };
}

test("HTTPS works with an authority that the operator added, over HTTP/2, on one connection", async () => {
  await using one = await asking("DNS:a.test");
  const all = await Promise.all(Array.from({ length: 20 }, () => one.told()));
  assert.deepEqual([...new Set(all.map(({ code, message }) => message ?? code))], [undefined]);
  assert.deepEqual([...new Set(one.far.seen.map(({ version }) => version))], ["2.0"]);
  assert.equal(one.far.connections, 1);
});

test("an address can have a certificate too", async () => {
  await using one = await asking("IP:127.0.0.1", { url: "https://127.0.0.1" });
  assert.equal((await one.told()).code, undefined);
});

for (const [what, names, options] of [
  ["of an authority that nobody added", "DNS:a.test", { settings: {} as typeof trusting }],
  ["for another name", "DNS:b.test", {}],
  ["for the address instead of the name", "IP:127.0.0.1", {}],
  ["for a name that begins with it", "DNS:a.test.evil.test", {}],
  ["that has expired", "DNS:a.test", { days: -1 }],
  ["for a name instead of the address", "DNS:a.test", { url: "https://127.0.0.1" }],
] as const)
  test(`a certificate ${what} is not believed, and nothing is sent`, async () => {
    await using one = await asking(names, options);
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      const told = await one.told();
      assert.equal(told.code, "NETWORK_FAILED");
      assert.match(told.message ?? "", /certificate/);
      assert.equal(one.far.seen.length, 0);
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
  });

test("a server that speaks no TLS gets no request", async () => {
  await using far = await farServer();
  await using net = openTestNetwork({ resolve, settings: trusting });
  const grant = networkGrantOf({
    host: "a.test",
    scheme: "https",
    port: far.port,
    addresses: ["127.0.0.0/8"],
  });
  const told = await net.ask(
    "http_request",
    { url: `https://a.test:${far.port}/` },
    sendingAsker([grant]),
  );
  assert.equal(told.code, "NETWORK_FAILED");
  assert.equal(far.seen.length, 0);
});

test("a redirect from https to http is not followed", async () => {
  await using plain = await farServer();
  await using one = await asking("DNS:a.test", {
    answer: (_, response) => {
      response.statusCode = 302;
      response.setHeader("location", `${plain.origin}/`);
      response.end();
    },
  });
  const network = [one.grant, networkGrantOf({ port: plain.port })];
  const url = `https://a.test:${one.far.port}/`;
  const told = await one.net.ask("http_request", { url }, sendingAsker(network));
  assert.equal(told.code, "NETWORK_ANSWER_REFUSED");
  assert.match(told.message ?? "", /not encrypted/);
  assert.equal(plain.seen.length, 0);
});

test("headers of HTTP/2 are bounded as those of HTTP/1.1 are", async () => {
  for (const headers of [
    Object.fromEntries(Array.from({ length: 110 }, (_, index) => [`x-${index}`, "y"])),
    Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`x-${index}`, "y".repeat(1_000)])),
  ]) {
    await using one = await asking("DNS:a.test", {
      answer: (_, response) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        response.end("x");
      },
    });
    const told = await one.told();
    assert.match(String(told.code), /^NETWORK_(ANSWER_REFUSED|FAILED)$/);
  }
});

test("two plugins, and two owners that a grant keeps apart, share no connection", async () => {
  await using one = await asking("DNS:a.test");
  const url = `https://a.test:${one.far.port}/`;
  const apart = { ...one.grant, per: "caller" as const };
  const other = sendingAsker([one.grant], {
    binding: { plugin: "acme/weather" as never, source: "local", signer: "somebody else" },
  });
  for (const asker of [
    sendingAsker([one.grant]),
    other,
    sendingAsker([apart], { owner: "ada" }),
    sendingAsker([apart], { owner: "bob" }),
  ])
    for (let times = 0; times < 2; times++)
      assert.equal((await one.net.ask("http_request", { url }, asker)).code, undefined);
  assert.equal(one.far.connections, 4);
});

test("a file of certificates that is none keeps the host from starting", async () => {
  for (const file of ["/no/such/file", "package.json"])
    assert.throws(() => openTestNetwork({ settings: { "network.extraCas": file } }), {
      code: "FILE_UNUSABLE",
    });
});
