/**
 * Who attacks: the author of a plugin who owns a name server, and lets it answer when the operator has
 * taken the grant away.
 *
 * What must not happen: that a request is sent by a grant that ended while a name was looked up.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import { nothingGranted } from "#manifests/grants.ts";
import { askerWith } from "#test/support/asker.ts";
import { farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork } from "#test/support/network.ts";

test("a request whose name is answered after the grant was taken away is not sent", async () => {
  await using far = await farServer();
  const slow = Promise.withResolvers<readonly string[]>();
  const asked = Promise.withResolvers<void>();
  await using net = openTestNetwork({
    resolve: () => {
      asked.resolve();
      return slow.promise;
    },
  });
  const own = { host: "slow.example", addresses: ["127.0.0.0/8"], port: far.port };
  const state: { network: readonly NetworkGrant[] } = { network: [networkGrantOf(own)] };
  const asker = askerWith({}, { grants: () => ({ ...nothingGranted, network: state.network }) });
  const url = `http://slow.example:${far.port}/`;
  const told = net.ask("http_request", { url, method: "POST" }, asker);
  await asked.promise;
  state.network = [];
  net.network.review();
  slow.resolve(["127.0.0.1"]);
  assert.equal((await told).code, "CAPABILITY_DENIED");
  assert.deepEqual(far.seen, []);
});
