import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallEvent } from "#runtime/call.ts";
import { guest } from "#test/support/guests.ts";
import { installGuest, invoke, openTestHost } from "#test/support/host.ts";

test("what a guest logs while it is initialised comes with the first call, and only with that", async () => {
  await using host = await openTestHost();
  const module = guest({
    data: "starting",
    body: `(func (export "_initialize") (call $log_info (call $block (i32.const 1024) (i32.const 8))))
      (func (export "answer") (call $ok))`,
  });
  const tools = [{ name: "answer", encoding: "text" }];
  await installGuest(host, {
    id: "early",
    module,
    manifest: { provides: { tools }, instances: "warm" },
  });
  const heard: CallEvent[] = [];
  const onEvent = (event: CallEvent) => heard.push(event);
  await invoke(host, "early", "answer", "", { onEvent });
  assert.deepEqual(heard, [{ kind: "log", level: "info", text: "starting" }]);
  await invoke(host, "early", "answer", "", { onEvent });
  assert.equal(heard.length, 1);
});
