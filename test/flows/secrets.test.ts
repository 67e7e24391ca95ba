/** Secrets of an operator in requests of installed guests to real servers, through the whole host. */

import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { farServer, type Seen } from "#test/support/far-server.ts";
import { edit, edgeTo, tell, through } from "#test/support/granted.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { holder, installHolder, loopback } from "#test/support/holder.ts";
import { invoke, openHostIn, openTestHost } from "#test/support/host.ts";
import { setSecret, strongValue } from "#test/support/vault.ts";
import { wat } from "#test/support/wat.ts";

const far = await farServer();
const other = await farServer();
const host = await openTestHost();
after(() => host[Symbol.asyncDispose]());
after(() => far[Symbol.asyncDispose]());
after(() => other[Symbol.asyncDispose]());
const { secrets } = host.host;
await setSecret(secrets, "wiki", { audience: [far.origin] });

const asks = [
  {
    name: "TOKEN",
    inject: { header: "Authorization", template: "Bearer {}" },
    hosts: ["127.0.0.1"],
  },
];
await installHolder(host, "one", {
  network: [loopback(far.port), loopback(other.port)],
  secrets: asks,
  granted: { TOKEN: { secret: "wiki" } },
});

/** What the guest was answered for a request. */
async function fetched(id: string, request: object) {
  const told = await tell(host, id, "network_fetch", { requests: [request] });
  return { told, text: JSON.stringify(told), last: far.seen.at(-1) as Seen };
}

test("a granted secret is in the request, and its echo is not in the answer", async () => {
  const { text, last } = await fetched("one", { url: `${far.origin}/a` });
  assert.equal(last.headers.authorization, `Bearer ${strongValue}`);
  assert.match(text, /\[redacted\]/);
  assert.equal(text.includes(strongValue), false);
});

test("the use of a secret is counted, audited, and told when it comes back", async () => {
  const before = secrets.list()[0]?.uses ?? 0;
  await fetched("one", { url: `${far.origin}/count` });
  assert.equal(secrets.list()[0]?.uses, before + 1);
  const records = await host.host.auditQuery({ plugin: "local/one", limit: 100 });
  const acts = (records as { act: string; target: string }[]).map(
    ({ act, target }) => `${act} ${target}`,
  );
  assert(acts.includes(`inject TOKEN → 127.0.0.1:${far.port}`), acts.join());
  assert(acts.includes("redact wiki in an answer"), acts.join());
  assert(
    host.host.events
      .recent()
      .some(({ kind, subject }) => kind === "redacted" && subject === "wiki"),
  );
  assert.equal(JSON.stringify(records).includes(strongValue), false);
});

test("a secret goes to no host that its audience does not name", async () => {
  await fetched("one", { url: `${other.origin}/` });
  assert.equal(other.seen.at(-1)?.headers.authorization, undefined);
});

test("a secret that was not granted goes nowhere, and equal names mean nothing", async () => {
  const name = "WIKI";
  await installHolder(host, "two", {
    network: [loopback(far.port)],
    secrets: [{ ...asks[0], name }],
  });
  const { last } = await fetched("two", { url: `${far.origin}/b` });
  assert.equal(last.headers.authorization, undefined);
});

test("a secret goes into the query or a field of the body, as the manifest says", async () => {
  await installHolder(host, "places", {
    network: [loopback(far.port)],
    secrets: [
      { name: "IN_QUERY", inject: { query: "key" }, hosts: ["127.0.0.1"] },
      { name: "IN_BODY", inject: { field: "token" }, hosts: ["127.0.0.1"] },
    ],
    granted: { IN_QUERY: { secret: "wiki" }, IN_BODY: { secret: "wiki" } },
  });
  const request = { url: `${far.origin}/c?a=1&key=mine`, method: "POST", body: '{"a": 1}' };
  const { text, last } = await fetched("places", request);
  assert.equal(last.url, `/c?a=1&key=${strongValue}`);
  assert.equal(last.body, `{"token":"${strongValue}","a": 1}`);
  assert.equal(text.includes(strongValue), false);
});

test("secrets_get gives a value only where revealing was granted", async () => {
  const reveal = [{ name: "SEEN", reveal: true }];
  await installHolder(host, "seer", { secrets: reveal });
  const denied = await tell(host, "seer", "secrets_get", { name: "SEEN" });
  assert.equal(denied.error?.code, "CAPABILITY_DENIED");
  await edit(host, "local/seer", { secrets: [{ name: "SEEN", secret: "wiki", mode: "reveal" }] });
  // The guest has it; what it gives back to its caller, and logs, has not.
  const { value } = await invoke(host, "seer", "secrets_get", JSON.stringify({ name: "SEEN" }));
  assert.deepEqual(value, { ok: { value: "[redacted]" } });
  await invoke(host, "seer", "shout", JSON.stringify({ name: "SEEN" }));
  const logs = JSON.stringify(await host.host.plugins.logs("local/seer", 100));
  assert.match(logs, /\[redacted\]/);
  assert.equal(logs.includes(strongValue), false);
});

test("secrets_get refuses what is gone, in words that tell nothing of the operator's", async () => {
  await setSecret(secrets, "passing");
  await installHolder(host, "late", { secrets: [{ name: "GONE", reveal: true }] });
  await edit(host, "local/late", {
    secrets: [{ name: "GONE", secret: "passing", mode: "reveal" }],
  });
  await secrets.remove("passing", owner);
  const { error } = await tell(host, "late", "secrets_get", { name: "GONE" });
  assert.equal(error?.code, "SECRET_MISSING");
  assert.doesNotMatch(String(error?.message), /passing/);
});

test("what is injected for a plugin that is called is not in what its caller gets", async () => {
  await installHolder(host, "above", { uses: { tools: edgeNamed("local/one") } });
  const grant = { name: "TOKEN", secret: "wiki", mode: "inject", via: "any" };
  const network = (host.host.grants.view("local/one").network ?? []).map((one) => ({
    ...one,
    via: "any",
  }));
  await edit(host, "local/one", { network, secrets: [grant] }, { callers: ["local/above"] });
  const request = { requests: [{ url: `${far.origin}/nested` }] };
  const told = await tell(host, "above", "tools_call", through("network_fetch", request));
  assert.equal(far.seen.at(-1)?.headers.authorization, `Bearer ${strongValue}`);
  assert.equal(JSON.stringify(told).includes(strongValue), false);
});

test("what a plugin was shown is not in what its caller gets", async () => {
  await installHolder(host, "over", { uses: { tools: edgeNamed("local/seer") } });
  const grant = { name: "SEEN", secret: "wiki", mode: "reveal", via: "any" };
  await edit(host, "local/seer", { secrets: [grant] }, { callers: ["local/over"] });
  const told = await tell(host, "over", "tools_call", through("secrets_get", { name: "SEEN" }));
  assert.match(JSON.stringify(told), /\[redacted\]/);
});

test("a grant of one use ends with it", async () => {
  await edit(host, "local/one", {
    secrets: [{ name: "TOKEN", secret: "wiki", mode: "inject", uses: 1 }],
  });
  await fetched("one", { url: `${far.origin}/first` });
  assert.equal(far.seen.at(-1)?.headers.authorization, `Bearer ${strongValue}`);
  await fetched("one", { url: `${far.origin}/second` });
  assert.equal(far.seen.at(-1)?.headers.authorization, undefined);
});

test("secrets.onLeak: revoke ends the grant by which a value came back", async () => {
  await using strict = await openTestHost({ settings: { "secrets.onLeak": "revoke" } });
  await setSecret(strict.host.secrets, "wiki", { audience: [far.origin] });
  const granted = { TOKEN: { secret: "wiki" } };
  await installHolder(strict, "one", { network: [loopback(far.port)], secrets: asks, granted });
  const request = { requests: [{ url: `${far.origin}/leak` }] };
  await tell(strict, "one", "network_fetch", request);
  const held = () => strict.host.grants.view("local/one") as { secrets?: unknown[] };
  for (let turn = 0; turn < 200 && held().secrets?.length !== 0; turn++)
    await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(held().secrets, []);
  await tell(strict, "one", "network_fetch", request);
  assert.equal(far.seen.at(-1)?.headers.authorization, undefined);
  const records = await strict.host.auditQuery({ plugin: "local/one", kind: "grants", limit: 10 });
  assert.equal((records.at(-1) as { owner: string }).owner, "host");
});

function edgeNamed(plugin: string) {
  return edgeTo(plugin).map((edge) => ({ ...edge, tools: ["network_fetch", "secrets_get"] }));
}

test("a locked vault stops what needs a secret, and nothing else", async () => {
  await using folder = await temporaryFolder();
  {
    await using first = await openHostIn(folder.path);
    await setSecret(first.host.secrets, "wiki", { audience: [far.origin] });
    const granted = { TOKEN: { secret: "wiki" }, SEEN: { secret: "wiki", mode: "reveal" } };
    const secrets = [...asks, { name: "SEEN", reveal: true }];
    await installHolder(first, "it", { network: [loopback(far.port)], secrets, granted });
    await installHolder(first, "plain", { network: [loopback(far.port)] });
  }
  await rm(join(folder.path, "home", "vault.key"));
  await using locked = await openHostIn(folder.path);
  const health = await locked.host.health();
  assert.equal(health.status, "degraded");
  const check = health.checks.find(({ name }) => name === "vault");
  assert.deepEqual(check, {
    ...{ name: "vault", ok: false },
    detail: "there is no key in the file vault.key of the home",
  });
  const before = far.seen.length;
  const request = { requests: [{ url: `${far.origin}/locked` }] };
  const text = JSON.stringify(await tell(locked, "it", "network_fetch", request));
  assert.match(text, /VAULT_LOCKED/);
  assert.equal(far.seen.length, before, "without its secret it is not sent");
  const { error } = await tell(locked, "it", "secrets_get", { name: "SEEN" });
  assert.equal(error?.code, "VAULT_LOCKED");
  await tell(locked, "plain", "network_fetch", request);
  assert.equal(far.seen.length, before + 1);
});

test("an install offers those secrets that may go to all hosts of an ask", async () => {
  const set = (name: string, audience: readonly string[]) =>
    setSecret(secrets, name, { audience, wildcard: true });
  await set("exact", ["https://a.example.org"]);
  await set("wide", ["https://*.example.org"]);
  await set("other", ["https://b.example.org"]);
  const wish = { path: join(host.folder, "offering") };
  await mkdir(wish.path, { recursive: true });
  await writeFile(join(wish.path, "plugin.wasm"), await wat(holder));
  const hosts = ["a.example.org"];
  const ask = { name: "KEY", inject: { header: "x-key" }, hosts, reason: "test" };
  const manifest = { manifest: 1, id: "offering", version: "1.0.0", description: "A guest" };
  const whole = { ...manifest, provides: { tools: [] }, uses: { secrets: [ask] } };
  await writeFile(join(wish.path, "manifest.json"), JSON.stringify(whole));
  const offered: unknown[] = [];
  const consent = async (question: { readonly choices: unknown }) => {
    offered.push(question.choices);
    return undefined;
  };
  const source = { kind: "path", ...wish } as const;
  await host.host.install({ caller: owner, source, consent: consent as never }).catch(() => {});
  assert.deepEqual(offered, [{ KEY: ["exact", "wide"] }]);
});
