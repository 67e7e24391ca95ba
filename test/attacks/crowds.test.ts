/**
 * Who attacks: a caller with a key, who calls as often as they can. What they hold: as many connections
 * as they like, and a plugin whose calls take long.
 *
 * What must not happen: that another caller or another plugin is not answered, that what waits grows
 * without a bound, that a caller who is refused is not told why and when to come again.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { guest, neighbor, wasiImport } from "#test/support/guests.ts";
import { callerNamed, codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";
import { openSandbox } from "#test/support/sandbox.ts";
import { errors } from "#manifests/errors.ts";

const sandbox = openSandbox();
after(() => sandbox[Symbol.dispose]());
const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await ask("answer")).value, "ok");
await answers();
const [runner] = sandbox.fleet.runners;

const module = guest({
  imports: wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
  body: `(func (export "spin") (loop $l (br $l)))
    (func (export "fine") (call $ok))
    (func (export "sleep") (i64.store (i32.const 24) (i64.const 300000000)) (drop
      (call $poll_oneoff (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200))) (call $ok))`,
});

test("fifty spinning calls of a plugin let another in the same runner answer at once", async () => {
  const { call, pool } = await sandbox.load({ id: "spinners", module });
  await call("fine");
  const spinning = Array.from({ length: 50 }, () => call("spin", { deadlineMs: 1_000 }));
  let answered = 0;
  while (pool.load.live === 50) {
    await answers();
    answered += 1;
  }
  assert.ok(answered > 10, `${answered}`);
  for (const { code } of await Promise.all(spinning)) assert.equal(code, "DEADLINE_EXCEEDED");
  assert.deepEqual(sandbox.fleet.runners, [runner]);
});

test("ten thousand calls of one caller leave the next place to another", async () => {
  const { call } = await sandbox.load({
    id: "crowded",
    module,
    pool: { runningMax: 8, callerQueuedMax: 10_000, queuedMax: 20_000, queueMs: 60_000 },
  });
  let done = 0;
  const many = Array.from({ length: 10_000 }, async () => {
    const { code } = await call("fine", { caller: "mallory", deadlineMs: 30_000 });
    if (code === "ok") done += 1;
  });
  for (let round = 0; round < 5; round++) {
    const before = done;
    assert.equal((await call("fine", { caller: `ada${round}` })).code, "ok");
    assert.ok(done - before < 500, `${done - before} others went before`);
  }
  assert.ok(done < 5_000, `${done}`);
  await Promise.all(many);
  assert.equal(done, 10_000);
});

test("two callers who both wait get places in turn, however long the line of one is", async () => {
  const { call } = await sandbox.load({ id: "turns", module, pool: { runningMax: 1 } });
  await call("fine");
  const order: string[] = [];
  const as = async (caller: string) => {
    await call("fine", { caller });
    order.push(caller);
  };
  const all = [...Array(40).fill("mallory"), ...Array(5).fill("ada")].map(as);
  await Promise.all(all);
  const lastOfAda = order.lastIndexOf("ada");
  assert.ok(lastOfAda < 16, order.join(" "));
});

test("a caller who holds every place gives half of them up to one who waits", async () => {
  const { call } = await sandbox.load({ id: "halves", module, pool: { runningMax: 4 } });
  await call("fine");
  const calls = Array.from({ length: 12 }, () =>
    call("spin", { caller: "mallory", deadlineMs: 150 }),
  );
  let held = 0;
  const mine = Array.from({ length: 6 }, async () => {
    const { code } = await call("spin", { caller: "ada", deadlineMs: 150 });
    held += 1;
    return code;
  });
  const codes = await Promise.all([...calls.map(async (each) => (await each).code), ...mine]);
  assert.ok(
    codes.every((code) => code === "DEADLINE_EXCEEDED"),
    codes.join(" "),
  );
  assert.equal(held, 6);
});

test("calls that wait for the host take no place from those that compute", async () => {
  const { call, pool } = await sandbox.load({ id: "sleepers", module, pool: { runningMax: 4 } });
  await call("fine");
  const sleeping = Array.from({ length: 200 }, () => call("sleep", { caller: "mallory" }));
  assert.equal((await call("fine", { caller: "ada" })).code, "ok");
  for (const { code } of await Promise.all(sleeping)) assert.equal(code, "ok");
  assert.deepEqual(pool.load, { live: 0, queued: 0 });
});

test("a full line refuses in words, and has room again when it is empty", async () => {
  const { call, pool } = await sandbox.load({
    id: "full",
    module,
    pool: { runningMax: 1, callerQueuedMax: 3, queuedMax: 5, queueMs: 400 },
  });
  await call("fine");
  const spinning = call("spin", { caller: "mallory", deadlineMs: 900 });
  const as = async (caller: string, count: number) => {
    const all = Array.from({ length: count }, () => call("fine", { caller }));
    return (await Promise.all(all)).map(({ code }) => code);
  };
  const [mallory, ada, bob] = await Promise.all([as("mallory", 5), as("ada", 2), as("bob", 1)]);
  const late = "QUEUE_TIMEOUT";
  assert.deepEqual(mallory, [late, late, late, "CALLER_QUEUE_FULL", "CALLER_QUEUE_FULL"]);
  assert.deepEqual(ada, [late, late]);
  assert.deepEqual(bob, ["QUEUE_FULL"]);
  assert.equal((await spinning).code, "DEADLINE_EXCEEDED");
  assert.deepEqual(pool.load, { live: 0, queued: 0 });
  assert.equal((await call("fine", { caller: "bob" })).code, "ok");
  const statuses = [errors.CALLER_QUEUE_FULL, errors.QUEUE_FULL, errors.QUEUE_TIMEOUT];
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [429, 503, 503],
  );
});

test("a caller beyond its bound over all plugins is refused, and another is not", async () => {
  await using host = await openTestHost({ settings: { "callers.running": "20" } });
  const tools = [{ name: "spin", description: "Never ends", encoding: "text" }];
  const limits = { timeout: "500ms" };
  await installGuest(host, { id: "spin", module, manifest: { provides: { tools }, limits } });
  await installGuest(host, { id: "neighbor", module: neighbor });
  const mallory = { caller: callerNamed("mallory") };
  const calls = Array.from({ length: 30 }, () => codeOf(invoke(host, "spin", "spin", "", mallory)));
  assert.equal(await codeOf(invoke(host, "neighbor", "answer", null, mallory)), "CALLER_BUSY");
  const ada = { caller: callerNamed("ada") };
  assert.equal((await invoke(host, "neighbor", "answer", null, ada)).value, "ok");
  const codes = await Promise.all(calls);
  assert.equal(codes.filter((code) => code === "CALLER_BUSY").length, 10);
  assert.equal((await invoke(host, "neighbor", "answer", null, mallory)).value, "ok");
  assert.equal(errors.CALLER_BUSY.status, 429);
});
