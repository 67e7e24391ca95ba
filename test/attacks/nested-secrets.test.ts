/**
 * Who attacks: a plugin that may call another one which holds secrets. What they hold: edges to all of its
 * tools, and every byte of what those are given.
 *
 * What must not happen: that the secret is shown, or sent, on behalf of a plugin for which the operator
 * did not say so; or that what was sent comes back to the one that asked.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { farServer, type Seen } from "#test/support/far-server.ts";
import { edit, type Told, tell } from "#test/support/granted.ts";
import { installHolder, loopback } from "#test/support/holder.ts";
import { openTestHost } from "#test/support/host.ts";
import { setSecret, strongValue } from "#test/support/vault.ts";

const host = await openTestHost();
after(() => host[Symbol.asyncDispose]());
const tokenOf = ({ headers }: Seen) => headers["x-key"];
const far = await farServer((seen, response) => void response.end(`sent ${tokenOf(seen)}`));
after(() => far[Symbol.asyncDispose]());

await setSecret(host.host.secrets, "mine", { audience: [far.origin] });
const secrets = (via: readonly string[] | string) => [
  { name: "SENT", secret: "mine", mode: "inject", via },
  { name: "SEEN", secret: "mine", mode: "reveal", via },
];
const bank = await installHolder(host, "bank", {
  network: [loopback(far.port, { methods: ["GET"] })],
  secrets: [
    { name: "SENT", inject: { header: "X-Key" }, hosts: ["127.0.0.1"] },
    { name: "SEEN", reveal: true },
  ],
});
await edit(host, bank, { secrets: secrets("direct") });
const edge = (plugin: string) => [
  { alias: "it", plugin, tools: ["network_fetch", "secrets_get", "tools_call"], reason: "to ask" },
];
const thief = await installHolder(host, "thief", { uses: { tools: edge(bank) } });
await installHolder(host, "mule", { uses: { tools: edge(thief) } });

const fetching = { requests: [{ url: `${far.origin}/x` }] };
const inside = (tool: string, input: object) => ({
  tool: `it/${tool}`,
  input: JSON.stringify(input),
});
const byThief = (tool: string, input: object): Promise<Told> =>
  tell(host, "thief", "tools_call", inside(tool, input));
const byMule = (tool: string, input: object): Promise<Told> =>
  tell(host, "mule", "tools_call", inside("tools_call", inside(tool, input)));

/** Asserts that the server got no secret meanwhile, and nobody was told one. */
async function assertKept(told: Promise<Told>): Promise<void> {
  const before = far.seen.length;
  const text = JSON.stringify(await told);
  assert.equal(text.includes(strongValue), false, text);
  assert.doesNotMatch(text, /redacted/);
  for (const seen of far.seen.slice(before)) assert.equal(tokenOf(seen), undefined);
}

test("the holder itself is shown the secret, and sends it", async () => {
  // What a tool answers is looked through: that it was shown is all that is to be seen from outside.
  const told = await tell(host, "bank", "secrets_get", { name: "SEEN" });
  assert.deepEqual(Object.keys(told.ok ?? {}), ["value"]);
  await tell(host, "bank", "network_fetch", fetching);
  assert.equal(tokenOf(far.seen.at(-1) as Seen), strongValue);
});

test("a secret for direct calls is neither shown nor sent for another plugin", async () => {
  await assertKept(byThief("secrets_get", { name: "SEEN" }));
  await assertKept(byThief("network_fetch", fetching));
  await assertKept(byMule("secrets_get", { name: "SEEN" }));
  await assertKept(byMule("network_fetch", fetching));
  const shown = JSON.stringify(await byThief("secrets_get", { name: "SEEN" }));
  assert.match(shown, /CAPABILITY_DENIED/);
});

test("a secret for one plugin's calls is sent for it, and for none that calls that one", async () => {
  await edit(host, bank, { secrets: secrets([thief]) }, { callers: [thief, "local/mule"] });
  const told = JSON.stringify(await byThief("network_fetch", fetching));
  assert.equal(tokenOf(far.seen.at(-1) as Seen), strongValue);
  assert.equal(told.includes(strongValue), false, told);
  await assertKept(byMule("secrets_get", { name: "SEEN" }));
  await assertKept(byMule("network_fetch", fetching));
  await edit(host, bank, { secrets: secrets("direct") });
  await assertKept(byThief("network_fetch", fetching));
});
