/** The attacker is an author whose plugin can do nothing itself, and knows a plugin that can. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Grants, parseGrants } from "#manifests/grants.ts";
import { parsePluginId } from "#manifests/names.ts";
import { parseManifest } from "#manifests/manifest.ts";
import { type Neighbor, reachedBy, reachWords } from "#runtime/consent/reach.ts";
import { togetherWords } from "#runtime/consent/together.ts";

const reason = "to work";
const me = parsePluginId("acme/me");
const grantsOf = (grants: object): Grants => parseGrants({ grants: 1, ...grants });
const edgeTo = (plugin: string, more: object = {}) => ({
  ...{ alias: "other", plugin, signer: "unsigned", tools: ["x"], ...more },
});

function neighbor(grants: object, uses: object = {}, signer = "unsigned"): Neighbor {
  const written = { manifest: 1, id: "a", version: "1.0.0", provides: {}, uses };
  const { uses: parsed } = parseManifest(Buffer.from(JSON.stringify(written)));
  return { uses: parsed, signer, grants: grantsOf(grants) };
}

const issues = (via: unknown) =>
  neighbor(
    {
      network: [
        { scheme: "https", host: "api.github.com", port: 443, methods: ["POST"], path: "/", via },
      ],
      secrets: [{ name: "GITHUB_TOKEN", secret: "github", mode: "inject", via }],
    },
    {
      secrets: [
        {
          ...{ name: "GITHUB_TOKEN", inject: { header: "authorization" }, reason },
          hosts: ["api.github.com"],
        },
      ],
    },
  );

const wordsWith = (neighbors: Record<string, Neighbor>, edges: Grants["tools"]) =>
  reachWords(reachedBy((id) => neighbors[id], edges, [me]));
const edges = (...list: object[]): Grants["tools"] => grantsOf({ tools: list }).tools;

for (const [what, via, words] of [
  ["anybody", "any", ["through acme/issues: POST https://api.github.com/… with GITHUB_TOKEN"]],
  [
    "the plugin by name",
    ["acme/me"],
    ["through acme/issues: POST https://api.github.com/… with GITHUB_TOKEN"],
  ],
  ["direct calls only", "direct", []],
  ["another plugin", ["acme/other"], []],
] as const)
  test(`reachWords() names what holds for ${what}`, () => {
    const neighbors = { "acme/issues": issues(via) };
    assert.deepEqual(wordsWith(neighbors, edges(edgeTo("acme/issues"))), words);
  });

test("reachedBy() finds nothing behind an edge to another signer's plugin, or to none", () => {
  const neighbors = { "acme/issues": { ...issues("any"), signer: "mallory" } };
  assert.deepEqual(wordsWith(neighbors, edges(edgeTo("acme/issues"))), []);
  assert.deepEqual(wordsWith({}, edges(edgeTo("acme/issues"))), []);
});

test("reachedBy() goes on through plugins, and ends where they go round in circles", () => {
  const relay = (to: string) => neighbor({ tools: [edgeTo(to)] });
  const neighbors: Record<string, Neighbor> = {
    "acme/one": relay("acme/two"),
    "acme/two": relay("acme/issues"),
    "acme/issues": {
      ...issues("any"),
      grants: { ...issues("any").grants, tools: edges(edgeTo("acme/one")) },
    },
  };
  const words = wordsWith(neighbors, edges(edgeTo("acme/one")));
  assert.deepEqual(words, ["through acme/issues: POST https://api.github.com/… with GITHUB_TOKEN"]);
});

test("reachWords() stays readable when much is reached", () => {
  const network = Array.from({ length: 200 }, (_, index) => ({
    ...{ scheme: "https", host: `h${index}.example.com`, port: 443, methods: ["GET"], path: "/" },
  }));
  const words = wordsWith({ "acme/many": neighbor({ network }) }, edges(edgeTo("acme/many")));
  assert.equal(words.length, 25);
  assert.equal(words.at(-1), "and 176 more");
});

const any = { scheme: "https", host: "*", port: 443, methods: ["GET"], path: "/" };
for (const [what, grants, words] of [
  ["a host alone", { network: [any] }, []],
  ["a store alone", { kv: { quota: "1MiB" } }, []],
  ["both", { network: [any], kv: { quota: "1MiB" } }, ["it can send what it keeps to any host"]],
  [
    "a folder and any host",
    {
      network: [any],
      files: [{ name: "notes", access: "read", folder: "/home/ada/notes", quota: "1MiB" }],
    },
    ['it can read "/home/ada/notes" and send it to any host'],
  ],
  [
    "a secret that is shown and a host",
    {
      network: [{ ...any, host: "a.example.com" }],
      secrets: [{ name: "KEY", secret: "mine", mode: "reveal" }],
    },
    ["it can send the value of KEY to a.example.com"],
  ],
  [
    "a secret that is not shown",
    { network: [any], secrets: [{ name: "KEY", secret: "mine", mode: "inject" }] },
    [],
  ],
] as const)
  test(`togetherWords() of ${what}`, () =>
    assert.deepEqual(togetherWords(grantsOf(grants)), words));

test("togetherWords() counts what other plugins lead to, and what they keep", () => {
  const reached = reachedBy(
    () =>
      neighbor({
        network: [any],
        files: [{ name: "notes", access: "read", folder: null, quota: "1B" }],
      }),
    edges(edgeTo("acme/notes")),
    [me],
  );
  assert.deepEqual(togetherWords(grantsOf({ kv: { quota: "1MiB" } }), reached), [
    "it can through acme/notes send what it keeps to any host",
    'it can through acme/notes read "notes" of acme/notes and send it to any host',
  ]);
});
