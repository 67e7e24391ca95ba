/**
 * Who attacks: the author of a plugin that may send requests to hosts of a pattern, and who owns some
 * of their names. What they hold: every URL, and every answer of their name servers.
 *
 * What must not happen: a connection to an address that is private, of this machine, or a door of this
 * host, when the operator has not named it.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";

const far = await farServer();
after(() => far[Symbol.asyncDispose]());
const { port } = far;

/** A name server of the attacker's: each look-up gets the next answer, the last one for ever. */
function answering(...answers: readonly (readonly string[])[]) {
  const state = { asked: 0 };
  const resolve = async () => answers[Math.min(state.asked++, answers.length - 1)] ?? [];
  return { resolve, state };
}

const anyHost = [networkGrantOf({ host: "*", port })];
const url = `http://evil.test:${port}/`;

for (const [what, addresses] of Object.entries({
  "of this machine": ["127.0.0.1"],
  "of this machine by version 6": ["::1"],
  "of this machine in a form of version 6": ["::ffff:127.0.0.1"],
  "of this machine through NAT64": ["64:ff9b::127.0.0.1"],
  "of this machine through 6to4": ["2002:7f00:1::"],
  "of this machine by another number": ["127.9.9.9"],
  "that is private": ["10.0.0.1"],
  "of a home": ["192.168.1.1"],
  "of a cloud's credentials": ["169.254.169.254"],
  "of a cloud's credentials by version 6": ["fd00:ec2::254"],
  "that is nobody's": ["0.0.0.0"],
  "of everybody": ["224.0.0.1"],
  "that is none": ["evil"],
  "with a zone": ["fe80::1%lo"],
  "and another that is private": ["10.0.0.1", "192.168.1.1"],
}))
  test(`a name with an address ${what} is denied, and nobody is connected to`, async () => {
    await using net = openTestNetwork({ resolve: answering(addresses).resolve });
    const told = await net.ask("http_request", { url }, sendingAsker(anyHost));
    assert.equal(told.code, "CAPABILITY_DENIED");
    assert.equal(far.connections, 0);
    assert.match(net.decisions.at(-1) ?? "", / at .* false$/);
    // The guest does not learn what addresses the names of the operator's network have.
    assert.ok(!JSON.stringify(told).includes(String(addresses[0])));
  });

test("a name that moves to a private address between two requests is followed no further", async () => {
  const dns = answering(["127.0.0.1"], ["10.0.0.1"]);
  await using net = openTestNetwork({ resolve: dns.resolve });
  const asker = sendingAsker([networkGrantOf({ host: "*", port, addresses: ["127.0.0.0/8"] })]);
  const before = far.seen.length;
  const first = await net.ask("http_request", { url }, asker);
  assert.equal((first.ok as { status: number }).status, 200);
  const second = await net.ask("http_request", { url }, asker);
  assert.equal(second.code, "CAPABILITY_DENIED");
  assert.equal(dns.state.asked, 2);
  assert.equal(far.seen.length, before + 1);
});

test("a connection goes to the address that was vetted, whatever the next look-up says", async () => {
  // One answer is public, and vetted; the next would be this machine. Only one is asked for.
  const dns = answering(["192.0.2.1", "127.0.0.1"], ["127.0.0.1"]);
  await using net = openTestNetwork({
    resolve: dns.resolve,
    settings: { "network.connect": "200ms", "network.headers": "400ms" },
  });
  const asker = sendingAsker([networkGrantOf({ host: "*", port, addresses: ["192.0.2.0/24"] })]);
  const before = far.connections;
  const told = await net.ask("http_request", { url }, asker);
  assert.match(String(told.code), /^NETWORK_(FAILED|TIMEOUT)$/);
  assert.equal(dns.state.asked, 1);
  assert.equal(far.connections, before);
});

test("a literal address is not granted by a pattern, and is by its own name", async () => {
  await using net = openTestNetwork();
  const literal = { url: `${far.origin}/` };
  const denied = await net.ask("http_request", literal, sendingAsker(anyHost));
  assert.equal(denied.code, "CAPABILITY_DENIED");
  const named = sendingAsker([networkGrantOf({ port })]);
  assert.equal((await net.ask("http_request", literal, named)).code, undefined);
});

test("localhost is this machine, whatever a name server says, and is granted by its name alone", async () => {
  const dns = answering(["8.8.8.8"]);
  await using net = openTestNetwork({ resolve: dns.resolve });
  const local = { url: `http://localhost:${port}/` };
  const denied = await net.ask("http_request", local, sendingAsker(anyHost));
  assert.equal(denied.code, "CAPABILITY_DENIED");
  const named = sendingAsker([networkGrantOf({ host: "localhost", port })]);
  assert.equal((await net.ask("http_request", local, named)).code, undefined);
  assert.equal(dns.state.asked, 0);
});

test("the host's own door is denied whatever was granted, by every address of this machine", async () => {
  const addresses = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"];
  for (const address of addresses) {
    await using net = openTestNetwork({ resolve: answering([address]).resolve });
    using _ = net.network.listensAt(port);
    const ranges = ["127.0.0.0/8", "::1/128", "::ffff:0:0/96"];
    const asker = sendingAsker([networkGrantOf({ host: "*", port, addresses: ranges })]);
    assert.equal((await net.ask("http_request", { url }, asker)).code, "CAPABILITY_DENIED");
    const literal = sendingAsker([networkGrantOf({ port }), ...asker.grants().network]);
    const told = await net.ask("http_request", { url: `${far.origin}/` }, literal);
    assert.equal(told.code, "CAPABILITY_DENIED");
  }
});

test("proxies that the environment names are not used", async () => {
  await using proxy = await farServer();
  const names = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
  ];
  for (const name of [...names, "NODE_USE_ENV_PROXY"]) process.env[name] = proxy.origin;
  try {
    await using net = openTestNetwork();
    const asker = sendingAsker([networkGrantOf({ port })]);
    const told = await net.ask("http_request", { url: `${far.origin}/` }, asker);
    assert.equal(told.code, undefined);
    assert.equal(proxy.connections, 0);
  } finally {
    for (const name of [...names, "NODE_USE_ENV_PROXY"]) delete process.env[name];
  }
});

test("a name without an address is an error in words of the host", async () => {
  await using net = openTestNetwork({ settings: { "network.headers": "3s" } });
  const asker = sendingAsker([networkGrantOf({ host: "*", port })]);
  const told = await net.ask("http_request", { url: `http://no.such.invalid:${port}/` }, asker);
  assert.match(String(told.code), /^NETWORK_(FAILED|TIMEOUT)$/);
});
