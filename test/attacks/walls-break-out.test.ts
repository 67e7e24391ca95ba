/**
 * Who attacks: a guest that has escaped the engine and does in its runner what it likes, with native
 * code too, behind the walls of the operating system and without Node's own.
 *
 * What must not happen: that it reads or writes a file of the machine, sees, signals or traces a
 * process, opens a connection, starts a program, makes a namespace, or reaches the wide parts of the
 * kernel. Each wall is tried alone, so that none of them leans on another.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { tryBreakOuts } from "#runtime/break-outs.ts";
import { attempts } from "#runtime/sandbox/walls/attempts.ts";
import { raiseHere, unlessStands } from "#test/support/walls.ts";

const raised = await raiseHere();
const { outcomes, standing } = await tryBreakOuts();

for (const wall of ["node-permission", "namespaces", "seccomp", "seatbelt"] as const) {
  if (wall === "seatbelt" && process.platform !== "darwin") continue;
  const skip = unlessStands(raised, wall);
  for (const { name } of attempts.filter(({ heldBy }) => heldBy.includes(wall)))
    test(`${wall} alone holds who tries to ${name}`, { skip }, () => {
      const outcome = outcomes.find((each) => each.wall === wall && each.attempt === name);
      assert.ok(outcome?.held, outcome?.detail ?? "it was not tried");
    });
}

test("every attempt is one that some wall promises to hold, and no other was made", () => {
  for (const { wall } of outcomes) assert.ok((standing as readonly string[]).includes(wall));
  for (const { heldBy } of attempts) assert.ok(heldBy.length > 0);
});

const lonely = unlessStands(raised, "seccomp");
test("the filter ends a process that calls as native code does, and refuses what Node may ask", {
  skip: lonely,
}, () => {
  const detailOf = (name: string): string | undefined =>
    outcomes.find((each) => each.wall === "seccomp" && each.attempt === name)?.detail;
  assert.equal(detailOf("trace the host"), "ended by the kernel");
  assert.equal(detailOf("talk to the hypervisor"), "EPERM");
});
