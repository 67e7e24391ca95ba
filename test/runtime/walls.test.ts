import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { raiseWalls, weakness } from "#runtime/walls.ts";
import { raiseHere, unlessStands } from "#test/support/walls.ts";
import { openTestHost } from "#test/support/host.ts";

const raised = await raiseHere();

test("raiseWalls() refuses to go on without a wall that is required", async () => {
  const other = process.platform === "darwin" ? "namespaces" : "seatbelt";
  await assert.rejects(raiseWalls(["process", other]), (error) => {
    assert.ok(error instanceof HostError);
    assert.equal(error.code, "WALLS_MISSING");
    assert.match(error.message, new RegExp(`asks for ${other}, which cannot be had`));
    return true;
  });
});

test("a host does not start without the walls that security.requireWalls names", async () => {
  const other = process.platform === "darwin" ? "namespaces" : "seatbelt";
  const settings = { "security.requireWalls": other } as const;
  await assert.rejects(openTestHost({ settings }), { code: "WALLS_MISSING" });
});

test("a host starts with the walls that it has, and its health names them", async () => {
  const settings = { "security.requireWalls": raised.standing.join(",") } as const;
  await using own = await openTestHost({ settings });
  assert.deepEqual((await own.host.health()).walls, raised.standing);
});

test("weakness() says nothing where the best walls stand", {
  skip: unlessStands(raised, process.platform === "darwin" ? "seatbelt" : "seccomp"),
}, () => {
  assert.equal(weakness(raised), undefined);
});

test("weakness() says what is missing and why, with the system's words quoted", () => {
  const trials = [{ by: "bubblewrap", gives: [], problem: "No permissions\u001b[2J" }];
  const said = weakness({ standing: ["process", "node-permission"], trials }) ?? "";
  assert.match(said, /Node's permission model alone/);
  assert.match(said, /bubblewrap: .*No permissions/);
  assert.ok(!said.includes("\u001b"));
  assert.match(weakness({ standing: ["namespaces"], trials: [] }) ?? "", /no filter/);
});
