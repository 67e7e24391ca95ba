import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePluginId, parseRange, parseToolName } from "#manifests/names.ts";
import type { Calls } from "#runtime/calls.ts";
import type { Installed, Shelf } from "#runtime/installed.ts";
import { NestedCalls } from "#runtime/nested.ts";
import { askerWith } from "#test/support/asker.ts";
import { version } from "#test/support/installed.ts";

const callee = {
  plugin: parsePluginId("acme/other"),
  signer: "unsigned",
  range: parseRange("*"),
  tool: parseToolName("go"),
};

/** Nested calls over a shelf with one plugin of a signer. */
function open(signer: "unsigned" | "mallory"): NestedCalls {
  const found = version("acme/other", {
    signer: signer === "unsigned" ? { kind: signer } : { kind: "project", identity: signer },
  });
  const plugin = { activeDigest: found.digest } as Installed["plugin"];
  const shelf = { get: () => ({ plugin, versions: [found] }) } as unknown as Shelf;
  const parentOf = () => assert.fail("it was called");
  const nested = new NestedCalls();
  nested.bind({ shelf, calls: { parentOf } as unknown as Calls });
  return nested;
}

test("a plugin of the same id and another signer is not the one that was granted", async () => {
  await assert.rejects(open("mallory").call(askerWith(), callee, null), {
    code: "SIGNER_CHANGED",
    facts: { plugin: "acme/other" },
  });
});

test("a plugin of the signer that was granted is called", async () => {
  await assert.rejects(open("unsigned").call(askerWith(), callee, null), {
    message: "it was called",
  });
});

test("an edge leads to the versions that its manifest names, and to no other", async () => {
  const none = { ...callee, range: parseRange("^2") };
  await assert.rejects(open("unsigned").call(askerWith(), none, null), {
    code: "VERSION_NOT_FOUND",
  });
  const some = { ...callee, range: parseRange(">=1 <2") };
  await assert.rejects(open("unsigned").call(askerWith(), some, null), {
    message: "it was called",
  });
});

test("a tool that only reads calls no version in which the other tool may write", async () => {
  const reading = askerWith({}, { readOnly: true });
  await assert.rejects(open("unsigned").call(reading, callee, null), {
    code: "CAPABILITY_DENIED",
  });
});
