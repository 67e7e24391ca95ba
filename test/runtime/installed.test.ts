import assert from "node:assert/strict";
import { test } from "node:test";
import type { BoundGrants } from "#manifests/grants.ts";
import { parsePluginReference, parseVersion } from "#manifests/names.ts";
import { type Active, type Installed, Shelf } from "#runtime/installed.ts";
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

test("strip() takes the grants from what was installed before, and not from what is now", () => {
  const { shelf } = open();
  const grants = { digest: digest("2") } as unknown as BoundGrants;
  const [first, second] = [1, 2].map(() => ({ ...installed(), grants }));
  assert.ok(first && second);
  shelf.put(id, first);
  shelf.put(id, second);
  shelf.strip(id);
  assert.equal(first.grants, null);
  assert.equal(second.grants, grants);
});
