import assert from "node:assert/strict";
import { test } from "node:test";
import { createDenials, type Refusal } from "#runtime/denials.ts";
import { createEvents } from "#runtime/events.ts";
import { auditBench } from "#test/support/audit.ts";
import { fakeClock } from "#test/support/clock.ts";

const refusal: Refusal = {
  code: "KEY_UNKNOWN",
  source: "192.0.2.7",
  requestId: "r-1",
  keyId: null,
  owner: null,
  target: "GET /plugins",
};

async function bench() {
  const clock = fakeClock();
  const books = await auditBench({ clock });
  const events = createEvents(clock);
  const denials = createDenials(books.audit, events, clock);
  const records = async (): Promise<(readonly [string | null, number | undefined])[]> => {
    await books.audit.committed();
    const found = await books.audit.query({ kind: "request", limit: 10_000 });
    return found.map(({ target, count }) => [target, count] as const);
  };
  return {
    clock,
    events,
    denials,
    records,
    [Symbol.asyncDispose]: async () => books[Symbol.asyncDispose](),
  };
}

test("refused() records the first at once, and the rest of the minute as one", async () => {
  await using parts = await bench();
  const { denials, records, clock } = parts;
  for (let turn = 0; turn < 1_000; turn++) denials.refused(refusal);
  const from = "GET /plugins from 192.0.2.7";
  assert.deepEqual(await records(), [[from, 1]]);
  denials.sweep();
  assert.deepEqual(await records(), [[from, 1]]);
  clock.advance(60_000);
  denials.sweep();
  denials.sweep();
  assert.deepEqual(await records(), [
    [from, 1],
    [from, 999],
  ]);
  denials.refused(refusal);
  denials.sweep(true);
  assert.equal((await records()).length, 3);
});

test("refused() tells sources, keys and reasons apart", async () => {
  await using parts = await bench();
  const { denials, records } = parts;
  denials.refused(refusal);
  denials.refused({ ...refusal, code: "HOST_REFUSED" });
  denials.refused({ ...refusal, source: "192.0.2.8" });
  denials.refused({ ...refusal, code: "SCOPE_MISSING", keyId: "k", owner: "ada" });
  denials.refused({ ...refusal, code: "SCOPE_MISSING", keyId: "l", owner: "ada" });
  assert.equal((await records()).length, 5);
});

test("refused() from ten thousand sources is a bounded number of records that count all of them", async () => {
  await using parts = await bench();
  const { denials, records } = parts;
  for (let turn = 0; turn < 10_000; turn++) denials.refused({ ...refusal, source: `10.0.${turn}` });
  denials.sweep(true);
  const found = await records();
  assert.ok(found.length < 300, `${found.length}`);
  assert.equal(
    found.reduce((sum, [, count]) => sum + (count ?? 0), 0),
    10_000,
  );
  assert.ok(found.some(([target]) => target?.endsWith("from many")));
});
