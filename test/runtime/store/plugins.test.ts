import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePluginId, parseVersion } from "#manifests/names.ts";
import { bindingOf } from "#runtime/store/records.ts";
import { fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { activation, digest, version } from "#test/support/installed.ts";
import { storeIn } from "#test/support/store.ts";

const weather = parsePluginId("acme/weather");
const first = version("acme/weather");
const second = version("acme/weather", {
  digest: digest("b"),
  version: parseVersion("2.0.0"),
  meteredDigest: digest("4"),
  installedAt: 2_000,
});
const signed = version("acme/weather", {
  digest: digest("c"),
  signer: { kind: "project", identity: "the project" },
  installedAt: 3_000,
});

test("activate() writes all that belongs to a plugin, and a restart reads the same", async () => {
  await using folder = await temporaryFolder();
  const clock = fakeClock(77);
  const install = activation(first);
  {
    await using store = await storeIn(folder.path, clock);
    assert.equal(await store.plugins.activate(install), null);
  }
  await using store = await storeIn(folder.path, clock);
  const { plugins } = await store.loadAll();
  assert.deepEqual(plugins, [
    {
      plugin: {
        id: "acme/weather",
        state: "enabled",
        reason: null,
        activeDigest: first.digest,
        previousDigest: null,
        createdAt: 77,
        updatedAt: 77,
      },
      versions: [first],
      grants: install.grants,
      config: { units: "metric" },
    },
  ]);
});

test("activate() keeps the version before, and says which it was", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  await store.plugins.activate(activation(first));
  assert.equal(await store.plugins.activate(activation(second)), first.digest);
  const [found] = await store.plugins.loadAll();
  assert.deepEqual(found?.versions, [first, second]);
  assert.equal(found?.plugin.activeDigest, second.digest);
  assert.equal(found?.plugin.previousDigest, first.digest);
  assert.equal(found?.grants?.digest, second.digest);
});

test("activate() of the version that is active loses no way back", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  for (const each of [first, second, second]) await store.plugins.activate(activation(each));
  const [found] = await store.plugins.loadAll();
  assert.equal(found?.plugin.previousDigest, first.digest);
});

test("activate() gives another signer's plugin nothing of what the old one had", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const mine = { ...bindingOf(first), owner: "" };
  const theirs = { ...bindingOf(signed), owner: "" };
  await store.plugins.activate(activation(first, { config: { token: "mine" } }));
  await store.kv.set(mine, "k", Buffer.from("mine"), { quotaBytes: 1_000 });
  const kept = await store.plugins.keptConfig(bindingOf(signed));
  await store.plugins.activate(activation(signed, { config: kept }));
  const [found] = await store.plugins.loadAll();
  assert.deepEqual(found?.config, {});
  assert.equal(found?.plugin.previousDigest, null);
  assert.equal(found?.grants?.signer, "the project");
  assert.equal(store.kv.get(theirs, "k"), undefined);
  // And the first signer's data is still there for the first signer.
  assert.deepEqual(await store.plugins.keptConfig(bindingOf(first)), { token: "mine" });
  assert.equal(store.kv.get(mine, "k")?.value.toString(), "mine");
});

test("activate() refuses consent that was given to another package or signer, and writes nothing", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const { grants } = activation(first);
  await assert.rejects(store.plugins.activate({ ...activation(second), grants }));
  const elsewhere = { ...grants, signer: "somebody" };
  await assert.rejects(store.plugins.activate({ ...activation(first), grants: elsewhere }));
  assert.deepEqual((await store.loadAll()).plugins, []);
});

test("setState(), setGrants() and setConfig() survive a restart", async () => {
  await using folder = await temporaryFolder();
  const { grants } = activation(first);
  {
    await using store = await storeIn(folder.path);
    await store.plugins.activate(activation(first));
    await store.plugins.setState(weather, "quarantined", "three runners died");
    await store.plugins.setGrants({ ...grants, grantedBy: "ada" });
    await store.plugins.setConfig(bindingOf(first), { units: "imperial" });
  }
  await using store = await storeIn(folder.path);
  const [found] = await store.plugins.loadAll();
  assert.equal(found?.plugin.state, "quarantined");
  assert.equal(found?.plugin.reason, "three runners died");
  assert.equal(found?.grants?.grantedBy, "ada");
  assert.deepEqual(found?.config, { units: "imperial" });
  await assert.rejects(store.plugins.setState(parsePluginId("nobody"), "enabled", null));
});

test("remove() takes plugin and grants, and leaves settings and values for the same signer", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const space = { ...bindingOf(first), owner: "" };
  await store.plugins.activate(activation(first));
  await store.kv.set(space, "k", Buffer.from("v"), { quotaBytes: 1_000 });
  await store.plugins.remove(weather, { purge: false });
  assert.deepEqual((await store.loadAll()).plugins, []);
  assert.deepEqual(await store.plugins.keptConfig(bindingOf(first)), { units: "metric" });
  assert.equal(store.kv.get(space, "k")?.value.toString(), "v");
  await assert.rejects(store.plugins.setGrants(activation(first).grants));
});

test("remove() with purge leaves nothing", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const space = { ...bindingOf(first), owner: "ada" };
  const other = { ...bindingOf(version("other")), owner: "" };
  await store.plugins.activate(activation(first));
  for (const one of [space, other])
    await store.kv.set(one, "k", Buffer.from("v"), { quotaBytes: 1_000 });
  await store.plugins.remove(weather, { purge: true });
  assert.deepEqual(await store.plugins.keptConfig(bindingOf(first)), {});
  assert.equal(store.kv.get(space, "k"), undefined);
  assert.equal(store.kv.usedBytes(space), 0);
  assert.equal(await store.kv.sweep(), 1);
  assert.equal(await store.kv.sweep(), 0);
  assert.equal(store.hot.prepare("SELECT 1 FROM kvSpaces").all().length, 1);
  assert.equal(store.kv.get(other, "k")?.value.toString(), "v");
});

test("remove() and forget() name the files that nobody needs, and spare those of others", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  const same = version("twin", { digest: digest("d") });
  for (const each of [first, second, same]) await store.plugins.activate(activation(each));
  assert.deepEqual(await store.plugins.forget(weather, first.digest), {
    packages: [{ plugin: weather, digest: first.digest }],
    modules: [],
  });
  const [found] = await store.plugins.loadAll();
  assert.equal(found?.plugin.previousDigest, null);
  await assert.rejects(store.plugins.forget(weather, second.digest));
  const left = await store.plugins.remove(weather, { purge: false });
  assert.deepEqual(left, {
    packages: [{ plugin: weather, digest: second.digest }],
    modules: [second.meteredDigest],
  });
});

test("setModule() notes the new module and names the old one when nobody needs it", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path);
  await store.plugins.activate(activation(first));
  const module = { meteredDigest: digest("9"), passVersion: 2, prepared: { exports: [] } };
  const left = await store.plugins.setModule(weather, first.digest, module);
  assert.deepEqual(left, { packages: [], modules: [first.meteredDigest] });
  const [found] = await store.plugins.loadAll();
  assert.deepEqual(found?.versions, [{ ...first, ...module }]);
});
