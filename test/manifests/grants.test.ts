import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checkAsked, grantsAsked } from "#manifests/asked.ts";
import { nothingGranted, parseGrants, toGrantsText } from "#manifests/grants.ts";
import { parseManifest } from "#manifests/manifest.ts";
import { refusalOf } from "#test/support/refusal.ts";

const written = {
  grants: 1,
  network: [
    { scheme: "https", host: "a.example", port: 443, methods: ["GET"], path: "/" },
    { scheme: "https", host: "a.example", port: 443, methods: ["GET", "POST"], path: "/v1/" },
  ],
  secrets: [{ name: "KEY", secret: "github", mode: "inject", expires: "2027-01-31T00:00:00Z" }],
  files: [{ name: "cache", folder: null, access: "write", quota: "64MiB", per: "caller" }],
  kv: { quota: "1MiB", via: ["acme/report"] },
  tools: [{ alias: "count", plugin: "vowels", signer: "unsigned", tools: ["count_vowels"] }],
};

function refused(change: object): string {
  const { code, message } = refusalOf(() => parseGrants({ ...written, ...change }));
  assert.equal(code, "GRANTS_INVALID");
  return message.replace("Cannot accept the grants: ", "");
}

test("parseGrants() lets others through to reads only, unless the operator says more", () => {
  const grants = parseGrants(written);
  assert.deepEqual(
    grants.network.map(({ via }) => via),
    ["any", "direct"],
  );
  assert.equal(grants.secrets[0]?.via, "direct");
  assert.equal(grants.files[0]?.via, "direct");
  assert.equal(grants.files[0]?.per, "caller");
  assert.deepEqual(grants.kv, {
    per: "plugin",
    via: ["acme/report"],
    expires: null,
    uses: null,
    quotaBytes: 2 ** 20,
  });
  assert.equal(grants.tools[0]?.via, "any");
});

test("parseGrants() grants nothing that is left out", () => {
  assert.deepEqual(parseGrants({ grants: 1 }), nothingGranted);
});

test("parseGrants() reads what toGrantsText() writes", () => {
  const grants = parseGrants(written);
  assert.deepEqual(parseGrants(JSON.parse(JSON.stringify(toGrantsText(grants)))), grants);
});

test("parseGrants() refuses what does not say exactly what is granted", () => {
  assert.match(refused({ grants: 2 }), /^grants must be 1/);
  assert.match(refused({ shell: true }), /^shell is not a known key/);
  assert.match(refused({ kv: { quota: 1 } }), /^kv\.quota must be a size/);
  assert.match(refused({ kv: { quota: "1MiB", via: "all" } }), /^kv\.via must be direct, any/);
  assert.match(refused({ kv: { quota: "1MiB", via: [] } }), /^kv\.via must/);
  assert.match(refused({ kv: { quota: "1MiB", per: "user" } }), /^kv\.per must be one of/);
  assert.match(
    refused({ kv: { quota: "1MiB", expires: "tomorrow" } }),
    /^kv\.expires must be a time/,
  );
  assert.match(
    refused({ kv: { quota: "1MiB", expires: "2027-13-01T00:00:00Z" } }),
    /time that exists/,
  );
  assert.match(refused({ tools: [{ ...written.tools[0], tools: [] }] }), /^tools\[0\]\.tools must/);
  assert.match(
    refused({ tools: [written.tools[0], written.tools[0]] }),
    /^tools\[1\]\.alias must differ/,
  );
});

const { uses } = parseManifest(readFileSync("manifests/examples/everything.json"));

test("grantsAsked() grants all that a manifest asks for but secrets, to the plugin alone", () => {
  const grants = grantsAsked(uses, () => "unsigned");
  assert.deepEqual(checkAsked(grants, uses), grants);
  assert.deepEqual(parseGrants(toGrantsText(grants)), grants);
  assert.deepEqual(grants.secrets, []);
  assert.deepEqual(
    grants.network.map(({ via }) => via),
    ["direct", "any", "any", "any"],
  );
  assert.equal(grants.tools[0]?.signer, "unsigned");
  assert.equal(grants.kv?.quotaBytes, 2 ** 20);
});

test("grantsAsked() grants no tools of a plugin that is not installed", () => {
  assert.deepEqual(grantsAsked(uses, () => null).tools, []);
});

test("checkAsked() refuses what is wider than what is asked, in any respect", () => {
  const asked = parseManifest(
    Buffer.from(
      JSON.stringify({
        manifest: 1,
        id: "it",
        version: "1.0.0",
        provides: { tools: [{ name: "a" }] },
        uses: {
          network: [
            { host: "api.example.com", methods: ["GET"], path: "/v1/", reason: "read" },
            { host: "api.example.com", methods: ["POST"], path: "/v1/items", reason: "write" },
            { host: "*.example.net", reason: "all" },
          ],
          secrets: [
            { name: "SENT", inject: { header: "x-key" }, hosts: ["api.example.com"], reason: "x" },
            { name: "SEEN", reveal: true, reason: "x" },
          ],
          files: [
            { name: "notes", access: "read", quota: "1KiB", reason: "read" },
            { name: "cache", access: "write", quota: "1MiB", reason: "keep" },
          ],
          kv: { quota: "1MiB" },
        },
      }),
    ),
  ).uses;
  const place = { scheme: "https", host: "api.example.com", port: 443, methods: ["GET"] };
  const file = { name: "cache", folder: null, access: "write", quota: "1MiB" };
  const secret = { name: "SENT", secret: "mine", mode: "inject" };
  const fits: object[] = [
    { network: [{ ...place, path: "/v1/" }] },
    { network: [{ ...place, path: "/v1/items/7" }] },
    { network: [{ ...place, path: "/v1/items", methods: ["GET", "POST"] }] },
    { network: [{ ...place, path: "/", host: "a.example.net" }] },
    { network: [{ ...place, path: "/", host: "*.a.example.net" }] },
    { files: [file] },
    { files: [{ ...file, access: "read", quota: "1KiB" }] },
    { secrets: [secret] },
    { secrets: [{ ...secret, name: "SEEN", mode: "reveal" }] },
    { kv: { quota: "1KiB" } },
  ];
  const wider: object[] = [
    { network: [{ ...place, path: "/" }] },
    { network: [{ ...place, path: "/v1" }] },
    { network: [{ ...place, path: "/v1/../admin" }] },
    { network: [{ ...place, path: "/v1/%2e%2E/admin" }] },
    { network: [{ ...place, path: "/v1/..%2fadmin" }] },
    { network: [{ ...place, path: "/v1/", methods: ["GET", "POST"] }] },
    { network: [{ ...place, path: "/v1/itemsandmore", methods: ["POST"] }] },
    { network: [{ ...place, path: "/v1/", scheme: "http", port: 80 }] },
    { network: [{ ...place, path: "/v1/", port: 444 }] },
    { network: [{ ...place, path: "/v1/", host: "*.example.com" }] },
    { network: [{ ...place, path: "/v1/", host: "*" }] },
    { network: [{ ...place, path: "/", host: "example.net" }] },
    { network: [{ ...place, path: "/", host: "a.badexample.net" }] },
    { files: [{ ...file, quota: "2MiB" }] },
    { files: [{ ...file, name: "notes", quota: "1KiB" }] },
    { files: [{ ...file, name: "other" }] },
    { secrets: [{ ...secret, mode: "reveal" }] },
    { secrets: [{ ...secret, name: "SEEN" }] },
    { secrets: [{ ...secret, name: "OTHER" }] },
    { kv: { quota: "2MiB" } },
  ];
  for (const each of fits) {
    const grants = parseGrants({ grants: 1, ...each });
    assert.equal(checkAsked(grants, asked), grants);
  }
  for (const each of wider) {
    const grants = parseGrants({ grants: 1, ...each });
    const { code } = refusalOf(() => checkAsked(grants, asked));
    assert.equal(code, "GRANTS_INVALID", JSON.stringify(each));
  }
});

test("checkAsked() refuses grants that nobody asked for", () => {
  const grants = parseGrants(written);
  const nothing = { network: [], secrets: [], files: [], kv: null, tools: [] };
  const alone = (part: object) =>
    refusalOf(() => checkAsked({ ...nothingGranted, ...part }, nothing));
  assert.match(alone({ kv: grants.kv }).message, /kv is not asked for/);
  assert.match(alone({ secrets: grants.secrets }).message, /secrets\[0\]\.name is not asked for/);
  assert.match(alone({ files: grants.files }).message, /to write "cache"/);
  assert.match(alone({ tools: grants.tools }).message, /"count_vowels" of "vowels"/);
  const more = parseGrants({
    ...written,
    tools: [{ ...written.tools[0], tools: ["count_vowels", "x"] }],
  });
  const asked = { ...nothingGranted, tools: more.tools };
  assert.match(refusalOf(() => checkAsked(asked, uses)).message, /"x" of "vowels"/);
});
