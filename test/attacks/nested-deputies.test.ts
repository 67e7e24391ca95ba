/**
 * Who attacks: a plugin, or whoever holds a key for one, that wants what only another plugin may do. What
 * they hold: edges to the other's tools, and tools that say they only read.
 *
 * What must not happen: that a grant is reached through a plugin that it was not given for, that a key
 * reaches more than its plugin's edges do, that a tool which says it only reads writes by way of another,
 * or that one call gets more questions, bytes or versions by asking others.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Caller } from "#runtime/keys.ts";
import { edgeTo, edit, installKeeper, loopTurns, tell, through } from "#test/support/granted.ts";
import { guest, userImport } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());

const value = { key: "a", value: "b" };
const denied = "CAPABILITY_DENIED";
const vault = await installKeeper(home, "vault");
const near = await installKeeper(home, "near", { tools: edgeTo(vault) });
await installKeeper(home, "far", { tools: edgeTo(near) });

const byNear = () => tell(home, "near", "relay", through("set", value));
const byFar = () => tell(home, "far", "relay", through("relay", through("set", value)));
/** What the plugin at the end was told: each one between passes it on as its own answer. */
async function innermost(told: Promise<{ ok?: unknown; error?: { code: string } }>) {
  let found = await told;
  while (typeof found.ok === "object" && found.ok !== null && !("set" in found.ok))
    found = found.ok as typeof found;
  return found.error?.code ?? "ok";
}

test("a grant for direct calls is out of reach through anybody", async () => {
  await edit(home, vault, { kv: { quota: "1MiB", via: "direct" } });
  assert.equal(await innermost(tell(home, "vault", "set", value)), "ok");
  assert.equal(await innermost(byNear()), denied);
  assert.equal(await innermost(byFar()), denied);
});

test("a grant for calls through one plugin is out of reach of another that calls that one", async () => {
  await edit(
    home,
    vault,
    { kv: { quota: "1MiB", via: ["local/near"] } },
    { callers: ["local/near"] },
  );
  assert.equal(await innermost(byNear()), "ok");
  assert.equal(await innermost(byFar()), denied);
  await edit(
    home,
    vault,
    { kv: { quota: "1MiB", via: ["local/near", "local/far"] } },
    { callers: ["local/near", "local/far"] },
  );
  assert.equal(await innermost(byFar()), "ok");
});

test("widening what others reach is refused until all who gain are named", async () => {
  await edit(home, vault, { kv: { quota: "1MiB", via: "direct" } });
  const wider = { kv: { quota: "1MiB", via: "any" } };
  assert.equal(await codeOf(edit(home, vault, wider)), "GRANTS_REACH");
  const some = { callers: ["local/near"] };
  assert.equal(await codeOf(edit(home, vault, wider, some)), "GRANTS_REACH");
  const all = { callers: ["local/near", "local/far"] };
  assert.equal(await codeOf(edit(home, vault, wider, all)), "ok");
});

test("a key for one plugin reaches another only through the first one's edges", async () => {
  const caller: Caller = {
    ...{ kind: "key", id: "k1", owner: "eve", ratePerMinute: 0 },
    scopes: ["invoke:local/near"],
  };
  const direct = invoke(home, "vault", "set", JSON.stringify(value), { caller });
  assert.equal(await codeOf(direct), "SCOPE_MISSING");
  const told = await tell(home, "near", "relay", through("set", value), caller);
  assert.deepEqual(told, { ok: { ok: { set: true } } });
  await edit(home, near, {
    tools: [{ ...edgeTo(vault)[0], signer: "unsigned", reason: undefined, tools: ["get"] }],
  });
  const narrow = await tell(home, "near", "relay", through("set", value), caller);
  assert.equal(narrow.error?.code, denied);
  const tools = [{ ...edgeTo(vault)[0], signer: "unsigned", reason: undefined }];
  await edit(home, near, { tools }, { callers: ["local/far"] });
});

test("an edge to another signer's plugin under the same id leads nowhere", async () => {
  const tools = [{ ...edgeTo(vault)[0], signer: "mallory", reason: undefined }];
  await edit(home, near, { tools }, { callers: ["local/far"] });
  assert.equal((await byNear()).error?.code, "SIGNER_CHANGED");
  const own = [{ ...edgeTo(vault)[0], signer: "unsigned", reason: undefined }];
  await edit(home, near, { tools: own }, { callers: ["local/far"] });
});

test("a tool that says it only reads keeps nothing, by itself or through another", async () => {
  assert.equal((await tell(home, "vault", "look", value)).error?.code, denied);
  assert.deepEqual((await tell(home, "vault", "set", value)).ok, { set: true });
  const writing = await tell(home, "near", "peek", through("set", value));
  assert.equal(writing.error?.code, denied);
  const reading = await tell(home, "near", "peek", through("look", value));
  assert.equal((reading.ok as { error?: { code: string } }).error?.code, denied);
});

test("a version that the manifest does not name is not called", async () => {
  await installKeeper(home, "picky", { tools: edgeTo(vault, { version: ">=2" }) });
  const told = await tell(home, "picky", "relay", through("set", value));
  assert.equal(told.error?.code, "VERSION_NOT_FOUND");
});

test("all questions of calls on a call's behalf are within its own bound", async () => {
  const limits = { hostCalls: 40 };
  await installKeeper(home, "modest", { tools: edgeTo(vault) }, { limits });
  const told = await tell(home, "modest", "relay", through("loop", value));
  assert.ok(loopTurns > limits.hostCalls);
  assert.equal((told.ok as { error?: { code: string } }).error?.code, "HOST_CALLS_EXHAUSTED");
});

test("what a call has burnt itself is not burnt again by those that it asks", async () => {
  const fuel = 40_000_000;
  const turns = 3_000_000;
  const burner = guest({
    imports: userImport("tools_call"),
    body: `(func (export "ask") (local $turn i32)
        (loop $l (local.set $turn (i32.add (local.get $turn) (i32.const 1)))
          (br_if $l (i32.lt_u (local.get $turn) (i32.const ${turns}))))
        (call $giveBack (call $tools_call (call $input_offset))))
      (func (export "spin") (loop $l (br $l)))`,
  });
  const tools = ["ask", "spin"].map((name) => ({ name, description: "Burns", encoding: "text" }));
  const provides = { tools };
  const limits = { fuel, timeout: "20s" };
  const spinner = { provides, limits: { fuel: 100 * fuel, timeout: "20s" } };
  await installGuest(home, { id: "spinner", module: burner, manifest: spinner });
  const edges = [{ alias: "it", plugin: "local/spinner", tools: ["spin"], reason: "to burn" }];
  const asking = { provides, limits, uses: { tools: edges } };
  await installGuest(home, { id: "burner", module: burner, manifest: asking });
  const told = await codeOf(tell(home, "burner", "ask", { tool: "it", input: "" }));
  assert.equal(told, "FUEL_EXHAUSTED");
  const records = (await home.host.auditQuery({ kind: "call", limit: 2 })) as {
    plugin: string;
    fuel: number;
  }[];
  const child = records.find(({ plugin }) => plugin === "local/spinner");
  assert.ok(child && child.fuel <= fuel - 4 * turns, `${child?.fuel}`);
});

test("what others answer is at most what the call may answer itself", async () => {
  const loud = guest({
    pages: 3,
    body: `(func (export "shout") (call $say (i32.const 0) (i32.const 100000)))`,
  });
  const tools = [{ name: "shout", description: "Says much", encoding: "text" }];
  await installGuest(home, { id: "loud", module: loud, manifest: { provides: { tools } } });
  const edges = [{ alias: "it", plugin: "local/loud", tools: ["shout"], reason: "to hear" }];
  await installKeeper(home, "quiet", { tools: edges }, { limits: { output: "64KiB" } });
  const told = await tell(home, "quiet", "relay", { tool: "it", input: "" });
  assert.equal(told.error?.code, "OUTPUT_TOO_LARGE");
});

test("a plugin knows a caller by a name that tells another plugin nothing", async () => {
  const who = async (id: string, owner: string): Promise<string> => {
    const caller = { kind: "key", id: owner, owner, scopes: ["invoke"], ratePerMinute: 0 } as const;
    const { ok } = await tell(home, id, "who", {}, caller);
    const { caller: name } = ok as { caller: string };
    assert.doesNotMatch(name, /ada|bob/);
    return name;
  };
  assert.equal(await who("vault", "ada"), await who("vault", "ada"));
  const names = [await who("vault", "ada"), await who("vault", "bob"), await who("near", "ada")];
  assert.equal(new Set(names).size, 3);
});
