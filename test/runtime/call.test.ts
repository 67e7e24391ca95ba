import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import {
  type CallAnswer,
  type CallParts,
  type CallRequest,
  call,
  type Ticket,
} from "#runtime/call.ts";
import type { Active } from "#runtime/installed.ts";
import { owner } from "#runtime/keys.ts";
import type { Outcome } from "#runtime/sandbox/runner.ts";
import type { Seat } from "#runtime/sandbox/seat.ts";

const request: CallRequest = { caller: owner, plugin: "it", tool: "go", input: { json: "1" } };
const steps = ["open", "pluginFor", "admit", "acquire", "run", "account"] as const;
type Step = (typeof steps)[number];

/** The parts of a host that only note what is asked of them; one step may fail. */
function noting(log: string[], failing?: Step): CallParts {
  const step = (name: Step): void => {
    log.push(name);
    if (name === failing) throw new HostError("CALLER_FUEL", {});
  };
  const seat = { [Symbol.dispose]: () => void log.push("release") } as Seat;
  return {
    open: (asked): Ticket => {
      step("open");
      return { callId: "1", request: asked };
    },
    pluginFor: () => {
      step("pluginFor");
      return {} as Active;
    },
    admit: () => step("admit"),
    acquire: async () => {
      step("acquire");
      return seat;
    },
    run: async (_, __, given) => {
      assert.equal(given, seat);
      step("run");
      return {} as Outcome;
    },
    account: async () => {
      step("account");
      return { callId: "1" } as CallAnswer;
    },
    refuse: async (_, error) => {
      log.push("refuse");
      return error;
    },
  };
}

test("call() takes every step in order, and gives its instance back last", async () => {
  const log: string[] = [];
  assert.deepEqual(await call(noting(log), request), { callId: "1" });
  assert.deepEqual(log, [...steps, "release"]);
});

for (const [place, failing] of steps.entries())
  if (failing !== "open")
    test(`call() goes no further when ${failing} fails, and books the refusal`, async () => {
      const log: string[] = [];
      await assert.rejects(call(noting(log, failing), request), { code: "CALLER_FUEL" });
      const hasSeat = place > steps.indexOf("acquire");
      assert.deepEqual(log, [
        ...steps.slice(0, place + 1),
        ...(hasSeat ? ["release"] : []),
        "refuse",
      ]);
    });

test("call() throws what refuse() makes of a failure", async () => {
  const parts = { ...noting([], "admit"), refuse: async () => new HostError("INTERNAL", {}) };
  await assert.rejects(call(parts, request), { code: "INTERNAL" });
});
