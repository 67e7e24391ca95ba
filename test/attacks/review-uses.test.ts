/**
 * Who attacks: a plugin that was given something for a number of uses. What they hold: calls that run
 * while the plugin is updated, and tools under which the grant looks like another one.
 *
 * What must not happen: more uses, or more of a day's budget, than were given.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "#manifests/errors.ts";
import { createTable } from "#runtime/capabilities/table.ts";
import { narrowed } from "#runtime/grants/narrow.ts";
import { ask } from "#test/support/asker.ts";
import { edit, effectsOf, installKeeper, tell } from "#test/support/granted.ts";
import { farServer } from "#test/support/far-server.ts";
import { openTestHost } from "#test/support/host.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";

const value = { key: "a", value: "b" };

test("a call that runs while its plugin is updated and the calls after it share what was left", async () => {
  const uses = 1_500;
  await using home = await openTestHost();
  const id = await installKeeper(home, "counted");
  const [grant] = [home.host.grants.view(id).kv];
  await edit(home, id, { kv: { ...grant, uses } });
  const running = tell(home, "counted", "loop", value);
  while ((await effectsOf(home, id)).length < 50) await sleep(5);
  await installKeeper(home, "counted", undefined, { version: "1.1.0" });
  await tell(home, "counted", "loop", value);
  await running;
  const allowed = (await effectsOf(home, id)).filter(({ decision }) => decision === "allowed");
  assert.equal(allowed.length, uses);
  assert.equal((await tell(home, "counted", "set", value)).error?.code, "CAPABILITY_DENIED");
});

test("a tool that only reads spends from the same budget as those that write", async () => {
  await using far = await farServer();
  await using net = openTestNetwork();
  const network = [networkGrantOf({ port: far.port, perDay: { requests: 2 } })];
  const writing = sendingAsker(network);
  const reading = { ...writing, readOnly: true, grants: () => held };
  const held = narrowed(writing.grants(), { chain: [], readOnly: true }, () => {});
  const url = `${far.origin}/`;
  const codes: unknown[] = [];
  for (const asker of [writing, reading, writing, reading])
    codes.push((await net.ask("http_request", { url }, asker)).code);
  const exhausted = "NETWORK_BUDGET_EXHAUSTED";
  assert.deepEqual(codes, [undefined, undefined, exhausted, exhausted]);
});

test("a redirect, and each request of several, is sent only when its use is booked", async () => {
  await using far = await farServer(({ url }, response) => {
    if (url === "/first") response.writeHead(302, { location: "/second" });
    response.end();
  });
  await using net = openTestNetwork();
  const state = { left: 1 };
  const use = async (): Promise<void> => {
    state.left -= 1;
    if (state.left < 0) throw new HostError("STORAGE_FULL", {});
  };
  const table = createTable([net.capability], { record: () => {}, use });
  const asker = sendingAsker([networkGrantOf({ port: far.port, uses: 9 })]);
  const plain = table.functionOf("extism:host/env.http_request");
  const several = table.functionOf("extism:host/user.network_fetch");
  assert.ok(plain && several);
  const told = await ask(plain, asker, { url: `${far.origin}/first` });
  assert.equal(told.code, "STORAGE_FULL");
  const requests = ["a", "b"].map((path) => ({ url: `${far.origin}/${path}` }));
  const { ok } = await ask(several, asker, { requests });
  assert.match(JSON.stringify(ok), /STORAGE_FULL.*STORAGE_FULL/);
  assert.deepEqual(
    far.seen.map(({ url }) => url),
    ["/first"],
  );
});
