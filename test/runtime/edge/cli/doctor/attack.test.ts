import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { attack, type AttackParts } from "#runtime/edge/cli/doctor/attack.ts";
import { createTerminal } from "#runtime/edge/cli/terminal.ts";
import type { GlobalOptions, World } from "#runtime/edge/cli/world.ts";
import type { Drilled } from "#runtime/edge/drill/run.ts";
import { readEnvironment } from "#runtime/environment.ts";
import { runInside } from "#test/support/cli.ts";

const drilled: Drilled = {
  ...{ name: "endless loop", rule: "A guest that never returns is stopped at its deadline" },
  ...{ state: "held", detail: "DEADLINE_EXCEEDED after 501 ms", tookMs: 501 },
};

/** A world with a screen that nobody looks at, and the real reading of settings. */
function createWorld(own: GlobalOptions = {}): { world: World; said: () => string } {
  const [output, errors] = [new PassThrough(), new PassThrough()];
  const chunks: Buffer[] = [];
  output.on("data", (chunk: Buffer) => chunks.push(chunk));
  const terminal = createTerminal({ input: new PassThrough(), output, errors }, { color: false });
  const home = "/nowhere/at/all";
  const environment = readEnvironment({ CONVERGIO_HOME: home });
  const parts = { terminal, environment, options: () => own, home: () => home };
  return { world: parts as unknown as World, said: () => Buffer.concat(chunks).toString() };
}

const parts = (...results: readonly Drilled[]): AttackParts => ({
  hold: async (_, onDrill) => {
    for (const [index, { name }] of results.entries()) onDrill?.(name, index);
    return results;
  },
  holdToOneCore: async () => true,
});

test("attack() shows what stopped each attack, and counts them", async () => {
  const { world, said } = createWorld();
  const skipped = { ...drilled, name: "escape", state: "skipped", detail: "no wall" } as const;
  await attack(world, parts(drilled, skipped));
  assert.match(said(), /held +endless loop +DEADLINE_EXCEEDED after 501 ms/);
  assert.match(said(), /1 of 2 attacks held, 1 could not be made here/);
});

test("attack() says of one that went through what should have held, and refuses to vouch", async () => {
  const { world, said } = createWorld();
  const broken = { ...drilled, state: "broken", detail: "it ran\u001b[2J" } as const;
  await assert.rejects(attack(world, parts(broken)), {
    code: "DRILL_BROKEN",
    facts: { names: "endless loop" },
  });
  assert.match(said(), /broken +endless loop +A guest that never returns .*: it ran/);
  assert.ok(!said().includes("\u001b[2J"));
});

test("attack() gives programs everything as JSON", async () => {
  const { world, said } = createWorld({ json: true });
  await attack(world, parts(drilled));
  const told = JSON.parse(said());
  assert.deepEqual([told.ok, told.isOneCore, told.drills], [true, true, [drilled]]);
});

test("doctor --attack is for the machine where the host runs", async () => {
  const words = ["doctor", "--attack", "--url", "https://host.example"];
  const { code, err } = await runInside(words, { home: "/nowhere/at/all" });
  assert.equal(code, 2);
  assert.match(err, /run it where the host runs/);
});
