/**
 * Who attacks: the author of a plugin, or whatever makes runner processes die under it.
 *
 * What must not happen: that a death takes the host or a plugin of another runner with it, that a call
 * hangs, that what was on the processor runs twice, or that a plugin which kills runner after runner
 * goes on doing so.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { owner } from "#runtime/keys.ts";
import { fakeClock } from "#test/support/clock.ts";
import { guest, neighbor, wasiImport } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost, runnerPids } from "#test/support/host.ts";

const busy = guest({
  imports: wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
  body: `(func (export "spin") (loop $l (br $l)))
    (func (export "answer") (call $ok))
    (func (export "sleep")
      (i64.store (i32.const 2072) (i64.const 30000000000))
      (i32.store (i32.const 2064) (i32.const 1))
      (drop (call $poll_oneoff (i32.const 2048) (i32.const 3000) (i32.const 1) (i32.const 4000))))`,
});

const clock = fakeClock();
const host = await openTestHost({ clock });
after(() => host[Symbol.asyncDispose]());
await installGuest(host, { id: "busy", module: busy });
await installGuest(host, { id: "neighbor", module: neighbor });

/** Waits until a call holds an instance. */
async function running(id: string): Promise<void> {
  const isRunning = () =>
    host.host.calls
      .list(owner)
      .some(({ plugin, state }) => plugin === `local/${id}` && state === "running");
  for (let tries = 0; tries < 500 && !isRunning(); tries++) await sleep(10);
  assert.ok(isRunning());
}

/** Waits until a plugin answers: its runner may have died a moment ago without anybody knowing. */
async function answers(id: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await codeOf(invoke(host, id, "answer"))) === "ok") return;
    await sleep(20);
  }
  assert.fail(`${id} does not answer`);
}

/** Lets every runner die while a call is on the processor of one. Returns how the call ended. */
async function die(tool: string): Promise<string> {
  await answers("neighbor");
  await answers("busy");
  const call = codeOf(invoke(host, "busy", tool));
  await running("busy");
  for (const pid of runnerPids()) process.kill(pid, "SIGKILL");
  const code = await call;
  await answers("neighbor");
  return code;
}

test("a call whose runner is killed ends with RUNNER_DIED, and the next one is answered", async () => {
  assert.equal(await die("spin"), "RUNNER_DIED");
  assert.equal((await invoke(host, "busy", "answer")).value, "ok");
});

test("a call that sleeps when its runner is killed does not hang", async () => {
  assert.equal(await die("sleep"), "RUNNER_DIED");
});

test("three deaths in ten minutes put a plugin apart, three more take it out of service", async () => {
  clock.advance(11 * 60_000);
  for (let deaths = 0; deaths < 3; deaths++) assert.equal(await die("spin"), "RUNNER_DIED");
  const apart = (await host.host.health()).plugins.find(({ id }) => id === "local/busy");
  assert.equal(apart?.state, "active");
  assert.match(apart?.detail ?? "", /own/);
  for (let deaths = 0; deaths < 3; deaths++) assert.equal(await die("spin"), "RUNNER_DIED");
  assert.equal(await codeOf(invoke(host, "busy", "answer")), "PLUGIN_INACTIVE");
  const view = host.host.plugins.info("local/busy");
  assert.equal(view.state, "quarantined");
  assert.match(view.reason ?? "", /convergio plugin enable local\/busy/);
  await answers("neighbor");
});

test("enable takes a plugin out of quarantine", async () => {
  await host.host.plugins.enable("local/busy", owner);
  assert.equal((await invoke(host, "busy", "answer")).value, "ok");
});

test("deaths far apart are forgotten", async () => {
  for (let deaths = 0; deaths < 4; deaths++) {
    assert.equal(await die("spin"), "RUNNER_DIED");
    clock.advance(6 * 60_000);
  }
  const seen = (await host.host.health()).plugins.find(({ id }) => id === "local/busy");
  assert.equal(seen?.detail, "active");
});

test("every death is in the audit", async () => {
  const records = await host.host.auditQuery({ kind: "runner", plugin: "local/busy", limit: 100 });
  assert.ok(records.length >= 11, `${records.length} records`);
});
