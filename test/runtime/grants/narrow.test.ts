import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGrants } from "#manifests/grants.ts";
import { parsePluginId } from "#manifests/names.ts";
import { holdsThrough, narrowed } from "#runtime/grants/narrow.ts";

const ids = (...names: string[]) => names.map(parsePluginId);
const place = { scheme: "https", host: "a.example", port: 443, path: "/" };
const grants = parseGrants({
  grants: 1,
  network: [
    { ...place, methods: ["GET", "POST"], via: "any" },
    { ...place, methods: ["POST"] },
    { ...place, scheme: "wss", methods: ["GET"] },
  ],
  secrets: [
    { name: "SEEN", secret: "one", mode: "reveal", via: ["acme/b"] },
    { name: "SENT", secret: "two", mode: "inject" },
  ],
  files: [{ name: "cache", folder: null, access: "write", quota: "1MiB" }],
  kv: { quota: "1MiB" },
});
const plainly = { chain: [], readOnly: false };
const share = () => {};

test("holdsThrough() wants every plugin of the chain in the list, or any", () => {
  const table: [via: Parameters<typeof holdsThrough>[0], chain: string[], holds: boolean][] = [
    ["direct", [], true],
    ["direct", ["acme/a"], false],
    ["any", ["acme/a", "acme/b"], true],
    [ids("acme/b"), [], true],
    [ids("acme/b"), ["acme/b"], true],
    [ids("acme/b"), ["acme/a", "acme/b"], false],
    [ids("acme/a", "acme/b"), ["acme/a", "acme/b"], true],
    [ids("acme/a"), ["acme/a", "acme/b"], false],
  ];
  for (const [via, chain, holds] of table)
    assert.equal(holdsThrough(via, chain), holds, `${via} ${chain}`);
});

test("narrowed() leaves a direct call everything", () => {
  assert.equal(narrowed(grants, plainly, share), grants);
});

test("narrowed() leaves a call through others what may be reached that way", () => {
  const { network, secrets, files, kv } = narrowed(
    grants,
    { ...plainly, chain: ["acme/b"] },
    share,
  );
  assert.equal(network.length, 2);
  assert.deepEqual(
    secrets.map(({ name }) => name),
    ["SEEN"],
  );
  assert.deepEqual(files, []);
  assert.notEqual(kv, null);
});

test("narrowed() holds a tool that only reads to reading, and hands it no secret", () => {
  const { network, secrets, files, kv } = narrowed(grants, { ...plainly, readOnly: true }, share);
  assert.deepEqual(
    network.map(({ scheme, methods }) => [scheme, methods]),
    [["https", ["GET"]]],
  );
  assert.deepEqual(
    secrets.map(({ name }) => name),
    ["SENT"],
  );
  assert.deepEqual(
    files.map(({ access }) => access),
    ["read"],
  );
  assert.equal(kv, grants.kv);
});

test("narrowed() says which grant each copy was made of", () => {
  const copies = new Map<unknown, unknown>();
  const { network, files } = narrowed(grants, { ...plainly, readOnly: true }, (grant, copy) => {
    copies.set(copy, grant);
  });
  assert.equal(copies.get(network[0]), grants.network[0]);
  assert.equal(copies.get(files[0]), grants.files[0]);
});
