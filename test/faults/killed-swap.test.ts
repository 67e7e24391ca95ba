/** The attacker is the power switch of the host in the middle of a swap: the old or the new version answers. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { AuditRecord } from "#manifests/audit.ts";
import { owner } from "#runtime/keys.ts";
import { guest, wasiImport } from "#test/support/guests.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { invoke, openHostIn, type TestHost } from "#test/support/host.ts";
import { relay } from "#test/support/relay.ts";
import { writeSamples } from "#test/support/samples.ts";
import { installFrom, writeFolder } from "#test/support/written.ts";

const program = fileURLToPath(new URL("swap-child.ts", import.meta.url));

async function write(to: TestHost, minor: number): Promise<string> {
  const provides = { tools: [{ name: "mark", encoding: "text" }] };
  const lifecycle = { health: "yes", load: "yes", unload: "yes" };
  const manifest = { id: "swaps", version: `1.${minor}.0`, provides, lifecycle };
  const path = await writeFolder(to, `swaps-${minor}`, manifest, relay([], `version ${minor}`));
  return writeSamples(path, [{ tool: "mark", input: "", output: `version ${minor}` }]);
}

/** Runs the child until it is dead. Returns whether it said that it was done. */
async function runAndDie(args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [program, ...args], {
    // What it leaves behind must not keep this file's own streams open.
    stdio: ["ignore", "pipe", "ignore"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child, "close");
  return said.includes("done");
}

/** Every version that is listed answers, and the active one is one of two. */
async function assertWhole(folder: string, minors: readonly number[]): Promise<number> {
  await using home = await openHostIn(folder);
  assert.deepEqual(await readdir(join(folder, "home", "staging")), []);
  const { value, version } = await invoke(home, "swaps", "mark", "");
  const active = Number(/^version (\d+)$/.exec(String(value))?.[1]);
  assert.equal(version, `1.${active}.0`);
  assert.ok(minors.includes(active), `version ${active} answers, not one of ${minors}`);
  for (const each of await home.host.versions.list("local/swaps")) {
    const request = { caller: owner, plugin: `local/swaps@${each.version}`, tool: "mark" };
    const answer = await home.host.call({ ...request, input: { json: '""' } });
    const expected = `"version ${each.version.split(".")[1]}"`;
    assert.equal(Buffer.from(answer.output.bytes).toString(), expected);
  }
  await assertRecorded(home, version);
  return active;
}

/** Nothing is active of which there is no record. */
async function assertRecorded({ host }: TestHost, version: string): Promise<void> {
  const query = { kind: "install", plugin: "local/swaps", limit: 1_000 };
  const records = (await host.auditQuery(query)) as AuditRecord[];
  assert.ok(records.some((each) => each.version === version && each.decision === "allowed"));
}

const moments = [
  ...["verify", "stage", "compile"].map((step) => [step, ""] as const),
  ...["", "30"].map((afterMs) => ["health", afterMs] as const),
  ...["", "1", "4", "12"].map((afterMs) => ["activate", afterMs] as const),
];

test("a host that is killed at any step of an update answers with the old version or the new one", async () => {
  await using folder = await temporaryFolder();
  const places = { folder: folder.path } as TestHost;
  await (async () => {
    await using first = await openHostIn(folder.path);
    await installFrom(first, await write(first, 1));
  })();
  let active = 1;
  let swapped = 0;
  for (const [step, afterMs] of moments) {
    const next = active + 1;
    const path = await write(places, next);
    const isDone = await runAndDie([folder.path, "install", step, afterMs, path]);
    const now = await assertWhole(folder.path, isDone ? [next] : [active, next]);
    if (now === next) swapped += 1;
    active = now;
  }
  // Before anything is compiled nothing can have changed.
  assert.ok(swapped <= moments.length - 3, `${swapped} swaps`);
});

/** Says its setting; the hook for a new one takes a while. */
const configured = guest({
  imports: wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
  data: "units",
  body: `
    (func (export "units")
      (call $giveBack (call $config_get (call $block (i32.const 1024) (i32.const 5)))))
    (func (export "on_config") (result i32)
      (i64.store (i32.const 8216) (i64.const 50000000))
      (drop (call $poll_oneoff (i32.const 8192) (i32.const 8256) (i32.const 1) (i32.const 8320)))
      (i32.const 0))`,
});

test("a host that is killed while a plugin is configured has the old settings or the new ones", async () => {
  await using folder = await temporaryFolder();
  await (async () => {
    await using first = await openHostIn(folder.path);
    const manifest = {
      id: "swaps",
      provides: { tools: [{ name: "units", encoding: "text" }] },
      lifecycle: { config: "on_config" },
      config: { type: "object", properties: { units: { type: "string", default: "metric" } } },
    };
    await installFrom(first, await writeFolder(first, "swaps", manifest, configured));
  })();
  const seen = new Set<unknown>();
  for (const afterMs of ["0", "60", "300", "1200"]) {
    const isDone = await runAndDie([folder.path, "config", "", afterMs]);
    await using home = await openHostIn(folder.path);
    const { value } = await invoke(home, "swaps", "units", "");
    if (isDone || seen.has("imperial")) assert.equal(value, "imperial");
    assert.match(String(value), /^(metric|imperial)$/);
    assert.equal(home.host.plugins.config("local/swaps")["units"] ?? "metric", value);
    seen.add(value);
  }
  assert.ok(seen.has("metric"), "the first was killed at once");
});

test("a host that is killed while it goes back answers with one of the two versions", async () => {
  await using folder = await temporaryFolder();
  await (async () => {
    await using first = await openHostIn(folder.path);
    for (const minor of [1, 2]) await installFrom(first, await write(first, minor));
  })();
  for (const afterMs of ["0", "5", "15", "40"]) {
    await runAndDie([folder.path, "rollback", "", afterMs]);
    await assertWhole(folder.path, [1, 2]);
  }
});
