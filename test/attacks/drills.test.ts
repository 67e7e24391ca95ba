/**
 * Who attacks: the hostile plugins, packages, servers and callers of `convergio doctor --attack`, all
 * of them, against a host with the settings that nobody has changed.
 *
 * What must not happen: that one of them gets through; that something of the exercise stays, reaches
 * anything real, or is taken for use; and that an attack which gets through is reported as held.
 */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { resolveConfig } from "#manifests/config.ts";
import type { GrantsText } from "#manifests/grants.ts";
import { capabilityDrills } from "#runtime/edge/drill/capabilities.ts";
import { broken, type Drill, held, skipped } from "#runtime/edge/drill/drill.ts";
import { doorDrills } from "#runtime/edge/drill/door.ts";
import { type Ground, openGround } from "#runtime/edge/drill/ground.ts";
import { practiceOf } from "#runtime/edge/drill/practice.ts";
import { drills, holdDrills } from "#runtime/edge/drill/run.ts";
import { secretDrills } from "#runtime/edge/drill/secrets.ts";

const { config } = resolveConfig([]);
const folders = (): readonly string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith("convergio-drill-"));
const before = folders();

/** Looks at what the exercise has done so far, as its last drill. */
const seen: { records: readonly { readonly drill: boolean }[]; caught: readonly string[] } = {
  records: [],
  caught: [],
};
const look: Drill = {
  name: "look",
  rule: "",
  run: async ({ host, prey }) => {
    const records = (await host.auditQuery({ limit: 1_000 })) as typeof seen.records;
    Object.assign(seen, { records, caught: [...prey.caught] });
    return held("");
  },
};
const begun: string[] = [];
const results = await holdDrills(config, (name) => begun.push(name), [...drills, look]);
const left = folders();

for (const { name, state, detail } of results)
  if (name !== "look")
    test(`held: ${name}`, { skip: state === "skipped" ? `NOT TRIED, ${detail}` : false }, () => {
      assert.equal(state, "held", detail);
    });

test("every drill has a name and a rule of its own, and says when it begins", () => {
  const names = drills.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(begun, [...names, "look"]);
  for (const { rule } of drills) assert.match(rule, /^[A-Z].{10,}[^.]$/);
});

test("every record of an exercise is marked as one", () => {
  assert.ok(seen.records.length > 50);
  assert.ok(seen.records.every(({ drill }) => drill));
});

test("nothing came in where nothing may, and nothing is left on the disk", () => {
  assert.deepEqual(seen.caught, []);
  assert.deepEqual(left, before);
});

const ground = await openGround(config);
after(() => ground[Symbol.asyncDispose]());

/** How a drill ends on a ground where something is wrong. */
async function endsOn(weak: Partial<Ground>, all: readonly Drill[], name: string): Promise<string> {
  const drill = all.find((each) => each.name === name);
  assert.ok(drill);
  const changed = Object.create(ground, Object.getOwnPropertyDescriptors(weak)) as Ground;
  return (await drill.run(changed)).state;
}

const everything: GrantsText = {
  grants: 1,
  kv: { quota: "64KiB" },
  secrets: [{ name: "SEEN", secret: "drill", mode: "reveal" }],
};

test("a host that lets through what was not granted is found out", async () => {
  const install: Ground["install"] = (plugin) => ground.install({ ...plugin, grants: everything });
  const name = "ungranted keys and values";
  assert.equal(await endsOn({ install }, capabilityDrills, name), "broken");
});

test("a host that shows secrets is found out", async () => {
  const install: Ground["install"] = (plugin) => ground.install({ ...plugin, grants: everything });
  assert.equal(await endsOn({ install }, secretDrills, "secret seen"), "broken");
});

test("a door that answers anybody is found out", async () => {
  const { secret } = await ground.host.keys.create(
    { kind: "owner", id: "owner", owner: "owner", scopes: ["admin"], ratePerMinute: 0 },
    { owner: "drill", name: "drill", scopes: ["admin"] },
  );
  const keys = { ...ground.host.keys, create: async () => ({ secret }) };
  const host = Object.create(ground.host, { keys: { value: keys } });
  assert.equal(await endsOn({ host }, doorDrills, "key that widens grants"), "broken");
});

test("a drill that throws proves nothing, and counts as broken", async () => {
  const faults: readonly Drill[] = [
    { name: "a", rule: "", run: () => Promise.reject(new TypeError("a bug of the drill")) },
    { name: "b", rule: "", run: () => Promise.reject(new HostError("QUEUE_TIMEOUT", facts)) },
    { name: "c", rule: "", run: async () => skipped("not here") },
    { name: "d", rule: "", run: async () => broken("through") },
  ];
  const found = await holdDrills(config, undefined, faults);
  assert.deepEqual(
    found.map(({ state }) => state),
    ["broken", "broken", "skipped", "broken"],
  );
  assert.match(found[0]?.detail ?? "", /no proof.*a bug of the drill/);
});
const facts = { plugin: "local/a", limitMs: 1 };

test("practiceOf() lowers limits, raises none, and takes out what would leave the machine", () => {
  const own = resolveConfig([]).config;
  const loud = {
    ...own,
    server: { ...own.server, host: "0.0.0.0", port: 7700 },
    defaults: { ...own.defaults, memoryBytes: 2 ** 20, timeoutMs: 5 },
    events: { ...own.events, url: "https://hooks.example/x", command: "/bin/tell" },
    audit: { ...own.audit, heads: "syslog://logs.example" },
    network: { ...own.network, proxy: "http://proxy.example:3128" },
    vault: { ...own.vault, key: "keyring" },
    runners: { ...own.runners, max: 1 },
    security: { ...own.security, requireWalls: ["seccomp"] },
  };
  const practice = practiceOf(loud);
  assert.deepEqual([practice.server.host, practice.server.port], ["127.0.0.1", 0]);
  assert.equal(practice.defaults.memoryBytes, 2 ** 20);
  assert.equal(practice.defaults.timeoutMs, 5);
  assert.equal(practice.runners.max, 1);
  assert.doesNotMatch(JSON.stringify(practice), /example|\/bin\/tell|keyring/);
  assert.deepEqual(practice.security.requireWalls, ["seccomp"]);
});
