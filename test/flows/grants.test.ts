/** An operator's day with grants: read them, narrow them, be told what was denied, and allow it again. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Host } from "#runtime/host.ts";
import { runInside } from "#test/support/cli.ts";
import { edgeTo, installKeeper, tell, through } from "#test/support/granted.ts";
import { invoke, openTestHost } from "#test/support/host.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
// Each command ends with its host; this one stays, and goes on taking calls.
const host: Host = Object.create(home.host, {
  drain: { value: async () => {} },
  [Symbol.asyncDispose]: { value: async () => {} },
});
const run = async (...words: string[]) => {
  const { code, out, err } = await runInside(words, { home: home.folder, host });
  assert.equal(code, 0, err);
  return out;
};
const value = { key: "a", value: "b" };
await installKeeper(home, "notes", {
  kv: { quota: "1MiB", reason: "to remember" },
  network: [{ host: "*.example.com", methods: ["GET", "POST"], reason: "to look things up" }],
});
await installKeeper(home, "desk", { tools: edgeTo("local/notes") });

test("plugin grants tells in words what is asked and what is granted", async () => {
  const out = await run("plugin", "grants", "local/notes");
  assert.match(out, /network\[0\] {2}asks to send GET, POST https:\/\/\*\.example\.com\/…/);
  assert.match(out, /may GET, POST https:\/\/\*\.example\.com\/… \(in direct calls only\)/);
  assert.match(out, /may keep values of its own, up to 1 MiB$/m);
});

test("what is revoked is denied at once, and explain gives the command that allows it", async () => {
  await run("plugin", "grants", "local/notes", "--revoke", "kv");
  const { callId, value: told } = await invoke(home, "notes", "set", JSON.stringify(value));
  assert.equal((told as { error?: { code: string } }).error?.code, "CAPABILITY_DENIED");
  assert.doesNotMatch(JSON.stringify(told), /convergio|--allow|grants/);
  const explained = await run("explain", callId);
  const command = "convergio plugin grants local/notes --allow kv";
  assert.match(
    explained,
    /denied kv_set "own"\n {4}convergio plugin grants local\/notes --allow kv/,
  );
  // A plugin that calls this one gains by it: without --yes nobody can be asked here.
  const words = command.split(" ").slice(1);
  const asked = await runInside(words, { home: home.folder, host });
  assert.equal(asked.code, 1);
  assert.match(asked.err, /GRANTS_REACH.*local\/desk/);
  await run(...words, "--yes");
  assert.deepEqual((await tell(home, "notes", "set", value)).ok, { set: true });
});

test("a grant for some uses and some time tells what is left of it", async () => {
  const words = ["--allow", "kv", "--uses", "2", "--expires", "30d", "--yes"];
  assert.match(await run("plugin", "grants", "local/notes", ...words), /2 of 2 uses left/);
  await tell(home, "notes", "set", value);
  assert.match(await run("plugin", "grants", "local/notes"), /until \S+; 1 of 2 uses left/);
  await tell(home, "notes", "set", value);
  assert.match(await run("plugin", "grants", "local/notes"), /used up: keep values/);
  const more = await run(
    "plugin",
    "grants",
    "local/notes",
    "--allow",
    "kv",
    "--uses",
    "1",
    "--yes",
  );
  assert.match(more, /1 of 3 uses left/);
});

test("plugin can and who-can follow the edges between plugins", async () => {
  await run("plugin", "grants", "local/notes", "--allow", "kv", "--yes");
  const can = await run("plugin", "can", "local/desk");
  assert.match(can, /^ {2}through local\/notes: keep values of its own, up to 1 MiB$/m);
  assert.doesNotMatch(can, /example\.com/);
  const who = await run("who-can", "network", "api.example.com");
  assert.equal(who, "local/notes  GET, POST https://*.example.com/… (in direct calls only)\n");
  const narrow = [
    "--allow",
    "network[0]",
    "--host",
    "api.example.com",
    "--methods",
    "get",
    "--via",
    "any",
  ];
  await run("plugin", "grants", "local/notes", ...narrow, "--yes");
  assert.match(
    await run("who-can", "network", "api.example.com"),
    /^local\/desk {3}through local\/notes/m,
  );
  assert.match(await run("who-can", "network", "b.example.com"), /^No plugin can/);
});

test("explain shows the calls that were made on a call's behalf", async () => {
  const input = JSON.stringify(through("set", value));
  const path = ["plugin", "invoke", "local/desk", "relay", input, "--json"];
  const { callId } = JSON.parse(await run(...path));
  const out = await run("explain", callId);
  assert.match(out, /^local\/desk 1\.0\.0 relay {2}answered$/m);
  assert.match(out, /^ {2}local\/notes 1\.0\.0 set {2}answered$/m);
  assert.match(out, /^ {4}call \S+ of "owner", through local\/desk$/m);
  assert.match(out, /^ {4}allowed kv_set "own"$/m);
});
