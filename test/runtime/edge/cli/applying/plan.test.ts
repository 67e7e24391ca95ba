import assert from "node:assert/strict";
import { test } from "node:test";
import { type Desired, parseDesired } from "#manifests/desired.ts";
import { parseGrants, toGrantsText } from "#manifests/grants.ts";
import type { Actual } from "#runtime/edge/cli/applying/actual.ts";
import { planOf } from "#runtime/edge/cli/applying/plan.ts";
import { refusalOf } from "#test/support/refusal.ts";

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const kv = { grants: 1, kv: { quota: "1MiB" } };
const textOf = (value: unknown) => toGrantsText(parseGrants(value));

const actual: Actual = {
  plugins: [
    {
      id: "acme/a",
      version: "1.0.0",
      digest: digest("a"),
      source: "",
      state: "active",
      grants: textOf(kv),
      revision: "r1",
      config: { units: "metric" },
    },
  ],
  keys: [
    {
      id: "k1",
      owner: "ada",
      name: "ci",
      scopes: ["invoke", "read"],
      ratePerMinute: 60,
      createdAt: "",
      expiresAt: "",
      lastUsedAt: null,
      revokedAt: null,
    },
    {
      id: "k0",
      owner: "owner",
      name: "first",
      scopes: ["admin"],
      ratePerMinute: 0,
      createdAt: "",
      expiresAt: "",
      lastUsedAt: null,
      revokedAt: null,
    },
  ],
  secrets: ["github"],
};

const desiredOf = (value: object): Desired =>
  parseDesired(Buffer.from(JSON.stringify({ desired: 1, ...value })), "host.json");
const same = { id: "acme/a", digest: digest("a"), grants: kv, config: { units: "metric" } };

function plan(value: object, { prune = false, settings = {} as object | null } = {}) {
  const options = { prune, settings: settings as Record<string, unknown> | null };
  const { steps, problems } = planOf(desiredOf(value), actual, options);
  return { steps: steps.map(({ text }) => text), problems };
}

test("planOf() finds nothing to do on a host that is as it is to be", () => {
  const keys = [{ owner: "ada", name: "ci", scopes: ["read", "invoke"], ratePerMinute: 60 }];
  const wish = { plugins: [same], keys, secrets: ["github"], settings: {} };
  assert.deepEqual(plan(wish), { steps: [], problems: [] });
  assert.deepEqual(plan({}), { steps: [], problems: [] });
});

test("planOf() takes nothing away that the file does not name, unless it is told to", () => {
  assert.deepEqual(plan({ plugins: [] }).steps, []);
  assert.deepEqual(plan({}, { prune: true }).steps, [
    "- key ada/ci",
    "- remove acme/a; its data stays",
  ]);
});

test("planOf() installs what is missing or another package, from where the file says", () => {
  const other = { ...same, digest: digest("b"), source: "./a" };
  assert.deepEqual(plan({ plugins: [other] }).steps, [`~ install acme/a ${digest("b")}`]);
  const missing = { id: "acme/c", digest: digest("c"), source: "c.tgz" };
  assert.deepEqual(plan({ plugins: [missing] }).steps, [`+ install acme/c ${digest("c")}`]);
});

test("planOf() says what it cannot do itself", () => {
  const { steps, problems } = plan(
    {
      plugins: [{ id: "acme/c", digest: digest("c") }],
      secrets: ["gitlab"],
      settings: { log: { level: "debug" } },
    },
    { settings: null },
  );
  assert.deepEqual(steps, []);
  assert.match(problems[0] ?? "", /settings of a remote host/);
  assert.match(problems[1] ?? "", /acme\/c is to be sha256:c+, it is not installed/);
  assert.match(problems[2] ?? "", /secret gitlab is not there/);
});

test("planOf() puts right what is granted, configured and switched, each alone", () => {
  const grants = { grants: 1, kv: { quota: "2MiB" } };
  const text = (change: object) => plan({ plugins: [{ ...same, ...change }] }).steps;
  assert.deepEqual(text({ grants }), ["~ grants acme/a: kv"]);
  assert.deepEqual(text({ grants: { grants: 1 } }), ["~ grants acme/a: kv"]);
  assert.deepEqual(text({ config: { units: "imperial" } }), ["~ config acme/a"]);
  assert.deepEqual(text({ state: "stopped" }), ["~ stop acme/a"]);
  assert.deepEqual(text({ state: "disabled" }), ["~ disable acme/a"]);
  const { grants: _, config: __, ...bare } = same;
  assert.deepEqual(plan({ plugins: [bare] }).steps, []);
});

test("planOf() replaces a key that may do something else: the new one first", () => {
  const keys = [{ owner: "ada", name: "ci", scopes: ["read"] }];
  assert.deepEqual(plan({ keys }).steps, ["+ key ada/ci", "- key ada/ci"]);
});

test("planOf() writes the settings when they differ", () => {
  const settings = { log: { level: "debug" } };
  assert.deepEqual(plan({ settings }).steps, ["~ settings: the configuration file"]);
  assert.deepEqual(plan({ settings }, { settings }).steps, []);
});

test("parseDesired() refuses what does not say exactly how a host is to be", () => {
  const refused = (value: object) => {
    const { code, message } = refusalOf(() => desiredOf(value));
    return `${code} ${message}`;
  };
  assert.match(refused({ desired: 2 }), /^DESIRED_INVALID .*desired must be 1/);
  assert.match(refused({ plugin: [] }), /^DESIRED_INVALID .*plugin is not a known key/);
  assert.match(refused({ plugins: [{ id: "a", digest: "sha256:1" }] }), /digest must be/);
  assert.match(refused({ plugins: [same, same] }), /plugins\[1\]\.id must differ/);
  assert.match(refused({ plugins: [{ ...same, grants: { grants: 2 } }] }), /^GRANTS_INVALID/);
  assert.match(refused({ secrets: [{ name: "x", value: "y" }] }), /secrets\[0\] must be/);
});
