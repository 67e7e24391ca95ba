import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import {
  type Candidate,
  type Consent,
  type InstallParts,
  type InstallRequest,
  install,
  type Release,
  type Staged,
} from "#runtime/install.ts";
import type { Installed } from "#runtime/installed.ts";
import { owner } from "#runtime/keys.ts";

const request: InstallRequest = {
  caller: owner,
  source: { kind: "path", path: "/it" },
  consent: async () => ({ by: owner }),
};
const steps = ["resolve", "verify", "consent", "stage", "turn", "health", "activate"] as const;
type Step = (typeof steps)[number];

/** The parts of a host that only note what is asked of them; one step may fail. */
function noting(log: string[], failing?: Step): InstallParts {
  const step = (name: Step): void => {
    if (name === failing) throw new HostError("STORAGE_FULL", {});
    log.push(name);
  };
  const staged = {
    [Symbol.asyncDispose]: async () => void log.push("unstage"),
  } as unknown as Staged;
  return {
    resolve: async () => {
      step("resolve");
      return {} as Release;
    },
    verify: (release) => {
      step("verify");
      return release;
    },
    installedAs: () => undefined,
    consent: async () => {
      step("consent");
      return {} as Consent;
    },
    stage: async () => {
      step("stage");
      return staged;
    },
    takeTurn: async () => {
      step("turn");
      return { [Symbol.dispose]: () => void log.push("leave") };
    },
    checkStanding: (_, given) => given,
    checkDowngrade: async () => {},
    checkHealth: async () => {
      step("health");
      return {} as Candidate;
    },
    activate: async () => {
      step("activate");
      return {} as Installed;
    },
  };
}

test("install() takes every step in order, says each, and disposes its stage", async () => {
  const [log, said]: string[][] = [[], []];
  assert.ok(log && said);
  await install(noting(log), { ...request, onStep: (step) => void said.push(step) });
  assert.deepEqual(log, [...steps, "leave", "unstage"]);
  // "compile" is said by the stage, which knows when it begins.
  assert.deepEqual(said, ["resolve", "verify", "consent", "stage", "health", "activate"]);
});

for (const [place, failing] of steps.entries())
  test(`install() activates nothing when ${failing} fails, and disposes its stage`, async () => {
    const log: string[] = [];
    await assert.rejects(install(noting(log, failing), request), { code: "STORAGE_FULL" });
    const isStaged = place > steps.indexOf("stage");
    const hasTurn = place > steps.indexOf("turn");
    assert.deepEqual(log, [
      ...steps.slice(0, place),
      ...(hasTurn ? ["leave"] : []),
      ...(isStaged ? ["unstage"] : []),
    ]);
    assert.ok(!log.includes("activate"));
  });

test("install() asks for nothing when the same package is active already", async () => {
  const log: string[] = [];
  const same = {} as Installed;
  const parts = { ...noting(log), installedAs: () => same };
  assert.equal(await install(parts, request), same);
  assert.deepEqual(log, ["resolve", "verify"]);
});
