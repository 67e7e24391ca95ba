/** The attacker is `kill -9` in the middle of thousands of records, while files are sealed and begun. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openAudit } from "#runtime/audit.ts";
import { startChild } from "#test/support/child.ts";
import { fakeClock } from "#test/support/clock.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { storeIn } from "#test/support/store.ts";

const program = fileURLToPath(new URL("audit-child.ts", import.meta.url));
const rounds = 8;

test(`an audit killed ${rounds} times loses nothing acknowledged, and its chain holds each time`, async () => {
  await using folder = await temporaryFolder();
  const acknowledged: string[] = [];
  for (let round = 0; round < rounds; round++) {
    await using child = startChild(program, [folder.path, String(round)]);
    assert.equal(await child.line(), "ready");
    const rest = child.rest();
    // From before the first trip to the disk to the middle of many.
    await sleep(5 + round * 40);
    await child.kill();
    for (const line of await rest) acknowledged.push(line.replace("kept ", ""));
    await using store = await storeIn(folder.path);
    const files = join(folder.path, "audit");
    await using audit = await openAudit({ folder: files, hot: store.hot, clock: fakeClock() });
    const { broken } = await audit.verify();
    assert.equal(broken, null);
    const records = await audit.query({ limit: 10_000_000 });
    for (const kind of ["effect", "call"]) {
      const found = new Set(records.filter((one) => one.kind === kind).map(({ callId }) => callId));
      assert.deepEqual(
        acknowledged.filter((callId) => !found.has(callId)),
        [],
      );
    }
  }
  assert.ok(acknowledged.length > 500, `${acknowledged.length}`);
});
