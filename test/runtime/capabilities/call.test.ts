import assert from "node:assert/strict";
import { test } from "node:test";
import { createCallInfo } from "#runtime/capabilities/call.ts";
import { createTable } from "#runtime/capabilities/table.ts";
import { ask, askerWith, portsWith } from "#test/support/asker.ts";

function open() {
  const acts: string[] = [];
  const info = createCallInfo({
    monotonic: () => 1_000.5,
    callerOf: ({ plugin, owner }) => `${plugin} knows ${owner}`,
  });
  const ports = portsWith(({ act }) => void acts.push(act));
  const guarded = createTable([info], ports).functionOf("extism:host/user.call_info");
  assert.ok(guarded);
  return { guarded, acts };
}

test("call_info tells of the call without a grant, and leaves no record", async () => {
  const { guarded, acts } = open();
  const asker = askerWith({}, { chain: ["acme/a"], deadlineAt: 1_500, readOnly: true });
  const { ok } = await ask(guarded, asker, {});
  assert.deepEqual(ok, {
    callId: "c1",
    caller: "acme/weather knows ada",
    depth: 1,
    deadlineMs: 499,
  });
  assert.deepEqual(acts, []);
});

test("call_info of a call that is over has no time left, and takes no argument", async () => {
  const { guarded } = open();
  const { ok } = await ask(guarded, askerWith({}, { deadlineAt: 0 }), {});
  assert.equal((ok as { deadlineMs: number }).deadlineMs, 0);
  assert.equal((await ask(guarded, askerWith(), { owner: "bob" })).code, "HOST_REQUEST_INVALID");
});
