import assert from "node:assert/strict";
import { test } from "node:test";
import { type BoundGrants, nothingGranted } from "#manifests/grants.ts";
import { parsePluginReference, parseVersion } from "#manifests/names.ts";
import { type Active, grantsOf, type Installed, Shelf } from "#runtime/installed.ts";
import { digest, version } from "#test/support/installed.ts";
import { refusalOf } from "#test/support/refusal.ts";

const id = version("acme/weather").plugin;
const versions = [
  version(id, { version: parseVersion("1.0.0"), digest: digest("1") }),
  version(id, { version: parseVersion("1.2.0"), digest: digest("2") }),
  version(id, { version: parseVersion("2.0.0-rc.1"), digest: digest("3") }),
];

function installed(own: Partial<Installed["plugin"]> = {}): Installed {
  const plugin = {
    id,
    state: "enabled",
    reason: null,
    activeDigest: digest("2"),
    previousDigest: null,
    createdAt: 0,
    updatedAt: 0,
    ...own,
  } as const;
  return { plugin, versions, grants: null, config: {}, loaded: new Map() };
}

function open(own: Partial<Installed["plugin"]> = {}) {
  const loads: string[] = [];
  const shelf = new Shelf((_, { digest: loaded, ...rest }) => {
    loads.push(loaded);
    return { version: { ...rest, digest: loaded } } as Active;
  });
  shelf.put(id, installed(own));
  return { shelf, loads };
}

for (const [reference, expected] of [
  ["acme/weather", "1.2.0"],
  ["acme/weather@1.0.0", "1.0.0"],
  ["acme/weather@^1", "1.2.0"],
  ["acme/weather@<1.1", "1.0.0"],
  ["acme/weather@>=2.0.0-rc", "2.0.0-rc.1"],
  [`acme/weather@${digest("1")}`, "1.0.0"],
] as const)
  test(`callable() of ${reference} is version ${expected}`, () => {
    const { shelf } = open();
    assert.equal(shelf.callable(parsePluginReference(reference)).version.version, expected);
  });

for (const [reference, code] of [
  ["acme/weather@3.0.0", "VERSION_NOT_FOUND"],
  ["acme/weather@^2", "VERSION_NOT_FOUND"],
  [`acme/weather@${digest("9")}`, "VERSION_NOT_FOUND"],
  ["acme/other", "PLUGIN_NOT_FOUND"],
] as const)
  test(`callable() of ${reference} is refused with ${code}`, () => {
    const { shelf } = open();
    assert.equal(refusalOf(() => shelf.callable(parsePluginReference(reference))).code, code);
  });

for (const [state, command] of [
  ["stopped", "start"],
  ["disabled", "enable"],
  ["quarantined", "enable"],
] as const)
  test(`callable() of a ${state} plugin names the command that changes it, also by version`, () => {
    const { shelf } = open({ state });
    for (const reference of ["acme/weather", "acme/weather@1.0.0", "acme/weather@9.0.0"])
      assert.throws(() => shelf.callable(parsePluginReference(reference)), {
        code: "PLUGIN_INACTIVE",
        facts: { plugin: id, state, command },
      });
  });

test("loaded() loads each version once", () => {
  const { shelf, loads } = open();
  for (const reference of ["acme/weather", "acme/weather@1.2.0", "acme/weather@1.0.0"])
    shelf.callable(parsePluginReference(reference));
  assert.deepEqual(loads, [digest("2"), digest("1")]);
});

test("all() is in the order of ids, and drop() forgets", () => {
  const { shelf } = open();
  const other = version("acme/alarm").plugin;
  shelf.put(other, { ...installed(), plugin: { ...installed().plugin, id: other } });
  assert.deepEqual(
    shelf.all().map(({ plugin }) => plugin.id),
    [other, id],
  );
  assert.equal(shelf.size, 2);
  shelf.drop(other);
  assert.equal(shelf.find(other), undefined);
  assert.equal(refusalOf(() => shelf.get(other)).code, "PLUGIN_NOT_FOUND");
});

const terms = { per: "plugin", via: "any", uses: null } as const;

function granted(expires: string | null): Installed {
  const grants: BoundGrants = {
    plugin: id,
    source: "local",
    signer: "unsigned",
    grants: { ...nothingGranted, kv: { ...terms, expires, quotaBytes: 9 } },
    digest: digest("2"),
    grantedAt: "2027-01-01T00:00:00Z",
    grantedBy: "owner",
  };
  return { ...installed(), grants };
}

test("grantsOf() is for the version that was consented to, and for no other", () => {
  const [first, active] = versions;
  assert.ok(first && active);
  assert.notEqual(grantsOf(granted(null), active, 0).kv, null);
  assert.deepEqual(grantsOf(granted(null), first, 0), nothingGranted);
  assert.deepEqual(grantsOf(installed(), active, 0), nothingGranted);
});

test("grantsOf() leaves out what has expired, from that moment on", () => {
  const [, active] = versions;
  assert.ok(active);
  const until = "2027-06-01T00:00:00Z";
  assert.notEqual(grantsOf(granted(until), active, Date.parse(until) - 1).kv, null);
  assert.equal(grantsOf(granted(until), active, Date.parse(until)).kv, null);
});
