import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkAsked } from "#manifests/asked.ts";
import { type Grants, parseGrants, toGrantsText } from "#manifests/grants.ts";
import { usesNothing } from "#manifests/uses.ts";
import { beyond, changeOf } from "#manifests/within.ts";
import { narrowed } from "#runtime/grants/narrow.ts";

const of = <Value>(...values: Value[]) => fc.constantFrom(...values);
const some = <Value>(...values: Value[]) => fc.subarray(values, { minLength: 1 });
const terms = {
  via: fc.oneof(of("direct", "any"), some("acme/a", "acme/b", "acme/c")),
  per: of("plugin", "caller"),
  uses: fc.option(of(1, 2), { nil: undefined }),
  expires: fc.option(of("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"), { nil: undefined }),
};
const rule = fc.record({
  scheme: of("https", "https", "http", "wss"),
  host: of("*", "*.example.com", "*.a.example.com", "a.example.com", "b.a.example.com"),
  port: of(443, 443, 8443),
  methods: some("GET", "HEAD", "POST", "DELETE"),
  path: of("/", "/v1", "/v1/", "/v1/x"),
  ...terms,
});
const named = <Entry extends { readonly name?: string; readonly alias?: string }>(
  entry: fc.Arbitrary<Entry>,
) => fc.uniqueArray(entry, { maxLength: 2, selector: (each) => each.name ?? each.alias });
const grants: fc.Arbitrary<Grants> = fc
  .record({
    network: fc.array(rule, { maxLength: 3 }),
    secrets: named(
      fc.record({
        name: of("A", "B"),
        secret: of("x", "y"),
        mode: of("inject", "reveal"),
        ...terms,
      }),
    ),
    files: named(
      fc.record({
        ...{ name: of("a", "b"), folder: of(null, "/x"), access: of("read", "write") },
        ...{ quota: of("1KiB", "1MiB"), ...terms },
      }),
    ),
    kv: fc.option(fc.record({ quota: of("1KiB", "1MiB"), ...terms }), { nil: undefined }),
    tools: named(
      fc.record({
        ...{ alias: of("a", "b"), plugin: of("acme/a", "acme/b"), signer: of("unsigned", "x") },
        ...{ tools: some("one", "two"), ...terms },
      }),
    ),
  })
  // As it comes over the wire: what is left out is not there.
  .map((written) => parseGrants(JSON.parse(JSON.stringify({ grants: 1, ...written }))));
const manner = fc.record({
  chain: fc.array(of("acme/a", "acme/b", "acme/z"), { maxLength: 3 }),
  readOnly: fc.boolean(),
});

test("what holds in a call is never more than what was granted, and never more by way of more", () => {
  fc.assert(
    fc.property(grants, manner, of("acme/a", "acme/b", "acme/z"), (granted, how, more) => {
      const held = narrowed(granted, how, () => {});
      assert.deepEqual(beyond(granted, held), []);
      const deeper = narrowed(granted, { ...how, chain: [...how.chain, more] }, () => {});
      assert.deepEqual(beyond(held, deeper), []);
      const reading = narrowed(granted, { ...how, readOnly: true }, () => {});
      assert.deepEqual(beyond(held, reading), []);
    }),
  );
});

test("changeOf() of grants and themselves, written and read again, is none", () => {
  fc.assert(
    fc.property(grants, (granted) => {
      const again = parseGrants(JSON.parse(JSON.stringify(toGrantsText(granted))));
      assert.equal(changeOf(granted, again), "none");
      assert.deepEqual(beyond(granted, granted), []);
    }),
  );
});

test("to lie within is passed on: what is less than less is less", () => {
  const alone = rule.map((each) =>
    parseGrants(JSON.parse(JSON.stringify({ grants: 1, network: [each] }))),
  );
  fc.assert(
    fc.property(fc.array(alone, { minLength: 12, maxLength: 24 }), (all) => {
      for (const one of all)
        for (const two of all.filter((each) => beyond(one, each).length === 0))
          for (const three of all)
            if (beyond(two, three).length === 0) assert.deepEqual(beyond(one, three), []);
    }),
  );
});

test("checkAsked() takes nothing that lies beyond what a plain yes would give", () => {
  fc.assert(
    fc.property(grants, grants, ({ network: asked }, { network: given }) => {
      const uses = {
        ...usesNothing,
        network: asked.map(({ scheme, host, port, methods, path }) => {
          return { scheme, host, port, methods, path, reason: "" };
        }),
      };
      const only: Grants = { network: given, secrets: [], files: [], kv: null, tools: [] };
      const isTaken = (() => {
        try {
          return checkAsked(only, uses) === only;
        } catch {
          return false;
        }
      })();
      const reaches = (rules: Grants["network"], method: string, host: string, path: string) =>
        rules.some(
          (each) =>
            each.scheme === "https" &&
            each.port === 443 &&
            each.methods.some((one) => one === method) &&
            covers(each.host, host) &&
            `${path}/`.startsWith(each.path.endsWith("/") ? each.path : `${each.path}/`),
        );
      if (!isTaken) return;
      for (const method of ["GET", "HEAD", "POST", "DELETE"])
        for (const host of ["example.com", "a.example.com", "b.a.example.com", "c.example.com"])
          for (const path of ["", "/v1", "/v1/x", "/v1x", "/v2"])
            if (reaches(given, method, host, path))
              assert.ok(reaches(asked, method, host, path), `${method} ${host} ${path}`);
    }),
    { numRuns: 1_000 },
  );
});

/** What a host pattern is said to mean, in other words than the product's. */
function covers(pattern: string, host: string): boolean {
  if (!pattern.startsWith("*")) return pattern === host;
  return pattern === "*" || new RegExp(`^.+${pattern.slice(1).replaceAll(".", "\\.")}$`).test(host);
}
