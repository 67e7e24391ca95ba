import assert from "node:assert/strict";
import { after, test } from "node:test";
import { owner } from "#runtime/keys.ts";
import { guest, userImport } from "#test/support/guests.ts";
import { codeOf, installGuest, invoke, openTestHost } from "#test/support/host.ts";

const home = await openTestHost();
after(() => home[Symbol.asyncDispose]());
const { grants } = home.host;

const keeper = guest({
  imports: ["kv_get", "kv_set", "kv_list"].map(userImport).join("\n"),
  body: `(func (export "set") (call $giveBack (call $kv_set (call $input_offset))))
    (func (export "get") (call $giveBack (call $kv_get (call $input_offset))))`,
});
const tool = (name: string) => ({ name, description: "Keeps", encoding: "text" });
const uses = {
  kv: { quota: "1MiB", reason: "to remember" },
  network: [{ host: "api.example.com", methods: ["GET", "POST"], path: "/v1/", reason: "to ask" }],
};

async function install(id: string, more: object = {}): Promise<string> {
  const manifest = { provides: { tools: ["set", "get"].map(tool) }, uses, ...more };
  return (await installGuest(home, { id, module: keeper, manifest })).id;
}
const setting = JSON.stringify({ key: "a", value: "b" });
const set = async (id: string) =>
  (await invoke(home, id, "set", setting)).value as { ok?: unknown; error?: { code: string } };
const document = (id: string) => {
  const { network, secrets, files, kv, tools } = grants.view(id);
  return { grants: 1, network, secrets, files, tools, ...(kv && { kv }) };
};
const put = (id: string, change: object, { callers = [] as string[], by = owner } = {}) =>
  grants.edit(
    id,
    { document: { ...document(id), ...change }, revision: grants.view(id).revision, callers },
    by,
  );

test("view() shows each thing that is asked for, what is granted of it, and what would give it", async () => {
  const id = await install("view");
  const { entries, plugin, digest, grantedBy } = grants.view(id);
  assert.deepEqual([plugin, grantedBy], [id, "owner"]);
  assert.match(digest ?? "", /^sha256:/);
  assert.deepEqual(
    entries.map(({ entry, words, grants: held }) => [entry, words, held.length]),
    [
      ["network[0]", "send GET, POST https://api.example.com/v1/…", 1],
      ["kv", "keep values of its own, up to 1 MiB", 1],
    ],
  );
  assert.deepEqual(entries[1]?.offer.kv?.quota, "1MiB");
});

test("what is taken away is gone at once, over a restart too, and stands in the audit", async () => {
  const id = await install("less");
  assert.deepEqual((await set("less")).ok, { set: true });
  const { kv, ...rest } = document(id) as { kv?: object };
  const view = await grants.edit(
    id,
    { document: rest, revision: grants.view(id).revision, callers: [] },
    owner,
  );
  assert.ok(kv);
  assert.equal(view.kv, undefined);
  assert.equal((await set("less")).error?.code, "CAPABILITY_DENIED");
  const [record] = (await home.host.auditQuery({ kind: "grants", limit: 1 })) as { act: string }[];
  assert.equal(record?.act, "revoke");
});

test("what was taken away can be given again, by who may, and no more than is asked for", async () => {
  const id = await install("more");
  await put(id, { kv: { quota: "1KiB" } });
  assert.equal(grants.view(id).kv?.quota, "1KiB");
  await put(id, { kv: { quota: "1MiB" } });
  const [record] = (await home.host.auditQuery({ kind: "grants", limit: 1 })) as { act: string }[];
  assert.equal(record?.act, "widen");
  assert.equal(await codeOf(put(id, { kv: { quota: "2MiB" } })), "GRANTS_INVALID");
  assert.equal(grants.view(id).kv?.quota, "1MiB");
});

test("an edit of what nobody sees any more is refused", async () => {
  const id = await install("seen");
  const { revision } = grants.view(id);
  await put(id, { kv: { quota: "1KiB" } });
  const late = { document: { grants: 1 }, revision, callers: [] };
  assert.equal(await codeOf(grants.edit(id, late, owner)), "GRANTS_CHANGED");
  await install("seen", { version: "1.1.0" });
  const old = { ...late, revision: grants.view(id).revision };
  await install("seen", { version: "1.2.0" });
  assert.equal(await codeOf(grants.edit(id, old, owner)), "GRANTS_CHANGED");
});

test("of edits side by side one holds, and the others are refused", async () => {
  const id = await install("side");
  const { revision } = grants.view(id);
  const edits = ["1KiB", "2KiB", "3KiB"].map((quota) =>
    codeOf(
      grants.edit(id, { document: { grants: 1, kv: { quota } }, revision, callers: [] }, owner),
    ),
  );
  assert.deepEqual((await Promise.all(edits)).sort(), ["GRANTS_CHANGED", "GRANTS_CHANGED", "ok"]);
  assert.equal(grants.view(id).kv?.quota, "1KiB");
});

test("uses are counted over edits: to narrow a grant gives none of them back", async () => {
  const id = await install("count");
  await put(id, { kv: { quota: "1MiB", uses: 3 } });
  await set("count");
  await set("count");
  await put(id, { kv: { quota: "1KiB", uses: 3 } });
  assert.deepEqual(grants.view(id).entries[1]?.grants[0]?.used, 2);
  assert.deepEqual((await set("count")).ok, { set: true });
  assert.equal((await set("count")).error?.code, "CAPABILITY_DENIED");
  assert.equal(grants.view(id).entries[1]?.grants[0]?.state, "spent");
  await put(id, { kv: { quota: "1KiB", uses: 4 } });
  assert.deepEqual((await set("count")).ok, { set: true });
  assert.equal((await set("count")).error?.code, "CAPABILITY_DENIED");
});

test("a grant that its callers would gain by is widened only by who knows of them", async () => {
  const id = await install("callee");
  await put(id, { network: [], kv: { quota: "1KiB" } });
  const edges = [{ alias: "it", plugin: id, tools: ["set"], reason: "to keep" }];
  await install("caller", { uses: { tools: edges } });
  assert.equal(await codeOf(put(id, { kv: { quota: "1MiB" } })), "GRANTS_REACH");
  assert.equal(
    await codeOf(put(id, { kv: { quota: "1MiB" } }, { callers: ["x"] })),
    "GRANTS_REACH",
  );
  await put(id, { kv: { quota: "1KiB", via: "direct" } });
  await put(id, { kv: { quota: "1MiB", via: "direct" } });
  await put(id, { kv: { quota: "1MiB" } }, { callers: ["local/caller"] });
  assert.equal(grants.view(id).kv?.quota, "1MiB");
});

test("can() tells what a plugin does itself and through others, and whoCan() who does a thing", async () => {
  const id = await install("asked");
  await put(id, {
    network: [
      {
        ...{ scheme: "https", host: "api.example.com", port: 443, path: "/v1/" },
        ...{ methods: ["GET"], via: "any" },
      },
    ],
  });
  const edges = [{ alias: "it", plugin: id, tools: ["set"], reason: "to keep" }];
  await install("asker", { uses: { tools: edges } });
  const told = grants.can("local/asker").can.map(({ through, words }) => [through, words]);
  assert.deepEqual(told, [
    [[], "call set of local/asked, signed by unsigned"],
    [["local/asked"], "GET https://api.example.com/v1/…"],
    [["local/asked"], "keep values of its own, up to 1 MiB"],
  ]);
  const who = (target: string | null) =>
    grants
      .whoCan("network", target)
      .plugins.filter(({ plugin }) => /asked|asker/.test(plugin))
      .map(({ plugin, through }) => [plugin, through]);
  const both = [
    ["local/asked", []],
    ["local/asker", ["local/asked"]],
  ];
  for (const target of ["api.example.com", "*.example.com", "https://api.example.com/v1/x", null])
    assert.deepEqual(who(target), both, String(target));
  for (const target of ["example.com", "https://api.example.com/v2", "http://api.example.com/v1/x"])
    assert.deepEqual(who(target), [], target);
});

test("explain() tells a call with its effects, and for a denial the command that allows it", async () => {
  const id = await install("told");
  await put(id, { kv: { quota: "1MiB" } });
  const done = await invoke(home, "told", "set", setting);
  const view = await grants.explain(done.callId, owner);
  assert.deepEqual(
    [view.plugin, view.tool, view.code, view.effects.map(({ act, allow }) => [act, allow])],
    [id, "set", null, [["kv_set", null]]],
  );
  const { kv, ...rest } = document(id) as { kv?: object };
  assert.ok(kv);
  const { revision } = grants.view(id);
  await grants.edit(id, { document: rest, revision, callers: [] }, owner);
  const denied = await invoke(home, "told", "set", setting);
  const [effect] = (await grants.explain(denied.callId, owner)).effects;
  assert.equal(effect?.decision, "denied");
  assert.equal(effect?.allow, "convergio plugin grants local/told --allow kv");
  assert.equal(await codeOf(grants.explain("nobody", owner)), "CALL_UNRECORDED");
});
