import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { grantsAsked } from "#manifests/asked.ts";
import { type Grants, nothingGranted } from "#manifests/grants.ts";
import { parseManifest } from "#manifests/manifest.ts";
import { compareAsks } from "#runtime/learn/compare.ts";

const { uses } = parseManifest(readFileSync("manifests/examples/everything.json"));
const had = grantsAsked(uses, () => "unsigned");
const needs = (least: Grants, held = had) =>
  Object.fromEntries(
    compareAsks({ uses, had: held, least }).map(({ entry, need }) => [entry, need]),
  );

test("compareAsks() names every ask of a manifest once, in its order", () => {
  const entries = compareAsks({ uses, had, least: nothingGranted }).map(({ entry }) => entry);
  assert.equal(new Set(entries).size, entries.length);
  assert.deepEqual(entries, [
    ...uses.network.map((_, index) => `network[${index}]`),
    ...uses.secrets.map(({ name }) => `secrets.${name}`),
    ...uses.files.map(({ name }) => `files.${name}`),
    "kv",
    ...uses.tools.map(({ alias }) => `tools.${alias}`),
  ]);
});

test("compareAsks() calls unused what was not needed, and all what was needed whole", () => {
  assert.deepEqual(new Set(Object.values(needs(nothingGranted))), new Set(["unused"]));
  const whole = Object.entries(needs(had)).filter(([entry]) => !entry.startsWith("secrets"));
  assert.deepEqual(new Set(whole.map(([, need]) => need)), new Set(["all"]));
});

test("compareAsks() says what less would have done", () => {
  const [first] = had.network;
  assert(first);
  const methods = first.methods.slice(0, 1);
  const narrow = { ...first, path: `${first.path}x/`, methods };
  const [told] = compareAsks({ uses, had, least: { ...nothingGranted, network: [narrow] } });
  assert.equal(told?.need, "less");
  assert.match(told?.least[0] ?? "", new RegExp(`^${methods[0]} https?://.*x/$`));
});

test("compareAsks() does not call unused what could not be tried", () => {
  const { network, tools } = nothingGranted;
  const told = needs(nothingGranted, { ...had, network, tools });
  assert.equal(told["network[0]"], "not tried");
  assert.equal(told[`tools.${uses.tools[0]?.alias}`], "not tried");
  assert.equal(told["kv"], "unused");
});
