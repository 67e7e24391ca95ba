/** The attacker is the author of a new version: whatever its hooks and samples do, nobody's call meets it. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AuditRecord } from "#manifests/audit.ts";
import { owner } from "#runtime/keys.ts";
import { guest, userImport } from "#test/support/guests.ts";
import { codeOf, invoke, openTestHost, runnerPids } from "#test/support/host.ts";
import { writeSamples } from "#test/support/samples.ts";
import { filesOf, installFrom, writeFolder } from "#test/support/written.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { host } = home;

const uses = { kv: { quota: "1MiB", reason: "remember" } };
const request = '{"key":"stolen","value":"x"}';
const ask = `(call $log_info (call $kv_set (call $block (i32.const 1024) (i32.const ${request.length}))))`;

interface Candidate {
  readonly version: string;
  /** Body of the health hook, and of the load hook. */
  readonly health?: string;
  readonly load?: string;
  /** Body of the tool. */
  readonly answer?: string;
  readonly pages?: number;
}

function write(id: string, candidate: Candidate): Promise<string> {
  const { version, health = "(i32.const 0)", load = "(i32.const 0)", pages = 1 } = candidate;
  const { answer = "(call $ok)" } = candidate;
  const module = guest({
    imports: userImport("kv_set"),
    data: request,
    pages,
    body: `
      (func $deep (result i32) (i32.add (call $deep) (i32.const 1)))
      (func (export "answer") ${answer})
      (func (export "on_health") (result i32) ${health})
      (func (export "on_load") (result i32) ${load})`,
  });
  const manifest = {
    ...{ id, version, uses },
    provides: { tools: [{ name: "answer", encoding: "text" }] },
    lifecycle: { health: "on_health", load: "on_load" },
    limits: { timeout: "500ms", memory: "2MiB" },
  };
  return writeFolder(home, `${id}-${version}`, manifest, module);
}

async function good(id: string): Promise<void> {
  await installFrom(home, await write(id, { version: "1.0.0" }));
  assert.equal((await invoke(home, id, "answer", "")).value, "ok");
}

async function records(kind: string, plugin: string): Promise<readonly AuditRecord[]> {
  return (await host.auditQuery({ kind, plugin, limit: 1_000 })) as AuditRecord[];
}

/** Calls in a row while something happens. Returns the versions that answered. */
async function versionsDuring(id: string, act: () => Promise<unknown>): Promise<Set<string>> {
  const versions = new Set<string>();
  const state = { over: false };
  const calling = (async () => {
    while (!state.over) {
      versions.add((await invoke(home, id, "answer", "")).version);
      await sleep(5);
    }
  })();
  await act();
  state.over = true;
  await calling;
  return versions;
}

for (const [what, health] of [
  ["loops for ever", "(loop $again (br $again)) (i32.const 0)"],
  ["traps", "unreachable"],
  [
    "grows its memory without end",
    "(loop $again (drop (memory.grow (i32.const 16))) (br $again)) (i32.const 0)",
  ],
  ["calls itself without end", "(call $deep)"],
  ["returns a refusal", "(i32.const 1)"],
] as const)
  test(`a version whose health check ${what} never answers, and the one before does all the while`, async () => {
    const id = `health-${what.replaceAll(" ", "-")}`;
    await good(id);
    const before = await filesOf(home);
    const bad = await write(id, { version: "2.0.0", health });
    const versions = await versionsDuring(id, async () => {
      assert.match(await codeOf(installFrom(home, bad)), /^(HOOK_FAILED|RUNNER_DIED)$/);
    });
    assert.deepEqual([...versions], ["1.0.0"]);
    assert.deepEqual(await filesOf(home), before);
  });

test("a health check has no host functions, whatever its version is granted", async () => {
  const path = await write("asks", { version: "1.0.0", health: `${ask} (i32.const 0)` });
  await installFrom(home, path);
  const [line] = await host.plugins.logs("local/asks", 1);
  assert.match(line?.text ?? "", /NOT_IN_A_CALL/);
  assert.deepEqual(await records("effect", "local/asks"), []);
});

test("a health check runs in a process of its own, which ends with the trial", async () => {
  await good("apart");
  const serving = new Set(runnerPids());
  const seen = new Set<number>();
  const watch = setInterval(() => {
    for (const pid of runnerPids()) seen.add(pid);
  }, 2);
  const bad = await write("apart", {
    version: "2.0.0",
    health: "(loop $again (br $again)) (i32.const 0)",
  });
  assert.equal(await codeOf(installFrom(home, bad)), "HOOK_FAILED");
  clearInterval(watch);
  // The spare one became the trial's, another one the spare.
  assert.ok([...seen].some((pid) => !serving.has(pid)));
  for (let tries = 0; runnerPids().length > serving.size && tries < 200; tries++) await sleep(25);
  assert.equal(runnerPids().length, serving.size);
});

test("a sample call cannot do what its version is granted", async () => {
  const path = await write("sampled", { version: "1.0.0", answer: `${ask} (call $ok)` });
  await writeSamples(path, [{ tool: "answer", input: "", output: "ok" }]);
  assert.equal(await codeOf(installFrom(home, path)), "SAMPLE_FAILED");
  assert.deepEqual(await records("effect", "local/sampled"), []);
});

test("a version that passes its health check and then traps is refused nothing but its calls, and gone back from", async () => {
  await good("turns");
  await installFrom(home, await write("turns", { version: "2.0.0", answer: "unreachable" }));
  assert.equal(await codeOf(invoke(home, "turns", "answer", "")), "PLUGIN_TRAPPED");
  await host.versions.rollback("local/turns", owner);
  assert.equal((await invoke(home, "turns", "answer", "")).value, "ok");
});

for (const [what, load] of [
  ["loops for ever", "(loop $again (br $again)) (i32.const 0)"],
  ["traps", "unreachable"],
] as const)
  test(`a version whose load hook ${what} after it used its grants is not activated, and what it did is recorded`, async () => {
    const id = `load-${what.replaceAll(" ", "-")}`;
    await good(id);
    const bad = await write(id, { version: "2.0.0", load: `${ask} ${load}` });
    const versions = await versionsDuring(id, async () => {
      assert.equal(await codeOf(installFrom(home, bad)), "HOOK_FAILED");
    });
    assert.deepEqual([...versions], ["1.0.0"]);
    const [effect] = await records("effect", `local/${id}`);
    assert.partialDeepStrictEqual(effect, { act: "kv_set", decision: "allowed", owner: "owner" });
    const calls = await records("call", `local/${id}`);
    const hook = calls.findLast(({ tool }) => tool === "(load)");
    assert.partialDeepStrictEqual(hook, { version: "2.0.0", decision: "failed" });
  });
