import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type OpenSegment, openSegment } from "#runtime/audit/segment-file.ts";
import type { AuditRecord } from "#manifests/audit.ts";
import type { CallRequest } from "#runtime/call.ts";
import { type Caller, owner } from "#runtime/keys.ts";
import { startProcess } from "#runtime/sandbox/process.ts";
import { callerNamed, codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";
import { jsonTools, relay } from "#test/support/relay.ts";

const plain = ["echo", "say", "spin", "trap", "fail"];
const kv = ["kv_get", "kv_set", "kv_list"];

const home = await openTestHost({ settings: { "queues.wait": "2s" } });
after(() => home[Symbol.asyncDispose]());
const uses = { kv: { quota: "64KiB", reason: "keep things" } };
await installGuest(home, {
  id: "it",
  module: relay(kv),
  manifest: { provides: jsonTools(...plain, ...kv), uses, limits: { input: "2KiB" } },
});
await installGuest(home, {
  id: "above",
  module: relay(["tools_call"]),
  manifest: {
    provides: jsonTools("echo", "tools_call"),
    uses: {
      tools: [
        { alias: "below", plugin: "local/it", tools: [...plain, "kv_set"], reason: "call it" },
        { alias: "self", plugin: "local/above", tools: ["tools_call"], reason: "go round" },
      ],
    },
  },
});

function keyed(id: string, ...scopes: string[]): Caller {
  return { ...callerNamed(id), scopes };
}

async function records(query: { kind?: string; plugin?: string }): Promise<AuditRecord[]> {
  return (await home.host.auditQuery({ ...query, limit: 1_000 })) as AuditRecord[];
}

/** The record of the call that failed with an error. */
async function recordOf(call: Promise<{ callId: string }>): Promise<AuditRecord | undefined> {
  const { callId } = await call.catch((error: { callId: string }) => error);
  // Not a turn later: whoever has the answer finds the record.
  return (await records({ kind: "call" })).find((record) => record.callId === callId);
}

async function calling(caller: Caller, plugin: string, tool?: string): Promise<string> {
  const request: CallRequest = { caller, plugin, tool, input: { json: "1" } };
  return codeOf(home.host.call(request));
}

for (const [scopes, plugin, tool, expected] of [
  [["invoke"], "local/it", "echo", "ok"],
  [["invoke:local/it"], "local/it", "echo", "ok"],
  [["invoke:local/it:echo"], "local/it", "echo", "ok"],
  [["invoke:local/it:echo"], "local/it", "say", "SCOPE_MISSING"],
  [["invoke:local/it:echo"], "local/it", undefined, "SCOPE_MISSING"],
  [["invoke:local/it"], "local/above", "echo", "SCOPE_MISSING"],
  [["invoke:local/i"], "local/it", "echo", "SCOPE_MISSING"],
  [["read", "logs"], "local/it", "echo", "SCOPE_MISSING"],
  [["admin"], "local/it", "echo", "ok"],
  [["invoke"], "local/nobody", "echo", "PLUGIN_NOT_FOUND"],
  [["invoke"], "local/it", "nothing", "TOOL_NOT_FOUND"],
  [["invoke"], "local/it", undefined, "TOOL_NOT_FOUND"],
  [["invoke"], "local/it@1.0.0", "echo", "ok"],
  [["invoke"], "local/it@>=1 <2", "echo", "ok"],
  [["invoke"], "local/it@2.0.0", "echo", "VERSION_NOT_FOUND"],
  [["invoke"], "local/it@^2", "echo", "VERSION_NOT_FOUND"],
  [["invoke"], `local/it@sha256:${"0".repeat(64)}`, "echo", "VERSION_NOT_FOUND"],
  [["invoke"], "../etc/passwd", "echo", "NAME_INVALID"],
  [["invoke:local/it"], "local/it@2.0.0", "echo", "VERSION_NOT_FOUND"],
  [["invoke:local/above"], "local/it@2.0.0", "echo", "SCOPE_MISSING"],
] as const)
  test(`call() of ${plugin} ${tool} by a key with ${scopes.join()} ends with ${expected}`, async () => {
    assert.equal(await calling(keyed("some", ...scopes), plugin, tool), expected);
  });

test("call() tells who may not call a plugin nothing about whether it is there", async () => {
  const said = async (plugin: string) => {
    const request: CallRequest = {
      caller: keyed("narrow", "invoke:local/other"),
      plugin,
      tool: "echo",
      input: { json: "1" },
    };
    const error = await home.host.call(request).catch((thrown: Error) => thrown);
    assert.ok(error instanceof Error);
    return {
      ...error,
      message: error.message.replaceAll(plugin, "?"),
      callId: "",
      facts: "",
      hint: "",
    };
  };
  assert.deepEqual(await said("local/it"), await said("local/ghost"));
});

test("call() finds a version by its digest", async () => {
  const { digest } = home.host.plugins.info("local/it");
  assert.equal(await calling(owner, `local/it@${digest}`, "echo"), "ok");
});

for (const [act, back, code] of [
  ["stop", "start", "PLUGIN_INACTIVE"],
  ["disable", "enable", "PLUGIN_INACTIVE"],
] as const)
  test(`call() of a plugin after ${act} is refused until ${back}`, async () => {
    const { plugins } = home.host;
    await plugins[act]("local/it", owner);
    assert.equal(await calling(owner, "local/it", "echo"), code);
    assert.equal(await calling(keyed("narrow", "read"), "local/it", "echo"), "SCOPE_MISSING");
    await plugins[back]("local/it", owner);
    assert.equal(await calling(owner, "local/it", "echo"), "ok");
  });

test("call() refuses an input that is longer than the plugin takes, in bytes", async () => {
  assert.equal(await codeOf(invoke(home, "it", "echo", "x".repeat(2_046))), "ok");
  assert.equal(await codeOf(invoke(home, "it", "echo", "x".repeat(2_047))), "INPUT_TOO_LARGE");
  assert.equal(await codeOf(invoke(home, "it", "echo", "€".repeat(700))), "INPUT_TOO_LARGE");
});

test("call() says what it cost", async () => {
  const { usage, plugin, version, tool } = await invoke(home, "it", "kv_set", {
    key: "a",
    value: "b",
  });
  assert.deepEqual([plugin, version, tool], ["local/it", "1.0.0", "kv_set"]);
  assert.ok(usage.fuel > 100 && usage.fuel < 1_000_000, String(usage.fuel));
  assert.ok(usage.wallMs > 0 && usage.memoryBytes >= 65_536);
  assert.equal(usage.hostCalls, 1);
  const more = await invoke(home, "it", "echo", "x".repeat(1_000));
  assert.equal(more.usage.hostCalls, 0);
});

for (const [tool, caller, decision, code] of [
  ["echo", keyed("k1", "invoke"), "allowed", null],
  ["trap", keyed("k1", "invoke"), "failed", "PLUGIN_TRAPPED"],
  ["fail", keyed("k1", "invoke"), "failed", "PLUGIN_ERROR"],
  ["echo", keyed("k1", "read"), "denied", "SCOPE_MISSING"],
  ["nothing", keyed("k1", "invoke"), "denied", "TOOL_NOT_FOUND"],
] as const)
  test(`a call of ${tool} that ends with ${code} is audited before it is answered`, async () => {
    const before = Date.now();
    const record = await recordOf(invoke(home, "it", tool, "in", { caller }));
    assert.ok(record);
    assert.partialDeepStrictEqual(record, {
      kind: "call",
      act: "invoke",
      decision,
      code,
      owner: "k1",
      keyId: "k1",
      tool,
      chain: [],
      bytes: 4,
      plugin: code === "SCOPE_MISSING" ? null : "local/it",
      target: code === "SCOPE_MISSING" ? "local/it" : null,
    });
    assert.ok(Date.parse(record.at) >= before - 1);
    assert.ok(!JSON.stringify(record).includes("in\\"), "no input in it");
  });

/** Opens files on a disk that keeps nothing any more once it is told so. */
function failingDisk(): { openSegment: OpenSegment; state: { fails: boolean } } {
  const state = { fails: false };
  return {
    state,
    openSegment(path) {
      const file = openSegment(path);
      return {
        ...file,
        get size() {
          return file.size;
        },
        async sync() {
          if (state.fails) throw Object.assign(new TypeError("lost"), { code: "EIO" });
          await file.sync();
        },
      };
    },
  };
}

test("a call that cannot be audited is answered with nothing but that", async () => {
  const disk = failingDisk();
  await using host = await openTestHost({ openSegment: disk.openSegment });
  await installGuest(host, {
    id: "it",
    module: relay(),
    manifest: { provides: jsonTools("echo") },
  });
  await invoke(host, "it", "echo");
  disk.state.fails = true;
  assert.equal(await codeOf(invoke(host, "it", "echo")), "AUDIT_FAILED");
  assert.equal(await codeOf(invoke(host, "it", "echo")), "AUDIT_FAILED");
});

test("calls that fail by one cause have numbers of their own", async () => {
  const started: ChildProcess[] = [];
  await using host = await openTestHost({
    // The first runner serves; there is none to take its place.
    startRunner: (heapMiB) => {
      const first = () => startProcess("runner-main.ts", heapMiB);
      const none = () => spawn(process.execPath, ["--no-such-flag"]);
      started.push(started.length === 0 ? first() : none());
      return started.at(-1) as ChildProcess;
    },
  });
  await installGuest(host, {
    id: "it",
    module: relay(),
    manifest: { provides: jsonTools("echo") },
  });
  const [runner] = started;
  assert.ok(runner);
  runner.kill("SIGKILL");
  await once(runner, "exit");
  const errors = await Promise.all(
    [1, 2, 3].map(() => invoke(host, "it", "echo").catch((error: unknown) => error)),
  );
  const told = errors.map((error) => error as { code: string; callId: string });
  assert.deepEqual(
    told.map(({ code }) => code),
    Array(3).fill("RUNNER_DIED"),
  );
  assert.equal(new Set(told.map(({ callId }) => callId)).size, 3);
});

test("calls.list() shows calls to their own key and to the scope logs only", async () => {
  const { calls } = home.host;
  const [ada, bob] = [keyed("ada", "invoke"), keyed("bob", "invoke")];
  const running = codeOf(invoke(home, "it", "spin", null, { caller: ada }));
  await sleep(50);
  const [own, ...others] = calls.list(ada);
  assert.deepEqual(others, []);
  assert.partialDeepStrictEqual(own, {
    plugin: "local/it",
    version: "1.0.0",
    tool: "spin",
    owner: "ada",
    keyId: "ada",
    state: "running",
  });
  assert.ok(own && own.ageMs >= 0 && Date.parse(own.startedAt) <= Date.now() + 1);
  assert.deepEqual(calls.list(bob), []);
  assert.equal(calls.list(keyed("eve", "logs")).length, 1);
  assert.equal(calls.list(owner).length, 1);
  await assert.rejects(calls.cancel(own.callId, bob), { code: "CALL_NOT_FOUND" });
  await assert.rejects(calls.cancel(own.callId, keyed("eve", "logs")), { code: "SCOPE_MISSING" });
  await assert.rejects(calls.cancel("no such call", ada), { code: "CALL_NOT_FOUND" });
  await calls.cancel(own.callId, ada);
  assert.equal(await running, "CALL_CANCELLED");
  await assert.rejects(calls.cancel(own.callId, ada), { code: "CALL_NOT_FOUND" });
  assert.deepEqual(calls.list(owner), []);
});

test("a caller that goes away ends its call", async () => {
  const gone = new AbortController();
  const running = codeOf(invoke(home, "it", "spin", null, { signal: gone.signal }));
  await sleep(30);
  gone.abort();
  assert.equal(await running, "CALL_CANCELLED");
  const early = codeOf(invoke(home, "it", "spin", null, { signal: gone.signal }));
  assert.equal(await early, "CALL_CANCELLED");
});

test("stop() ends the calls of a plugin, and no others", async () => {
  const { plugins, calls } = home.host;
  const running = codeOf(invoke(home, "it", "spin"));
  await sleep(30);
  await plugins.stop("local/it", owner);
  assert.equal(await running, "CALL_CANCELLED");
  assert.deepEqual(calls.list(owner), []);
  await plugins.start("local/it", owner);
});

test("a nested call is audited under its owner with the chain of plugins", async () => {
  const ada = keyed("ada", "invoke:local/above");
  const answer = await invoke(
    home,
    "above",
    "tools_call",
    { tool: "below/echo", input: [1] },
    { caller: ada },
  );
  assert.deepEqual(answer.value, { ok: [1] });
  const nested = (await records({ kind: "call", plugin: "local/it" })).at(-1);
  assert.partialDeepStrictEqual(nested, {
    decision: "allowed",
    owner: "ada",
    keyId: "ada",
    tool: "echo",
    chain: ["local/above"],
  });
  const effect = (await records({ kind: "effect", plugin: "local/above" })).at(-1);
  assert.partialDeepStrictEqual(effect, {
    act: "tools_call",
    target: "below/echo",
    decision: "allowed",
    callId: answer.callId,
  });
});

test("a key that may call the upper plugin alone reaches the lower one through it only", async () => {
  const ada = keyed("ada", "invoke:local/above");
  assert.equal(await codeOf(invoke(home, "it", "echo", 1, { caller: ada })), "SCOPE_MISSING");
});

for (const [input, code] of [
  [{ tool: "below/kv_get", input: { key: "a" } }, "CAPABILITY_DENIED"],
  [{ tool: "it/echo" }, "CAPABILITY_DENIED"],
  [{ tool: "below" }, "CAPABILITY_DENIED"],
  [{ tool: "below/echo/echo" }, "CAPABILITY_DENIED"],
  [{ tool: "below/fail", input: "sorry" }, "PLUGIN_ERROR"],
  [{ tool: "below/trap" }, "PLUGIN_TRAPPED"],
  [{ tool: "self", input: {} }, "HOST_REQUEST_INVALID"],
] as const)
  test(`tools_call of ${JSON.stringify(input)} is answered with ${code}`, async () => {
    const { value } = await invoke(home, "above", "tools_call", input);
    const answer = JSON.stringify(value);
    assert.ok(answer.includes(`"code":"${code}"`), answer);
  });

test("plugins that call each other in a ring are stopped at the eighth", async () => {
  const ring = (depth: number): object =>
    depth === 0 ? { tool: "below/echo", input: "end" } : { tool: "self", input: ring(depth - 1) };
  const six = await invoke(home, "above", "tools_call", ring(6));
  assert.ok(JSON.stringify(six.value).includes('"end"'));
  const deep = await invoke(home, "above", "tools_call", ring(9));
  assert.ok(JSON.stringify(deep.value).includes("DEPTH_EXCEEDED"), JSON.stringify(deep.value));
});

test("a nested call ends with the call that made it", async () => {
  const { calls } = home.host;
  const running = codeOf(invoke(home, "above", "tools_call", { tool: "below/spin" }));
  await sleep(80);
  const [upper, lower] = [...calls.list(owner)].sort((a, b) => b.ageMs - a.ageMs);
  assert.deepEqual([upper?.plugin, lower?.plugin], ["local/above", "local/it"]);
  assert.ok(upper);
  await calls.cancel(upper.callId, owner);
  assert.equal(await running, "CALL_CANCELLED");
  await sleep(100);
  assert.deepEqual(calls.list(owner), []);
});

test("what a nested call burns is charged to the call that made it", async () => {
  const nested = await invoke(home, "above", "tools_call", { tool: "below/echo", input: 1 });
  const alone = await invoke(home, "it", "echo", 1);
  assert.ok(nested.usage.fuel > alone.usage.fuel);
});

test("calls of tools that are not there add no series to the metrics", async () => {
  for (const name of ["made-up-1", "made-up-2"]) await calling(owner, "local/it", name);
  const { text } = await home.host.metrics();
  assert.doesNotMatch(text, /made-up/);
  assert.match(text, /plugin="local\/it",tool="other",outcome="TOOL_NOT_FOUND"/);
});
