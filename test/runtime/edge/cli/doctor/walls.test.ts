import assert from "node:assert/strict";
import { test } from "node:test";
import { wallFindings } from "#runtime/edge/cli/doctor/walls.ts";

const standing = ["process", "node-permission", "namespaces", "seccomp"];
const outcome = {
  attempt: "trace the host",
  wall: "seccomp",
  held: true,
  detail: "EPERM",
} as const;

test("wallFindings() counts what each wall held against", () => {
  const node = { ...outcome, wall: "node-permission" } as const;
  const space = { ...outcome, wall: "namespaces" } as const;
  const outcomes = [outcome, node, space, outcome];
  const findings = wallFindings({ standing, trials: [], outcomes });
  assert.deepEqual(
    findings.map(({ name, state }) => [name, state]),
    [
      ["wall node-permission", "ok"],
      ["wall namespaces", "ok"],
      ["wall seccomp", "ok"],
    ],
  );
  assert.match(findings[2]?.detail ?? "", /held against 2 attempts/);
});

test("wallFindings() fails a wall that was broken, with how", () => {
  const broken = { ...outcome, held: false, detail: "it succeeded" };
  const found = wallFindings({ standing, trials: [], outcomes: [outcome, broken] });
  const [finding] = found.filter(({ state }) => state === "failed");
  assert.equal(finding?.name, "wall seccomp");
  assert.match(finding?.detail ?? "", /trace the host \(it succeeded\)/);
});

test("wallFindings() does not say of a wall that nobody has tried that it held", () => {
  const [finding] = wallFindings({ standing, trials: [], outcomes: [] });
  assert.equal(finding?.state, "warning");
});

test("wallFindings() warns where no second wall stands, with the reason", () => {
  const trials = [{ by: "bubblewrap", gives: [], problem: "setting up uid map: denied" }];
  const found = wallFindings({ standing: ["process", "node-permission"], trials, outcomes: [] });
  assert.equal(found.at(-1)?.name, "second wall");
  assert.equal(found.at(-1)?.state, "warning");
  assert.match(found.at(-1)?.detail ?? "", /uid map/);
});
