import assert from "node:assert/strict";
import { test } from "node:test";
import { type Grants, nothingGranted, parseGrants } from "#manifests/grants.ts";
import { beyond, changeOf, predecessorOf } from "#manifests/within.ts";

const place = {
  ...{ scheme: "https", host: "*.example.com", port: 443, methods: ["GET", "POST"], path: "/v1" },
  ...{ via: "any", uses: 10, expires: "2027-06-01T00:00:00Z" },
  perDay: { requests: 10, bytes: "1MiB" },
  addresses: ["10.0.0.0/8"],
};
const file = { name: "cache", folder: "/x", access: "write", quota: "1MiB", entries: 10 };
const edge = { alias: "it", plugin: "acme/b", signer: "unsigned", tools: ["a", "b"] };
const secret = { name: "TOKEN", secret: "mine", mode: "inject", via: ["acme/b", "acme/c"] };
const all = {
  network: [place],
  files: [file],
  tools: [edge],
  secrets: [secret],
  kv: { quota: "1MiB", per: "caller" },
};
const grantsOf = (change: object): Grants => parseGrants({ grants: 1, ...all, ...change });
const before = grantsOf({});
const change = (own: object) => changeOf(before, grantsOf(own));

for (const narrower of [
  { network: [{ ...place, host: "a.example.com" }] },
  { network: [{ ...place, host: "*.a.example.com" }] },
  { network: [{ ...place, methods: ["GET"] }] },
  { network: [{ ...place, path: "/v1/x" }] },
  { network: [{ ...place, addresses: [] }] },
  { network: [{ ...place, perDay: { requests: 9, bytes: "1MiB", time: "1s" } }] },
  { network: [{ ...place, uses: 9 }] },
  { network: [{ ...place, expires: "2027-05-01T00:00:00Z" }] },
  { network: [{ ...place, via: "direct" }] },
  { network: [{ ...place, via: ["acme/b"] }] },
  { secrets: [{ ...secret, via: ["acme/c"] }] },
  { secrets: [{ ...secret, via: "direct" }] },
  { files: [{ ...file, access: "read", via: "direct" }] },
  { files: [{ ...file, quota: "1KiB" }] },
  { files: [{ ...file, entries: 9 }] },
  { tools: [{ ...edge, tools: ["a"] }] },
  { kv: { quota: "1KiB", per: "caller" } },
  { network: [place, { ...place, host: "a.example.com" }] },
])
  test(`changeOf() to ${JSON.stringify(narrower).slice(0, 100)} is less`, () => {
    assert.equal(change(narrower), "narrow");
  });

for (const wider of [
  { network: [{ ...place, host: "example.com" }] },
  { network: [{ ...place, host: "*" }] },
  { network: [{ ...place, host: "badexample.com" }] },
  { network: [{ ...place, methods: ["GET", "DELETE"] }] },
  { network: [{ ...place, path: "/" }] },
  { network: [{ ...place, path: "/v12" }] },
  { network: [{ ...place, scheme: "http" }] },
  { network: [{ ...place, port: 8443 }] },
  { network: [{ ...place, addresses: ["10.0.0.0/8", "192.168.0.0/16"] }] },
  { network: [{ ...place, perDay: { requests: 11, bytes: "1MiB" } }] },
  { network: [{ ...place, perDay: { bytes: "1MiB" } }] },
  { network: [{ ...place, uses: 11 }] },
  { network: [{ ...place, expires: "2027-06-01T00:00:01Z" }] },
  { network: [{ ...place, per: "caller" }] },
  { secrets: [{ ...secret, via: ["acme/b", "acme/d"] }] },
  { secrets: [{ ...secret, via: "any" }] },
  { secrets: [{ ...secret, secret: "other" }] },
  { secrets: [{ ...secret, mode: "reveal" }] },
  // What is read may be reached through others, when nobody says otherwise.
  { files: [{ ...file, access: "read" }] },
  { files: [{ ...file, folder: "/y" }] },
  { files: [{ ...file, folder: null }] },
  { files: [{ ...file, quota: "2MiB" }] },
  { files: [{ ...file, entries: 11 }] },
  { tools: [{ ...edge, tools: ["a", "c"] }] },
  { tools: [{ ...edge, signer: "mallory" }] },
  { tools: [{ ...edge, plugin: "acme/z" }] },
  { kv: { quota: "2MiB", per: "caller" } },
  { kv: { quota: "1MiB" } },
])
  test(`changeOf() to ${JSON.stringify(wider).slice(0, 100)} is more, whatever else is gone`, () => {
    assert.equal(change(wider), "widen");
    assert.equal(
      change({ ...wider, ...("kv" in wider ? { network: [] } : { kv: undefined }) }),
      "widen",
    );
  });

test("changeOf() tells nothing, less and gone apart", () => {
  assert.equal(changeOf(before, grantsOf({})), "none");
  assert.equal(change({ network: [] }), "revoke");
  assert.equal(changeOf(before, nothingGranted), "revoke");
  assert.equal(changeOf(nothingGranted, before), "widen");
});

test("beyond() gives the grants that lie within none of the old ones", () => {
  const after = grantsOf({ network: [place, { ...place, host: "b.example.org" }], kv: undefined });
  assert.deepEqual(beyond(before, after), [after.network[1]]);
});

test("predecessorOf() finds what a grant takes the place of, wider or narrower", () => {
  const after = grantsOf({
    network: [{ ...place, host: "a.example.com", methods: ["GET"] }],
    kv: { quota: "2MiB" },
  });
  const [rule] = after.network;
  assert.ok(rule && after.kv);
  assert.equal(predecessorOf(before, "network", rule), before.network[0]);
  assert.equal(predecessorOf(after, "network", before.network[0] as never), rule);
  assert.equal(predecessorOf(before, "kv", after.kv), before.kv);
  assert.equal(predecessorOf(before, "tools", before.tools[0] as never), before.tools[0]);
  const elsewhere = grantsOf({ network: [{ ...place, port: 8443 }] }).network[0];
  assert.equal(predecessorOf(before, "network", elsewhere as never), undefined);
});
