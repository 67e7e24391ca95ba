import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { grantsInCommon } from "#manifests/common-grants.ts";
import { hostCovers, pathCovers } from "#manifests/cover.ts";
import { type Grants, nothingGranted, parseGrants } from "#manifests/grants.ts";

const grantsOf = (own: object): Grants => parseGrants({ grants: 1, ...own });
const rule = { scheme: "https", host: "api.example.com", port: 443, methods: ["GET"], path: "/" };
const common = (now: object, then: object): Grants => grantsInCommon(grantsOf(now), grantsOf(then));

test("grantsInCommon() of nothing is nothing", () => {
  const all = grantsOf({ kv: { quota: "1MiB" }, network: [rule] });
  assert.deepEqual(grantsInCommon(nothingGranted, all), nothingGranted);
  assert.deepEqual(grantsInCommon(all, nothingGranted), nothingGranted);
  assert.deepEqual(grantsInCommon(all, all), all);
});

test("grantsInCommon() takes the narrower of two places, methods and addresses", () => {
  const wide = { ...rule, host: "*.example.com", methods: ["GET", "POST"], path: "/v1" };
  const narrow = { ...rule, methods: ["GET", "PUT"], path: "/v1/pages" };
  for (const [now, then] of [
    [wide, narrow],
    [narrow, wide],
  ]) {
    const [found, ...rest] = common({ network: [now] }, { network: [then] }).network;
    assert.deepEqual(rest, []);
    assert.deepEqual(
      [found?.host, found?.methods, found?.path],
      ["api.example.com", ["GET"], "/v1/pages"],
    );
  }
  const other = { ...rule, port: 8443 };
  assert.deepEqual(common({ network: [rule] }, { network: [other] }).network, []);
});

test("grantsInCommon() takes the lower bound, the earlier end and the shorter way", () => {
  const now = { quota: "2MiB", expires: "2028-01-01T00:00:00Z", via: ["acme/a", "acme/b"] };
  const then = { quota: "1MiB", expires: "2027-06-01T00:00:00Z", via: ["acme/b", "acme/c"] };
  const { kv } = common({ kv: now }, { kv: then });
  assert.equal(kv?.quotaBytes, 2 ** 20);
  assert.equal(kv?.expires, "2027-06-01T00:00:00Z");
  assert.deepEqual(kv?.via, ["acme/b"]);
  const apart = common({ kv: { quota: "1MiB", via: ["acme/a"] } }, { kv: then });
  assert.equal(apart.kv?.via, "direct");
});

test("grantsInCommon() gives no secret of another value, and no folder of another place", () => {
  const secret = { name: "TOKEN", secret: "github", mode: "inject" };
  const other = { ...secret, secret: "gitlab" };
  assert.deepEqual(common({ secrets: [secret] }, { secrets: [other] }).secrets, []);
  const reveal = { ...secret, mode: "reveal" };
  assert.deepEqual(common({ secrets: [secret] }, { secrets: [reveal] }).secrets, []);
  const folder = { name: "notes", folder: "/srv/notes", access: "write", quota: "1MiB" };
  const elsewhere = { ...folder, folder: "/srv/more" };
  assert.deepEqual(common({ files: [folder] }, { files: [elsewhere] }).files, []);
  const reading = { ...folder, access: "read" };
  assert.equal(common({ files: [folder] }, { files: [reading] }).files[0]?.access, "read");
});

test("grantsInCommon() keeps what is counted only as it stands, so that nothing is counted anew", () => {
  const counted = { quota: "2MiB", uses: 5 };
  assert.equal(common({ kv: counted }, { kv: counted }).kv?.uses, 5);
  assert.equal(common({ kv: counted }, { kv: { quota: "3MiB" } }).kv?.uses, 5);
  assert.equal(common({ kv: counted }, { kv: { quota: "1MiB" } }).kv, null);
  const daily = { ...rule, perDay: { requests: 10 } };
  assert.equal(common({ network: [daily] }, { network: [daily] }).network.length, 1);
  const narrower = { ...rule, path: "/v1" };
  assert.deepEqual(common({ network: [daily] }, { network: [narrower] }).network, []);
});

const places = fc.record({
  scheme: fc.constantFrom("https", "http"),
  host: fc.constantFrom("*", "*.example.com", "api.example.com", "a.api.example.com", "b.test"),
  port: fc.constantFrom(443, 8443),
  methods: fc.uniqueArray(fc.constantFrom("GET", "POST", "DELETE"), { minLength: 1 }),
  path: fc.constantFrom("/", "/v1", "/v1/pages", "/v2"),
});

test("grantsInCommon() never allows a request that either of the two does not", () => {
  const lists = fc.array(places, { maxLength: 4 });
  fc.assert(
    fc.property(lists, lists, (now, then) => {
      for (const grant of common({ network: now }, { network: then }).network)
        for (const method of grant.methods)
          for (const side of [now, then])
            assert.ok(
              side.some(
                (each) =>
                  each.scheme === grant.scheme &&
                  each.port === grant.port &&
                  hostCovers(each.host, grant.host) &&
                  pathCovers(each.path, grant.path) &&
                  each.methods.includes(method as never),
              ),
            );
    }),
  );
});
