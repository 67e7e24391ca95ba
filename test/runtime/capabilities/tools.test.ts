import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import type { Grants } from "#manifests/grants.ts";
import { parsePluginId, parseRange, parseToolName } from "#manifests/names.ts";
import { usesNothing } from "#manifests/uses.ts";
import { createTable } from "#runtime/capabilities/table.ts";
import { type CallTool, createTools, type IsReadOnly } from "#runtime/capabilities/tools.ts";
import { ask, askerWith, portsWith } from "#test/support/asker.ts";

const terms = { per: "plugin", via: "any", expires: null, uses: null } as const;
const edge = (alias: string, plugin: string, ...tools: string[]): Grants["tools"][number] => ({
  ...terms,
  alias,
  plugin: parsePluginId(plugin),
  signer: "unsigned",
  tools: tools.map(parseToolName),
});
const edges = [edge("one", "local/a", "only"), edge("two", "local/b", "first", "second")];
const any = parseRange("*");
const uses = {
  ...usesNothing,
  tools: edges.map(({ alias, plugin, tools }) => {
    return { alias, plugin, tools, range: any, reason: "to ask" };
  }),
};
const granted = askerWith({ tools: edges }, { uses });

/** The function over calls that are only noted. */
function open(callTool?: CallTool, isReadOnly?: IsReadOnly) {
  const calls: unknown[] = [];
  const acts: string[] = [];
  const noted: CallTool = async (_, callee, input) => {
    calls.push({ ...callee, input });
    return Buffer.from('"done"');
  };
  const table = createTable(
    [createTools(callTool ?? noted, isReadOnly)],
    portsWith(({ act, target, allowed }) => {
      acts.push(`${act} ${target} ${allowed}`);
    }),
  );
  const guarded = table.functionOf("extism:host/user.tools_call");
  assert.ok(guarded);
  return { calls, acts, guarded };
}

for (const [tool, expected] of [
  ["one", { plugin: "local/a", tool: "only" }],
  ["one/only", { plugin: "local/a", tool: "only" }],
  ["two/second", { plugin: "local/b", tool: "second" }],
] as const)
  test(`tools_call of ${tool} reaches ${expected.plugin}'s ${expected.tool}`, async () => {
    const { calls, acts, guarded } = open();
    assert.equal((await ask(guarded, granted, { tool, input: [1] })).ok, "done");
    assert.deepEqual(calls, [{ ...expected, signer: "unsigned", range: any, input: [1] }]);
    assert.deepEqual(acts, [`tools_call ${tool} true`]);
  });

for (const tool of [
  "two",
  "one/other",
  "three",
  "local/a",
  "one/",
  "/only",
  "one/only/only",
  "only",
])
  test(`tools_call of ${tool} is denied: no edge leads there`, async () => {
    const { calls, acts, guarded } = open();
    assert.equal((await ask(guarded, granted, { tool })).code, "CAPABILITY_DENIED");
    assert.deepEqual(calls, []);
    assert.deepEqual(acts, [`tools_call ${tool} false`]);
  });

test("tools_call gives null where no input was given", async () => {
  const { calls, guarded } = open();
  await ask(guarded, granted, { tool: "one" });
  assert.equal((calls[0] as { input: unknown }).input, null);
});

test("tools_call tells the guest how the other call failed", async () => {
  const { guarded } = open(async () => {
    throw new HostError("PLUGIN_INACTIVE", {
      plugin: "local/a",
      state: "stopped",
      command: "start",
    });
  });
  const told = await ask(guarded, granted, { tool: "one" });
  assert.equal(told.code, "PLUGIN_INACTIVE");
});

test("nothing is called without a grant", async () => {
  const { calls, guarded } = open();
  assert.equal((await ask(guarded, askerWith(), { tool: "one" })).code, "CAPABILITY_DENIED");
  assert.deepEqual(calls, []);
});

test("an edge that the version which runs does not ask for is none", async () => {
  const { calls, guarded } = open();
  const asker = askerWith({ tools: edges }, { uses: usesNothing });
  assert.equal((await ask(guarded, asker, { tool: "one" })).code, "CAPABILITY_DENIED");
  assert.deepEqual(calls, []);
});

test("a tool that only reads calls those that say so too, and no other", async () => {
  const { calls, acts, guarded } = open(undefined, ({ tool }) => tool === "first");
  const asker = askerWith({ tools: edges }, { uses, readOnly: true });
  assert.equal((await ask(guarded, asker, { tool: "two/second" })).code, "CAPABILITY_DENIED");
  assert.deepEqual(calls, []);
  assert.equal((await ask(guarded, asker, { tool: "two/first" })).ok, "done");
  assert.deepEqual(acts, ["tools_call two/second false", "tools_call two/first true"]);
});
