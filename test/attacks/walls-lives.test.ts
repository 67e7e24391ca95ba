/**
 * Who attacks: a runner behind the second wall that wants to outlive its host, to hide its use of the
 * machine behind the process in front of it, or to reach what the host left open for it.
 *
 * What must not happen: that a killed runner or a killed host leaves a process, that the host measures
 * the wrong one, or that a descriptor of the host is inherited.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { residentBytes, threadState } from "#runtime/sandbox/caps.ts";
import { type SandboxedProcess, startNode, startProcess } from "#runtime/sandbox/process.ts";
import { raiseHere, unlessStands } from "#test/support/walls.ts";

const raised = await raiseHere();
const skip = unlessStands(raised, "namespaces");
const { wall } = raised;

/** Starts a runner and waits until it has said that it is ready. */
async function startReady(): Promise<{ child: SandboxedProcess; inner: number }> {
  const child = startProcess("runner-main.ts", 256, { wall });
  after(() => child.kill("SIGKILL"));
  assert.ok(child.stdout);
  await once(child.stdout, "data");
  assert.ok(child.innerPid);
  return { child, inner: child.innerPid };
}

const lives = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
};

async function untilGone(pid: number): Promise<void> {
  for (let count = 0; lives(pid) && count < 500; count++) await sleep(10);
  assert.ok(!lives(pid), `process ${pid} still lives`);
}

test("the host measures the runner and not the wall in front of it", { skip }, async () => {
  const { child, inner } = await startReady();
  assert.notEqual(inner, child.pid);
  const command = readFileSync(`/proc/${inner}/cmdline`, "utf8").split("\0");
  assert.equal(command[0], "/convergio/bin/node");
  // A Node is tens of MiB; what waits in front of it is one or two.
  assert.ok((residentBytes(inner) ?? 0) > 20e6);
  assert.ok(threadState(inner) !== undefined);
  child.kill("SIGKILL");
  await untilGone(inner);
});

test("a runner behind the wall goes before the host when memory ends, and leaves no dump", {
  skip,
}, async () => {
  const { child, inner } = await startReady();
  assert.equal(readFileSync(`/proc/${inner}/oom_score_adj`, "utf8").trim(), "500");
  assert.equal(Number(readFileSync(`/proc/${inner}/coredump_filter`, "utf8")), 0);
  child.kill("SIGKILL");
  await untilGone(inner);
});

test("a runner inherits three pipes and no other descriptor of the host", { skip }, async () => {
  const { child, inner } = await startReady();
  const folder = `/proc/${inner}/fd`;
  const own = statSync(`/proc/${inner}/root`);
  const open = readdirSync(folder).map((fd) => {
    const target = readlinkSync(`${folder}/${fd}`);
    // The event loop keeps its own root open, where it finds no /dev/null.
    if (target !== "/") return target;
    const { dev, ino } = statSync(`${folder}/${fd}`);
    return dev === own.dev && ino === own.ino ? "anon_inode:own root" : "the root of the host";
  });
  child.kill("SIGKILL");
  await untilGone(inner);
  assert.equal(open.filter((target) => target.startsWith("socket:")).length, 3);
  assert.deepEqual(
    open.filter((target) => !/^(socket|pipe|anon_inode):/.test(target)),
    [],
  );
});

test("a killed wall takes its runner along, busy or not", { skip }, async () => {
  const { child, inner } = await startReady();
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
  await untilGone(inner);
});

/** Processes that have a word among their arguments. */
function marked(word: string): readonly string[] {
  const found = readdirSync("/proc").filter(
    (pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid,
  );
  return found.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word);
    } catch {
      return false; // It has just ended.
    }
  });
}

test("a wall that is killed while it is being raised leaves nothing behind", { skip }, async () => {
  const word = `marked-${process.pid}`;
  const moments = Array.from({ length: 60 }, (_, index) => index / 4);
  for (const moment of moments) {
    const child = startNode(wall, ["-e", "setInterval(() => {}, 1_000)", word]);
    const gone = once(child, "exit");
    // Turns of the event loop and milliseconds, so that every step of its start is met.
    if (moment >= 1) await sleep(moment);
    else for (let turn = 0; turn < moment * 40; turn++) await sleep(0);
    child.kill("SIGKILL");
    await gone;
  }
  for (let count = 0; marked(word).length > 0 && count < 300; count++) await sleep(10);
  assert.deepEqual(marked(word), []);
});

test("a host that is killed leaves no runner", { skip }, async () => {
  const program = fileURLToPath(new URL("../support/walled-host.ts", import.meta.url));
  const host = spawn(process.execPath, ["--no-warnings", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  after(() => host.kill("SIGKILL"));
  const [told] = (await once(host.stdout, "data")) as [Buffer];
  const inner = Number(told.toString());
  assert.ok(lives(inner));
  host.kill("SIGKILL");
  await untilGone(inner);
});

test("everything that a runner can reach on disk is read-only, and all namespaces are its own", {
  skip,
}, async () => {
  const { child, inner } = await startReady();
  const mounts = readFileSync(`/proc/${inner}/mounts`, "utf8").trim().split("\n");
  const spaces = ["user", "pid", "net", "mnt", "ipc", "uts"].filter(
    (name) => readlinkSync(`/proc/${inner}/ns/${name}`) === readlinkSync(`/proc/self/ns/${name}`),
  );
  child.kill("SIGKILL");
  await untilGone(inner);
  assert.deepEqual(spaces, []);
  assert.ok(mounts.length > 5);
  assert.deepEqual(
    mounts.filter((line) => !/^\S+ \S+ \S+ ro,nosuid,nodev,/.test(line)),
    [],
  );
  // Of the project it has what the sandbox is made of, and nothing where a home or a key may lie.
  const places = mounts.map((line) => line.split(" ")[1] ?? "");
  assert.ok(
    places.every((path) => /^\/$|^\/convergio\/|\/[^/]*\.so[.\d]*$/.test(path)),
    `${places}`,
  );
});

test("a runner sees no process but its own", { skip }, async () => {
  const { child, inner } = await startReady();
  const status = readFileSync(`/proc/${inner}/status`, "utf8");
  assert.match(status, /^NSpid:\t\d+\t1$/m);
  assert.match(status, /^CapEff:\t0+$/m);
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.match(status, /^NoNewPrivs:\t1$/m);
  if (wall.gives.includes("seccomp")) assert.match(status, /^Seccomp:\t2$/m);
  child.kill("SIGKILL");
  await untilGone(inner);
});
