/** The attacker is the power switch of the host, and a plugin that would like its uses back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startChild } from "#test/support/child.ts";
import { edit, effectsOf, installKeeper } from "#test/support/granted.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { openHostIn } from "#test/support/host.ts";

const program = fileURLToPath(new URL("spender-child.ts", import.meta.url));
const rounds = 5;
const uses = 1_000_000;
/** Calls that the child makes side by side. */
const atOnce = 4;

test("a host that is killed gives no use of a grant back", async () => {
  await using folder = await temporaryFolder();
  {
    await using home = await openHostIn(folder.path);
    const id = await installKeeper(home, "spender");
    await edit(home, id, { kv: { quota: "1MiB", uses } });
  }
  let answered = 0;
  for (let round = 0; round < rounds; round++) {
    await using child = startChild(program, [folder.path]);
    assert.equal(await child.line(), "ready");
    assert.equal(await child.line(), "used");
    answered += 1;
    const rest = child.rest();
    await sleep(50 + 37 * round);
    await child.kill();
    answered += (await rest).filter((line) => line === "used").length;
    await using again = await openHostIn(folder.path);
    const used = again.host.grants.view("local/spender").entries[0]?.grants[0]?.used ?? 0;
    const effects = await effectsOf(again, "local/spender");
    const allowed = effects.filter(({ decision }) => decision === "allowed").length;
    assert.ok(used >= answered, `${used} of ${answered} answered`);
    // Between the record and the effect is the commit of the use: what was cut off there did nothing.
    assert.ok(Math.abs(used - allowed) <= atOnce, `${used} of ${allowed} recorded`);
  }
  assert.ok(answered > rounds, `${answered}`);
});
