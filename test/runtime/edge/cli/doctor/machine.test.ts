import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { machineFindings } from "#runtime/edge/cli/doctor/machine.ts";
import { nodePin } from "#runtime/edge/cli/doctor/node-pin.ts";
import { type MachineFacts, machineFacts } from "#runtime/machine.ts";

const released = Date.parse(nodePin.releasedAt);
const dayMs = 86_400_000;

const good: MachineFacts = {
  nodeVersion: nodePin.version,
  nodeFlags: ["--disable-sigusr1"],
  suspends: true,
  memoryBytes: 2 ** 33,
  processors: 2,
  caps: { maps: 65_530, instancesMax: 6_553 },
  openFilesMax: 20_000,
  dumpsCore: false,
};

/** What is not well in a machine that differs from a good one. */
function found(changes: Partial<MachineFacts>, now = released): Record<string, string> {
  const bad = machineFindings({ ...good, ...changes }, now).filter(({ state }) => state !== "ok");
  assert.ok(
    bad.every(({ hint }) => hint !== ""),
    "a finding without what to do",
  );
  return Object.fromEntries(bad.map(({ name, state }) => [name, state]));
}

test("machineFindings() finds nothing on a good machine", () => {
  assert.deepEqual(found({}), {});
});

test("machineFindings() warns of a pinned Node that is more than 60 days old", () => {
  assert.deepEqual(found({}, released + 60 * dayMs), {});
  assert.deepEqual(found({}, released + 61 * dayMs), { "node age": "warning" });
});

for (const [what, changes, expected] of [
  ["another Node", { nodeVersion: "27.0.0" }, { node: "warning" }],
  ["an open debug signal", { nodeFlags: [] }, { "debug signal": "warning" }],
  ["no suspending", { suspends: false }, { "suspending guests": "failed" }],
  ["few mappings", { caps: { maps: 1_000, instancesMax: 100 } }, { "live instances": "warning" }],
  ["little memory", { memoryBytes: 2 ** 28 }, { machine: "warning" }],
  ["few open files", { openFilesMax: 256 }, { "open files": "warning" }],
  ["core dumps", { dumpsCore: true }, { "core dumps": "warning" }],
] as const)
  test(`machineFindings() tells of ${what}`, () => assert.deepEqual(found(changes), expected));

test("machineFacts() tells of the process that asks", async () => {
  const facts = await machineFacts();
  assert.equal(facts.nodeVersion, process.versions.node);
  assert.equal(facts.suspends, true);
  assert.ok(facts.caps.instancesMax > 0);
});

test("the pinned Node is the one that the Makefile fetches", async () => {
  const makefile = await readFile(new URL("../../../../../Makefile", import.meta.url), "utf8");
  assert.equal(/^NODE_VERSION := (\S+)$/m.exec(makefile)?.[1], nodePin.version);
});
