/** The attacker is the power switch of the host: `kill -9` at any moment, in the middle of everything. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openAudit } from "#runtime/audit.ts";
import { systemClock } from "#runtime/clock.ts";
import type { AuditRecord } from "#manifests/audit.ts";
import { openHome } from "#runtime/home.ts";
import { owner } from "#runtime/keys.ts";
import { openStore } from "#runtime/store/store.ts";
import { type Child, startChild } from "#test/support/child.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { codeOf, invoke, openHostIn, type TestHost } from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";
import { filesOf, installFrom, writeFolder } from "#test/support/written.ts";

const program = fileURLToPath(new URL("host-child.ts", import.meta.url));
const rounds = 10;
const onLinux = { skip: process.platform !== "linux" && "processes are looked for in /proc" };

/** Two versions of one plugin, each of which says which it is, and one plugin that keeps values. */
async function prepare(host: TestHost): Promise<string[]> {
  const uses = { kv: { quota: "16MiB", reason: "keep" } };
  const keeping = { provides: jsonTools("kv_set", "kv_get"), uses };
  const module = relay(["kv_set", "kv_get"]);
  await installFrom(host, await writeFolder(host, "keeps", keeping, module));
  const provides = { tools: [{ name: "mark", encoding: "text" }] };
  const manifest = (version: string) => ({ id: "swaps", version, provides });
  return Promise.all(
    ["1.0.0", "2.0.0"].map((version) =>
      writeFolder(host, `swaps-${version}`, manifest(version), relay([], version)),
    ),
  );
}

/** Lets a host work until it has said a word, and a while more; then kills it. */
async function workAndDie(
  child: Child,
  word: string,
  moreMs: number,
): Promise<{ said: string[][]; pids: number[] }> {
  const [ready = ""] = [await child.line()];
  const pids = ready.split(" ").slice(1).map(Number);
  assert.ok(ready.startsWith("ready") && pids.length > 0, ready);
  const lines: string[] = [];
  for (let line = ""; !line.startsWith(word); lines.push(line)) line = (await child.line()) ?? word;
  const rest = child.rest();
  await sleep(moreMs);
  await child.kill();
  return { said: [...lines, ...(await rest)].map((line) => line.split(" ")), pids };
}

/** Words behind every line that begins with one. */
function after(said: readonly string[][], first: string): string[][] {
  return said.filter(([word]) => word === first).map(([, ...words]) => words);
}

async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (stat === "" || stat.includes(") Z ")) return true;
    await sleep(25);
  }
  return false;
}

async function assertAuditWhole(folder: string): Promise<void> {
  await using home = await openHome(join(folder, "home"));
  const { database: path, backups, audit: files } = home;
  const clock = systemClock();
  await using store = await openStore({ path, backups, clock, hostVersion: "0.1.0" });
  await using audit = await openAudit({ folder: files, hot: store.hot, clock });
  assert.equal((await audit.verify()).broken, null);
}

async function assertCallsKept(host: TestHost, said: readonly string[][]): Promise<void> {
  const records = (await host.host.auditQuery({ kind: "call", limit: 100_000 })) as AuditRecord[];
  const audited = new Set(records.map(({ callId }) => callId));
  for (const [key = "", callId = ""] of after(said, "kept").slice(-50)) {
    assert.ok(audited.has(callId), `no record of ${callId}`);
    const { value } = await invoke(host, "keeps", "kv_get", { key });
    assert.deepEqual(value, { ok: { value: key } });
  }
}

function assertKeysKept({ host }: TestHost, said: readonly string[][]): void {
  const revoked = new Set(after(said, "revoked").map(([id]) => id));
  for (const [id, secret = ""] of after(said, "key")) {
    const known = host.keys.list().find((key) => key.id === id);
    assert.equal(known?.owner, "ada");
    // The last one may have been revoked without anybody hearing of it.
    if (known?.revokedAt === null) assert.equal(host.keys.authenticate(secret).id, id);
    else assert.throws(() => host.keys.authenticate(secret), { code: "KEY_EXPIRED" });
    if (revoked.has(id)) assert.notEqual(known?.revokedAt, null);
  }
}

/** The version that was acknowledged last, or the one that was on its way. */
async function assertVersionWhole(host: TestHost, said: readonly string[][]): Promise<void> {
  const view = host.host.plugins.list().find(({ id }) => id === "local/swaps");
  const last = after(said, "active").at(-1)?.[0];
  const isNext =
    said.findLast(([word]) => word === "begins" || word === "active")?.[0] === "begins";
  if (last !== undefined && !isNext) assert.equal(view?.digest, last);
  if (view === undefined) {
    assert.equal(await codeOf(invoke(host, "swaps", "mark", "")), "PLUGIN_NOT_FOUND");
    return;
  }
  const { value, version } = await invoke(host, "swaps", "mark", "");
  assert.deepEqual([value, version], [view.version, view.version]);
}

test(
  `a host killed ${rounds} times in the middle of installs and calls loses nothing acknowledged`,
  onLinux,
  async () => {
    await using folder = await temporaryFolder();
    const versions = await (async () => {
      await using first = await openHostIn(folder.path);
      return await prepare(first);
    })();
    let kept = 0;
    let installed = 0;
    for (let round = 0; round < rounds; round++) {
      await using child = startChild(program, [folder.path, String(round), ...versions]);
      // Every other time in the first install, else at any moment of the second or third.
      const word = round % 2 === 0 ? "begins" : "active";
      const { said, pids } = await workAndDie(child, word, Math.random() * 500);
      for (const pid of pids) assert.ok(await isGone(pid), `the runner ${pid} outlived its host`);
      await assertAuditWhole(folder.path);
      await using host = await openHostIn(folder.path);
      assert.deepEqual(await readdir(join(folder.path, "home", "staging")), []);
      await assertCallsKept(host, said);
      assertKeysKept(host, said);
      await assertVersionWhole(host, said);
      kept += after(said, "kept").length;
      installed += after(said, "active").length;
    }
    assert.ok(kept > rounds && installed > 0, `${kept} calls, ${installed} installs`);
  },
);

test("a home whose host lives is refused to another, by the number of its process", async () => {
  await using folder = await temporaryFolder();
  const versions = await (async () => {
    await using first = await openHostIn(folder.path);
    return await prepare(first);
  })();
  await using child = startChild(program, [folder.path, "0", ...versions]);
  await child.line();
  await assert.rejects(openHostIn(folder.path), { code: "HOME_IN_USE", facts: { pid: child.pid } });
  await child.kill();
  await using host = await openHostIn(folder.path);
  assert.equal((await filesOf(host)).length > 0, true);
  assert.ok(host.host.keys.list().length > 0);
  assert.equal(host.host.keys.checkScope(owner, "admin"), owner);
});
