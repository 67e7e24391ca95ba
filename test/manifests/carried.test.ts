/** The attacker is an author whose update wants to hold more than what was granted to the version before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkAsked, grantsAsked } from "#manifests/asked.ts";
import { asksBeyond, carriedGrants, mergeGrants } from "#manifests/carried.ts";
import { type Grants, nothingGranted, parseGrants } from "#manifests/grants.ts";
import { parseManifest } from "#manifests/manifest.ts";
import type { Uses } from "#manifests/uses.ts";
import { beyond } from "#manifests/within.ts";

function usesOf(uses: object): Uses {
  const written = { manifest: 1, id: "asks", version: "1.0.0", provides: {}, uses };
  return parseManifest(Buffer.from(JSON.stringify(written))).uses;
}

const grantsOf = (grants: object): Grants => parseGrants({ grants: 1, ...grants });
const everything = (uses: Uses): Grants => grantsAsked(uses, () => "unsigned");
const reason = "to work";

const hosts = fc.constantFrom("*", "a.example", "*.a.example", "b.a.example", "127.0.0.1");
const methods = fc.subarray(["GET", "HEAD", "POST", "DELETE"], { minLength: 1 });
const networks = fc.array(
  fc.record({
    host: hosts,
    methods,
    path: fc.constantFrom("/", "/a", "/a/b", "/ab"),
    scheme: fc.constantFrom("https", "http"),
    reason: fc.constant(reason),
  }),
  { maxLength: 4 },
);
const quota = fc.constantFrom("1KiB", "1MiB", "64MiB");
const folders = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("cache", "notes"),
    access: fc.constantFrom("read", "write"),
    quota,
    reason: fc.constant(reason),
  }),
  { selector: ({ name }) => name, maxLength: 2 },
);
const edges = fc.uniqueArray(
  fc.record({
    alias: fc.constantFrom("one", "two"),
    plugin: fc.constantFrom("acme/one", "acme/two"),
    tools: fc.subarray(["x", "y", "z"], { minLength: 1 }),
    reason: fc.constant(reason),
  }),
  { selector: ({ alias }) => alias, maxLength: 2 },
);
const secrets = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("ONE", "TWO"),
    inject: fc.constantFrom({ header: "authorization" }, { query: "key" }),
    hosts: fc.uniqueArray(fc.constantFrom("a.example", "b.example", "*.a.example"), {
      minLength: 1,
    }),
    reason: fc.constant(reason),
  }),
  { selector: ({ name }) => name, maxLength: 2 },
);
const asked = fc
  .record(
    { network: networks, files: folders, tools: edges, secrets, kv: fc.record({ quota }) },
    { requiredKeys: [] },
  )
  .map(usesOf);

/** What an operator could have granted of an ask: all of it, less of it, or none. */
const heldOf = (uses: Uses) =>
  fc.tuple(fc.infiniteStream(fc.boolean()), fc.infiniteStream(fc.boolean())).map(([some, less]) => {
    const all = everything(uses);
    const isKept = (): boolean => some.next().value === true;
    const isLess = (): boolean => less.next().value === true;
    return {
      network: all.network
        .filter(isKept)
        .map((grant) => (isLess() ? { ...grant, methods: grant.methods.slice(0, 1) } : grant)),
      files: all.files
        .filter(isKept)
        .map((grant) => (isLess() ? { ...grant, quotaBytes: 100, folder: "/srv/it" } : grant)),
      kv: all.kv && isLess() ? { ...all.kv, quotaBytes: 10 } : all.kv,
      tools: all.tools.filter(isKept),
      secrets: uses.secrets.filter(isKept).map(({ name }) => ({
        ...{ name, secret: "mine", mode: "inject" as const },
        ...{ per: "plugin" as const, via: "direct" as const, expires: null, uses: null },
      })),
    };
  });

test("carriedGrants() gives no more than was held, and no more than is asked", () => {
  const both = fc
    .tuple(asked, asked)
    .chain(([before, after]) => fc.tuple(fc.constant({ before, after }), heldOf(before)));
  fc.assert(
    fc.property(both, ([{ before, after }, held]) => {
      const carried = carriedGrants(held, before, after);
      assert.deepEqual(beyond(held, carried), []);
      assert.deepEqual(checkAsked(carried, after), carried);
    }),
    { numRuns: 1_000 },
  );
});

test("carriedGrants() keeps everything for a version that asks for the same", () => {
  const one = asked.chain((uses) => fc.tuple(fc.constant(uses), heldOf(uses)));
  fc.assert(
    fc.property(one, ([uses, held]) => {
      assert.deepEqual(carriedGrants(held, uses, uses), held);
      assert.deepEqual(asksBeyond(uses, uses).networkAt, []);
    }),
  );
});

test("what is carried and all that goes beyond it is all that is asked", () => {
  fc.assert(
    fc.property(asked, asked, (before, after) => {
      const carried = carriedGrants(everything(before), before, after);
      const full = mergeGrants(carried, everything(asksBeyond(after, before).uses));
      assert.deepEqual(checkAsked(full, after), full);
      for (const ask of everything(after).network)
        for (const method of ask.methods)
          assert.ok(
            full.network.some((grant) => beyondOne(grant, { ...ask, methods: [method] })),
            `${method} of ${ask.host}`,
          );
      assert.equal(full.kv?.quotaBytes, after.kv?.quotaBytes);
    }),
    { numRuns: 1_000 },
  );
});

function beyondOne(grant: Grants["network"][number], ask: Grants["network"][number]): boolean {
  const plain = { ...grant, via: "any" as const };
  return (
    beyond({ ...nothingGranted, network: [plain] }, { ...nothingGranted, network: [ask] })
      .length === 0
  );
}

test("carriedGrants() does not let a secret go to hosts, or into places, that were not asked for", () => {
  const secret = { name: "KEY", inject: { header: "x" }, hosts: ["a.example"], reason };
  const before = usesOf({ secrets: [secret] });
  const held = grantsOf({ secrets: [{ name: "KEY", secret: "mine", mode: "inject" }] });
  for (const change of [
    { hosts: ["a.example", "evil.example"] },
    { hosts: ["*.a.example"] },
    { inject: { query: "x" } },
    { inject: { header: "x", template: "{}, {}".slice(0, 2) } },
    { name: "OTHER" },
    { inject: undefined, hosts: undefined, reveal: true },
  ]) {
    const after = usesOf({ secrets: [{ ...secret, ...change }] });
    assert.deepEqual(carriedGrants(held, before, after).secrets, []);
    assert.equal(asksBeyond(after, before).uses.secrets.length, 1);
  }
  assert.equal(carriedGrants(held, before, before).secrets.length, 1);
});

test("carriedGrants() of a pattern is no grant of an own network's host that is named now", () => {
  const before = usesOf({ network: [{ host: "*", reason }] });
  const after = usesOf({ network: [{ host: "169.254.169.254", reason }] });
  assert.deepEqual(carriedGrants(everything(before), before, after).network, []);
  assert.equal(asksBeyond(after, before).uses.network.length, 1);
});

test("carriedGrants() makes no two of a grant that is counted", () => {
  const before = usesOf({ network: [{ host: "*", methods: ["GET", "POST"], reason }] });
  const asks = [
    { host: "a.example", methods: ["GET"], reason },
    { host: "b.example", methods: ["GET", "POST"], reason },
    { host: "*", methods: ["POST"], reason },
  ];
  const place = { scheme: "https", host: "*", port: 443, methods: ["GET", "POST"], path: "/" };
  const carried = (more: object) =>
    carriedGrants(grantsOf({ network: [{ ...place, ...more }] }), before, usesOf({ network: asks }))
      .network.length;
  assert.equal(carried({}), 3);
  for (const more of [
    { uses: 3 },
    { perDay: { requests: 3 } },
    { perCall: { bytes: "1MiB" } },
    { perDay: { time: "5s" } },
  ])
    assert.equal(carried(more), 1);
});

test("asksBeyond() says only what came: methods, tools, and their place in the manifest", () => {
  const before = usesOf({
    network: [{ host: "a.example", methods: ["GET"], reason }],
    tools: [{ alias: "one", plugin: "acme/one", tools: ["x"], reason }],
  });
  const after = usesOf({
    network: [
      { host: "a.example", methods: ["GET"], path: "/a", reason },
      { host: "a.example", methods: ["GET", "POST"], reason },
    ],
    tools: [{ alias: "one", plugin: "acme/one", tools: ["x", "y"], reason }],
  });
  const { uses, networkAt } = asksBeyond(after, before);
  assert.deepEqual(networkAt, [1]);
  assert.deepEqual(uses.network[0]?.methods, ["POST"]);
  assert.deepEqual(uses.tools[0]?.tools, ["y"]);
});

test("mergeGrants() keeps the folder that an operator chose when its quota grows", () => {
  const terms = { access: "write", folder: "/srv/notes", quota: "1MiB", per: "caller" };
  const held = grantsOf({ files: [{ name: "notes", ...terms }] });
  const more = grantsOf({
    files: [{ name: "notes", access: "write", folder: null, quota: "2MiB" }],
  });
  const [merged] = mergeGrants(held, more).files;
  assert.partialDeepStrictEqual(merged, {
    ...{ folder: "/srv/notes", quotaBytes: 2 ** 21, per: "caller", via: "direct" },
  });
});

test("mergeGrants() gives no more uses of a folder than were given when its quota grows", () => {
  const base = { name: "cache", access: "write", folder: null };
  const files = (own: object) => grantsOf({ files: [{ ...base, ...own }] });
  const held = files({ quota: "1MiB", uses: 5 });
  const [merged] = mergeGrants(held, files({ quota: "2MiB" })).files;
  assert.equal(merged?.uses, 5);
  assert.equal(merged?.quotaBytes, 2 * 2 ** 20);
});

test("mergeGrants() adds tools to those that are held of the same signer's plugin", () => {
  const edge = { alias: "one", plugin: "acme/one", signer: "acme" };
  const held = grantsOf({ tools: [{ ...edge, tools: ["x"] }] });
  const merge = (more: object) => mergeGrants(held, grantsOf({ tools: [more] })).tools[0];
  assert.deepEqual(merge({ ...edge, tools: ["y"] })?.tools, ["x", "y"]);
  assert.deepEqual(merge({ ...edge, signer: "evil", tools: ["y"] })?.tools, ["y"]);
});
