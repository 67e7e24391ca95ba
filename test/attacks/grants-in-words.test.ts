/**
 * Who attacks: whoever can send `PUT /plugins/{id}/grants`, or tries to with a key that may not. What they
 * hold: keys of every scope, and bodies of every form.
 *
 * What must not happen: that a key which calls plugins widens what they may do, that a body means more
 * than what it plainly says, or that grants become wider than what the plugin asks for.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { createFakeHost } from "#test/support/fake-host.ts";
import { installKeeper } from "#test/support/granted.ts";
import { openTestHost } from "#test/support/host.ts";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { host } = home;
const id = await installKeeper(home, "prey", {
  kv: { quota: "1MiB", reason: "to keep" },
  network: [{ host: "api.example.com", methods: ["GET"], path: "/v1/", reason: "to ask" }],
  tools: [{ alias: "it", plugin: "local/other", tools: ["set"], reason: "to ask it" }],
});
const path = "/plugins/local%2Fprey/grants";
const door = await openTestDoor({}, { ...createFakeHost(), host });
after(() => door[Symbol.asyncDispose]());
const keyWith = async (...scopes: string[]): Promise<string> =>
  (await host.keys.create(owner, { owner: "eve", name: "key", scopes })).secret;
const granter = await keyWith("grants", "read");
const seen = () => host.grants.view(id);
const put = (body: string, key = granter, headers = {}) =>
  door.ask({ method: "PUT", path, body, type: "application/json", key, headers });
const written = (change: object) =>
  JSON.stringify({ grants: 1, revision: seen().revision, ...change });

test("no key but one that holds grants changes them, and none that calls plugins can hold it", async () => {
  const before = seen().revision;
  for (const scopes of [["invoke"], ["read"], ["logs"], ["install"], ["keys"], ["secrets"]])
    assertProblem(await put(written({}), await keyWith(...scopes)), "SCOPE_MISSING", 403);
  await assert.rejects(keyWith("invoke", "grants"), { code: "SCOPES_INVALID" });
  for (const by of [
    { ...owner, kind: "plugin" as const },
    { ...owner, kind: "key" as const, scopes: ["invoke", "grants"] },
  ]) {
    const edit = { document: { grants: 1 }, revision: before, callers: [] };
    await assert.rejects(host.grants.edit(id, edit, by), { code: "SCOPE_MISSING" });
  }
  assert.equal(seen().revision, before);
});

test("an edit that does not say what it edits is refused", async () => {
  const before = seen().revision;
  const body = JSON.stringify({ grants: 1 });
  assertProblem(await put(body), "REQUEST_INVALID", 400);
  assertProblem(await put(body, granter, { "if-match": '"x"' }), "GRANTS_CHANGED", 409);
  assertProblem(await put(body, granter, { "if-match": "*" }), "GRANTS_CHANGED", 409);
  const two = await put(written({}), granter, { "if-match": '"x"' });
  assertProblem(two, "REQUEST_INVALID", 400);
  assert.equal(seen().revision, before);
});

const place = {
  ...{ scheme: "https", host: "api.example.com", port: 443, methods: ["GET"], path: "/v1/" },
};
const kv = { quota: "1MiB" };
const edge = { alias: "it", plugin: "local/other", signer: "unsigned", tools: ["set"] };
for (const change of [
  { grants: "1" },
  { grants: 2 },
  { grants: [1] },
  { network: {} },
  { network: [[place]] },
  { network: [null] },
  { network: [{ ...place, host: "API.example.com" }] },
  { network: [{ ...place, host: "api.example.com." }] },
  { network: [{ ...place, host: "\u0430pi.example.com" }] },
  { network: [{ ...place, host: "api\u3002example.com" }] },
  { network: [{ ...place, host: "api.example.com\u0000" }] },
  { network: [{ ...place, host: "api.example.com:80" }] },
  { network: [{ ...place, host: "user@api.example.com" }] },
  { network: [{ ...place, host: ["api.example.com"] }] },
  { network: [{ ...place, host: "0x7f.1" }] },
  { network: [{ ...place, host: "*.com" }] },
  { network: [{ ...place, host: "*" }] },
  { network: [{ ...place, scheme: "HTTPS" }] },
  { network: [{ ...place, scheme: "file" }] },
  { network: [{ ...place, port: "443" }] },
  { network: [{ ...place, port: 443.5 }] },
  { network: [{ ...place, methods: [] }] },
  { network: [{ ...place, methods: "GET" }] },
  { network: [{ ...place, methods: ["get"] }] },
  { network: [{ ...place, methods: ["GET", "TRACE"] }] },
  { network: [{ ...place, path: "v1/" }] },
  { network: [{ ...place, path: "/v1/../" }] },
  { network: [{ ...place, path: "/v1/%2e%2e/" }] },
  { network: [{ ...place, path: "/V1/" }] },
  { network: [{ ...place, path: "/v1/\u202e" }] },
  { network: [{ ...place, also: "/" }] },
  { network: [{ ...place, addresses: ["everything"] }] },
  { network: Array.from({ length: 300 }, () => place) },
  { kv: true },
  { kv: [] },
  { kv: { quota: "2MiB" } },
  { kv: { quota: 1 } },
  { kv: { quota: "1mib" } },
  { kv: { quota: "-1B" } },
  { kv: { quota: "1e9B" } },
  { kv: { ...kv, uses: 0 } },
  { kv: { ...kv, uses: -1 } },
  { kv: { ...kv, uses: 1.5 } },
  { kv: { ...kv, uses: "5" } },
  { kv: { ...kv, uses: null } },
  { kv: { ...kv, expires: "never" } },
  { kv: { ...kv, expires: "2027-02-30T00:00:00Z" } },
  { kv: { ...kv, expires: "2027-01-01T00:00:00+14:00" } },
  { kv: { ...kv, expires: 1e15 } },
  { kv: { ...kv, via: [] } },
  { kv: { ...kv, via: "*" } },
  { kv: { ...kv, via: ["*"] } },
  { kv: { ...kv, via: ["any"], per: "nobody" } },
  { kv: { ...kv, per: ["plugin"] } },
  { tools: [{ ...edge, plugin: "local/vault" }] },
  { tools: [{ ...edge, tools: ["set", "get"] }] },
  { tools: [{ ...edge, alias: "this" }] },
  { tools: [edge, edge] },
  { files: [{ name: "cache", folder: null, access: "write", quota: "1MiB" }] },
  { secrets: [{ name: "TOKEN", secret: "mine", mode: "reveal" }] },
  { shell: true },
  { callers: "local/x" },
  { revision: 7 },
])
  test(`grants that say ${JSON.stringify(change).slice(0, 90)} change nothing`, async () => {
    const before = seen().revision;
    const told = await put(written(change));
    assert.ok(told.status >= 400 && told.status < 500, `${told.status} ${told.text}`);
    assert.match(told.json.title, /^(?:GRANTS_INVALID|REQUEST_INVALID|NAME_INVALID)$/);
    assert.equal(seen().revision, before);
  });

for (const body of [
  "",
  "[]",
  "null",
  "7",
  '"grants"',
  '{"grants":1',
  '{"grants":1,"grants":1}',
  '{"grants":1,"__proto__":{"kv":{"quota":"1MiB"}}}',
  '{"grants":1,"kv":{"quota":"1MiB","quota":"1TiB"}}',
  `{"grants":1,"kv":${"[".repeat(1_000)}${"]".repeat(1_000)}}`,
  '{"consentId":"x","accept":true,"kv":{"quota":"1MiB"}}',
  '{"consentId":"x","accept":"true"}',
])
  test(`a body ${body.slice(0, 60)} changes nothing`, async () => {
    const before = seen().revision;
    const told = await put(body);
    assert.ok(told.status >= 400 && told.status < 500, `${told.status} ${told.text}`);
    assert.equal(seen().revision, before);
  });

test("an answer to a request that nobody made is no edit, whatever stands beside it", async () => {
  const before = seen().revision;
  const body = JSON.stringify({ consentId: "x".repeat(32), accept: true, grants: { grants: 1 } });
  assertProblem(await put(body), "CONSENT_NOT_FOUND", 404);
  assert.equal(seen().revision, before);
});

test("what is narrower than what is asked for is taken, and stands in what is shown", async () => {
  const told = await put(written({ kv: { quota: "1KiB" } }));
  assert.equal(told.status, 200, told.text);
  assert.equal(told.json.kv.quota, "1KiB");
  assert.equal(told.headers["etag"], `"${seen().revision}"`);
  assert.deepEqual(told.json.network, []);
});
