/**
 * Who attacks: a plugin that goes on with what was taken from it: connections that are open, bodies that
 * are half read, and answers that are on their way.
 *
 * What must not happen: that a request is sent, or a byte arrives, by a grant that holds no longer.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import { nothingGranted } from "#manifests/grants.ts";
import type { Asker } from "#runtime/capabilities/capability.ts";
import { askerWith } from "#test/support/asker.ts";
import { type Answering, farServer } from "#test/support/far-server.ts";
import { owner } from "#runtime/keys.ts";
import { codeOf, openTestHost } from "#test/support/host.ts";
import { networkGrantOf, openTestNetwork } from "#test/support/network.ts";
import { asked, installSender } from "#test/support/sender.ts";

/** A plugin whose grants a test takes away. */
async function open(answering?: Answering) {
  const far = await farServer(answering);
  const net = openTestNetwork();
  const state: { network: readonly NetworkGrant[] } = {
    network: [networkGrantOf({ port: far.port })],
  };
  const own: Partial<Asker> = { grants: () => ({ ...nothingGranted, network: state.network }) };
  const asker = askerWith({}, own);
  return {
    ...{ far, net, asker, url: `${far.origin}/` },
    change: (network: readonly NetworkGrant[]) => {
      state.network = network;
    },
    async [Symbol.asyncDispose]() {
      await net[Symbol.asyncDispose]();
      await far[Symbol.asyncDispose]();
    },
  };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((done) => setTimeout(done, 5));
};

test("the next request after a revocation is denied, and its connections are closed", async () => {
  await using one = await open();
  assert.equal((await one.net.ask("http_request", { url: one.url }, one.asker)).code, undefined);
  assert.equal(one.far.open, 1);
  one.change([]);
  assert.equal(
    (await one.net.ask("http_request", { url: one.url }, one.asker)).code,
    "CAPABILITY_DENIED",
  );
  one.net.network.review();
  await until(() => one.far.open === 0);
  assert.equal(one.net.network.openConnections, 0);
});

test("connections of a revoked grant are closed without anybody asking for it", async () => {
  await using one = await open();
  await one.net.ask("http_request", { url: one.url }, one.asker);
  one.change([]);
  await until(() => one.far.open === 0);
});

test("an answer that is on its way ends with the grant", async () => {
  await using one = await open((_, response) => void response.write("x"));
  const told = one.net.ask("http_request", { url: one.url }, one.asker);
  await until(() => one.far.seen.length === 1);
  one.change([]);
  one.net.network.review();
  assert.equal((await told).code, "CAPABILITY_DENIED");
});

test("a body that is half read is read no further", async () => {
  await using one = await open((_, response) => void response.write("x"));
  const { ok } = await one.net.ask("network_open", { url: one.url }, one.asker);
  const { id } = ok as { id: number };
  assert.equal((await one.net.ask("network_read", { id }, one.asker)).code, undefined);
  one.change([]);
  assert.equal((await one.net.ask("network_read", { id }, one.asker)).code, "CAPABILITY_DENIED");
});

test("a grant that was narrowed is held to at the next request", async () => {
  await using one = await open();
  await one.net.ask("http_request", { url: `${one.url}a` }, one.asker);
  one.change([networkGrantOf({ port: one.far.port, path: "/b" })]);
  for (const [path, code] of [
    ["a", "CAPABILITY_DENIED"],
    ["b", undefined],
  ] as const)
    assert.equal(
      (await one.net.ask("http_request", { url: one.url + path }, one.asker)).code,
      code,
    );
});

test("what was granted for a single use is answered, although it is void by then", async () => {
  await using one = await open((_, response) => {
    setTimeout(() => response.end("late"), 600);
  });
  const single = networkGrantOf({ port: one.far.port, uses: 1 });
  one.change([single]);
  const told = one.net.ask("http_request", { url: one.url }, one.asker);
  await until(() => one.far.seen.length === 1);
  one.change([]);
  assert.equal(Buffer.from((await told).blocks[0] ?? []).toString(), "late");
  await until(() => one.far.open === 0);
});

test("a call that is over reads no more, and its open bodies are closed", async () => {
  await using one = await open((_, response) => void response.write("x"));
  const call = new AbortController();
  const asker = { ...one.asker, signal: call.signal };
  const { ok } = await one.net.ask("network_open", { url: one.url }, asker);
  call.abort();
  const { id } = ok as { id: number };
  assert.equal((await one.net.ask("network_read", { id }, asker)).code, "HOST_REQUEST_INVALID");
  await until(() => one.far.open === 0);
});

test("a body is read by the call that opened it, and by no other", async () => {
  await using one = await open((_, response) => void response.write("x"));
  const { ok } = await one.net.ask("network_open", { url: one.url }, one.asker);
  const { id } = ok as { id: number };
  const other = { ...one.asker, callId: "c2" };
  for (const name of ["network_read", "network_close"])
    assert.equal((await one.net.ask(name, { id }, other)).code, "HOST_REQUEST_INVALID");
  assert.equal((await one.net.ask("network_close", { id }, one.asker)).code, undefined);
});

test("what an operator takes away ends at once, in calls that run and for those that come", async () => {
  const hanging = { isOn: false, count: 0 };
  await using far = await farServer((_, response) => {
    if (hanging.isOn) hanging.count += 1;
    else response.end("ok");
  });
  await using host = await openTestHost();
  await installSender(host, [{ host: "127.0.0.1", scheme: "http", port: far.port }]);
  const url = `${far.origin}/`;
  const loop = async (): Promise<string> => {
    for (;;) {
      const code = await codeOf(asked(host, "status", { url }));
      if (code !== "ok") return code;
    }
  };
  const loops = Array.from({ length: 8 }, loop);
  await until(() => far.seen.length > 50);
  hanging.isOn = true;
  await until(() => hanging.count === loops.length);
  const { grants } = host.host;
  const { revision } = grants.view("local/sender");
  await grants.edit("local/sender", { document: { grants: 1 }, revision, callers: [] }, owner);
  const seen = far.seen.length;
  assert.deepEqual([...new Set(await Promise.all(loops))], ["CAPABILITY_DENIED"]);
  await until(() => far.open === 0);
  assert.equal(far.seen.length, seen);
});
