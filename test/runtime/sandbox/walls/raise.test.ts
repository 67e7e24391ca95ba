import assert from "node:assert/strict";
import { test } from "node:test";
import { projectRoot, startNode } from "#runtime/sandbox/process.ts";
import { raiseWall, wallsOf } from "#runtime/sandbox/walls/raise.ts";
import { compileFilter, hasFilter } from "#runtime/sandbox/walls/seccomp.ts";
import { bareWall, type Wall } from "#runtime/sandbox/walls/wall.ts";
import { raiseHere, unlessStands } from "#test/support/walls.ts";

const raised = await raiseHere();
const bare = bareWall(projectRoot);
const raise = (walls: readonly Wall[]) => raiseWall(walls, projectRoot, startNode);

test("raiseWall() takes Node's own wall where nothing else is offered", async () => {
  const { wall, standing, trials } = await raise([]);
  assert.deepEqual(standing, ["process", "node-permission"]);
  assert.deepEqual(wall.before, []);
  assert.equal(trials.length, 1);
});

test("raiseWall() passes by a wall that does not come up, and says why", async () => {
  const missing: Wall = { ...bare, by: "nothing", before: ["/nowhere/at/all"] };
  const failing: Wall = {
    ...bare,
    by: "a refusal",
    before: [process.execPath, "-e", "console.error('no namespaces here'); process.exit(1)", "--"],
  };
  const { standing, trials } = await raise([missing, failing]);
  assert.deepEqual(standing, ["process", "node-permission"]);
  assert.match(trials[0]?.problem ?? "", /ENOENT/);
  assert.match(trials[1]?.problem ?? "", /ended with 1: no namespaces here/);
  assert.equal(trials[2]?.problem, undefined);
});

test("raiseWall() does not take a program that starts nothing for a wall", async () => {
  const idle: Wall = {
    ...bare,
    by: "idle",
    gives: ["namespaces"],
    before: [process.execPath, "-e", "0", "--"],
  };
  const { standing } = await raise([idle]);
  assert.ok(!standing.includes("namespaces"));
});

test("raiseWall() steps down from a filter under which Node does not start", {
  skip: unlessStands(raised, "seccomp"),
}, async () => {
  const walls = wallsOf(projectRoot);
  const [best] = walls;
  assert.ok(best && hasFilter(process.arch));
  // The other processor's filter ends whatever this one calls.
  const filter = compileFilter(process.arch === "x64" ? "arm64" : "x64");
  const { standing, trials } = await raise([{ ...best, filter }, ...walls.slice(1)]);
  assert.ok(standing.includes("namespaces") && !standing.includes("seccomp"));
  assert.match(trials[0]?.problem ?? "", /it ended with/);
});

test("wallsOf() offers what shares Node's flags and gives more the earlier it comes", () => {
  const gives = wallsOf(projectRoot).map((wall) => wall.gives.length);
  assert.deepEqual(
    gives,
    [...gives].sort((a, b) => b - a),
  );
});
