/**
 * Who attacks: a plugin whose answers are on their way while a secret comes into its chain of calls: because
 * another plugin is called that holds one, or because the operator grants or changes one meanwhile.
 *
 * What must not happen: that a value passes because nothing was looked for when the answer, or the call,
 * began.
 */

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import type { SecretGrant } from "#manifests/capabilities/secrets.ts";
import { plainTerms } from "#manifests/capabilities/terms.ts";
import { nothingGranted } from "#manifests/grants.ts";
import { usesNothing } from "#manifests/uses.ts";
import { createSecrets } from "#runtime/capabilities/secrets.ts";
import { createTable } from "#runtime/capabilities/table.ts";
import { ask, askerWith, portsWith } from "#test/support/asker.ts";
import { sourceWith } from "#test/support/call-secrets.ts";
import { farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";
import { strongValue } from "#test/support/vault.ts";

function secretsWith(values: ReadonlyMap<string, string>, audience: readonly string[] = []) {
  const source = sourceWith(values, audience);
  return createSecrets({ ...portsWith(), source, ownNamesOf: () => [], onHit: () => {} });
}

const grantOf = (mode: SecretGrant["mode"]): SecretGrant => ({
  ...{ name: "KEY", secret: "mine", mode },
  ...plainTerms("any"),
});

test("a body that was opened before a nested call sent a secret gives it to nobody", async () => {
  const held: { response?: ServerResponse } = {};
  await using far = await farServer(({ url, headers }, response) => {
    if (url === "/held") {
      held.response = response;
      response.write("begun ");
      return;
    }
    held.response?.end(String(headers["x-key"]));
    response.end("sent");
  });
  const made = secretsWith(new Map([["mine", strongValue]]), [far.origin]);
  await using net = openTestNetwork({ secrets: made.secrets });
  const network = [networkGrantOf({ port: far.port })];
  const outer = sendingAsker(network);
  made.leaks.begin(outer, () => []);
  const { ok } = await net.ask("network_open", { url: `${far.origin}/held` }, outer);
  const { id } = ok as { id: number };
  const first = await net.ask("network_read", { id }, outer);
  assert.equal(Buffer.from(first.blocks[0] ?? []).toString(), "begun ");
  const inner = sendingAsker(network, {
    callId: "c2",
    uses: {
      ...usesNothing,
      secrets: [{ name: "KEY", inject: { header: "x-key" }, hosts: ["127.0.0.1"], reason: "" }],
    },
    grants: () => ({ ...nothingGranted, network, secrets: [grantOf("inject")] }),
  });
  made.leaks.begin(inner, () => [outer.callId]);
  assert.equal(
    (await net.ask("http_request", { url: `${far.origin}/send` }, inner)).code,
    undefined,
  );
  assert.equal(far.seen.at(-1)?.headers["x-key"], strongValue);
  let rest = "";
  for (;;) {
    const { blocks } = await net.ask("network_read", { id }, outer);
    if (blocks.length === 0) break;
    rest += Buffer.from(blocks[0] ?? []).toString();
  }
  assert.equal(rest, "[redacted]");
});

test("a secret that a call is shown is in none of its outputs, granted or changed however late", async () => {
  const values = new Map<string, string>();
  const { capability, leaks } = secretsWith(values);
  const table = createTable([capability], portsWith());
  const get = table.functionOf("extism:host/user.secrets_get");
  assert.ok(get);
  const state: { secrets: readonly SecretGrant[] } = { secrets: [] };
  const asker = askerWith(
    {},
    {
      uses: {
        ...usesNothing,
        secrets: [{ name: "KEY", inject: null, hosts: [], reason: "to see" }],
      },
      grants: () => ({ ...nothingGranted, secrets: [...state.secrets] }),
    },
  );
  leaks.begin(asker, () => []);
  values.set("mine", strongValue);
  state.secrets = [grantOf("reveal")];
  assert.deepEqual((await ask(get, asker, { name: "KEY" })).ok, { value: strongValue });
  const out = leaks.outgoing(asker, "output")?.text(`it is ${strongValue}`);
  assert.equal(out, "it is [redacted]");
});

test("no name of a header brings a secret back", async () => {
  await using far = await farServer(({ headers }, response) => {
    response.setHeader(String(headers["x-key"]), "x").end("ok");
  });
  const value = "tok_3f9a1c77e0b24d58";
  const made = secretsWith(new Map([["mine", value]]), [far.origin]);
  await using net = openTestNetwork({ secrets: made.secrets });
  const network = [networkGrantOf({ port: far.port })];
  const asker = sendingAsker(network, {
    uses: {
      ...usesNothing,
      secrets: [{ name: "KEY", inject: { header: "x-key" }, hosts: ["127.0.0.1"], reason: "" }],
    },
    grants: () => ({ ...nothingGranted, network, secrets: [grantOf("inject")] }),
  });
  made.leaks.begin(asker, () => []);
  const told = await net.ask("http_request", { url: `${far.origin}/` }, asker);
  assert.equal(told.code, undefined);
  assert.equal(JSON.stringify(told.ok).includes(value), false);
});

test("a secret is not fetched a byte at a time from a server that repeats it", async () => {
  await using far = await farServer(({ headers }, response) => {
    const body = String(headers["x-key"]);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
    if (from === undefined) response.end(body);
    else response.writeHead(206).end(body.slice(Number(from), Number(to) + 1));
  });
  const made = secretsWith(new Map([["mine", strongValue]]), [far.origin]);
  await using net = openTestNetwork({ secrets: made.secrets });
  const network = [networkGrantOf({ port: far.port })];
  const asker = sendingAsker(network, {
    uses: {
      ...usesNothing,
      secrets: [{ name: "KEY", inject: { header: "x-key" }, hosts: ["127.0.0.1"], reason: "" }],
    },
    grants: () => ({ ...nothingGranted, network, secrets: [grantOf("inject")] }),
  });
  made.leaks.begin(asker, () => []);
  let told = "";
  for (const at of strongValue.split("").keys()) {
    const headers = { Range: `bytes=${at}-${at}` };
    const { blocks } = await net.ask("http_request", { url: `${far.origin}/`, headers }, asker);
    told += Buffer.from(blocks[0] ?? []).toString();
  }
  assert.equal(told, "[redacted]".repeat(strongValue.length));
});
