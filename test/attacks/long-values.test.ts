/**
 * Who attacks: callers that send and plugins that answer as much as they may, all at once.
 *
 * What must not happen: that the pipe to a runner, full of long values, makes the host believe that
 * the runner hangs; that others wait until all of it has passed; that anything arrives changed.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import { echo, guest, neighbor } from "#test/support/guests.ts";
import { openSandbox } from "#test/support/sandbox.ts";

const sandbox = openSandbox();
after(() => sandbox[Symbol.dispose]());
const { call: ask } = await sandbox.load({ id: "neighbor", module: neighbor });
const answers = async () => assert.equal((await ask("answer")).value, "ok");
await answers();
const [runner] = sandbox.fleet.runners;

const memory = { memoryBytes: 256 * 1024 ** 2, outputBytes: 64 * 1024 ** 2 };
const tool = (name: string) => ({ name, export: name, encoding: "text" as const });
const { call } = await sandbox.load({
  id: "echo",
  module: echo,
  tools: [tool("echo")],
  limits: memory,
});
const { call: spin } = await sandbox.load({
  id: "spin",
  module: guest({ body: '(func (export "spin") (loop $l (br $l)))' }),
});
const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

for (const [what, bytes, count] of [
  ["sixty-four of a megabyte", 2 ** 20, 64],
  ["two of thirty", 30 * 2 ** 20, 2],
] as const)
  test(`${what} at once, both ways, arrive as they were while calls end and others answer`, async () => {
    const input = "a line of text, and another\n".repeat(bytes / 28);
    const ending = Array.from({ length: 10 }, (_, n) => spin("spin", { deadlineMs: 20 + n * 60 }));
    const long = Array.from({ length: count }, () => call("echo", { input, deadlineMs: 30_000 }));
    await answers();
    const hash = hashOf(input);
    for (const { code, value } of await Promise.all(long)) {
      assert.equal(code, "ok");
      assert.equal(hashOf(String(value)), hash);
    }
    for (const { code } of await Promise.all(ending)) assert.equal(code, "DEADLINE_EXCEEDED");
    await answers();
    assert.deepEqual(sandbox.fleet.runners, [runner]);
  });
