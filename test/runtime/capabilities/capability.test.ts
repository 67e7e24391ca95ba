import assert from "node:assert/strict";
import { test } from "node:test";
import Type from "typebox";
import { createCheck } from "#manifests/check.ts";
import { HostError } from "#manifests/errors.ts";
import { type Grants, nothingGranted } from "#manifests/grants.ts";
import { type Decision, type FunctionOf, guard } from "#runtime/capabilities/capability.ts";
import { ask, askerWith, portsWith } from "#test/support/asker.ts";

const kv: Grants["kv"] = { per: "plugin", via: "any", expires: null, uses: null, quotaBytes: 9 };
const schema = Type.Object({ key: Type.String() }, { additionalProperties: false });
const fits = createCheck(
  schema,
  ({ path, problem }) => new HostError("HOST_REQUEST_INVALID", { path, problem }),
);

/** A function that notes each of its steps; what is granted is whatever begins with "mine". */
function noting(own: Partial<FunctionOf<string>> = {}, audit?: (entry: Decision) => void) {
  const log: string[] = [];
  const one: FunctionOf<string> = {
    about: "Takes a key.",
    response: Type.String(),
    text: (target) => target,
    import: "extism:host/user.kv_take",
    capability: "kv",
    act: "kv_take",
    reads: false,
    request: schema,
    target: ({ key }: { key: string }) => key,
    grantFor: (grants, target) => {
      log.push(`check ${target}`);
      return grants.kv !== null && target.startsWith("mine") ? grants.kv : undefined;
    },
    effect: async (_, { key }: { key: string }) => {
      log.push(`effect ${key}`);
      return { value: key };
    },
    ...own,
  };
  const record = (entry: Decision) => {
    log.push(`audit ${entry.target} ${entry.allowed}`);
    audit?.(entry);
  };
  return { log, guarded: guard(one, fits, portsWith(record)) };
}

const granted = askerWith({ kv });

test("guard() checks, then audits, then lets the effect happen", async () => {
  const { log, guarded } = noting();
  assert.equal((await ask(guarded, granted, { key: "mine" })).ok, "mine");
  assert.deepEqual(log, ["check mine", "audit mine true", "effect mine"]);
});

test("guard() audits a denial, lets nothing happen, and answers with a code", async () => {
  const { log, guarded } = noting();
  const told = await ask(guarded, granted, { key: "theirs" });
  assert.equal(told.code, "CAPABILITY_DENIED");
  assert.deepEqual(log, ["check theirs", "audit theirs false"]);
  const without = noting();
  assert.equal(
    (await ask(without.guarded, askerWith(), { key: "mine" })).code,
    "CAPABILITY_DENIED",
  );
  assert.ok(!without.log.some((line) => line.startsWith("effect")));
});

test("guard() lets nothing happen that cannot be audited", async () => {
  const { log, guarded } = noting({}, () => {
    throw new HostError("AUDIT_FAILED", {});
  });
  assert.equal((await ask(guarded, granted, { key: "mine" })).code, "AUDIT_FAILED");
  assert.deepEqual(log, ["check mine", "audit mine true"]);
});

test("guard() checks and audits every further target of an effect, and stops it at the first denied", async () => {
  const { log, guarded } = noting({
    effect: async (_, { key }: { key: string }, __, check) => {
      check(`${key}/next`);
      check("theirs");
      return { value: assert.fail("it went on") };
    },
  });
  assert.equal((await ask(guarded, granted, { key: "mine" })).code, "CAPABILITY_DENIED");
  assert.deepEqual(log, [
    "check mine",
    "audit mine true",
    "check mine/next",
    "audit mine/next true",
    "check theirs",
    "audit theirs false",
  ]);
});

test("guard() reads grants anew for every question and every check within it", async () => {
  const held: { kv: Grants["kv"] } = { kv };
  const asker = askerWith({}, { grants: () => ({ ...nothingGranted, ...held }) });
  const { guarded } = noting({
    effect: async (_, __, ___, check) => {
      held.kv = null;
      check("mine too");
      return { value: 1 };
    },
  });
  assert.equal((await ask(guarded, asker, { key: "mine" })).code, "CAPABILITY_DENIED");
  assert.equal((await ask(guarded, asker, { key: "mine" })).code, "CAPABILITY_DENIED");
});

for (const [what, request, code] of [
  ["no JSON", "{", "JSON_INVALID"],
  ["nothing", "", "JSON_INVALID"],
  ["null", "null", "HOST_REQUEST_INVALID"],
  ["a number", "7", "HOST_REQUEST_INVALID"],
  ["a list", '["key"]', "HOST_REQUEST_INVALID"],
  ["a missing key", "{}", "HOST_REQUEST_INVALID"],
  ["a key of another type", '{"key":1}', "HOST_REQUEST_INVALID"],
  ["a key that it does not know", '{"key":"mine","and":1}', "HOST_REQUEST_INVALID"],
  ["a key twice", '{"key":"mine","key":"theirs"}', "JSON_INVALID"],
  ["a prototype", '{"key":"mine","__proto__":{}}', "JSON_INVALID"],
  ["depth 70", `{"key":${"[".repeat(70)}${"]".repeat(70)}}`, "JSON_INVALID"],
  ["more than 1 MiB", `{"key":"${"x".repeat(2 ** 20)}"}`, "JSON_INVALID"],
] as const)
  test(`guard() refuses ${what} before it checks or audits anything`, async () => {
    const { log, guarded } = noting();
    assert.equal((await ask(guarded, granted, request)).code, code);
    assert.deepEqual(log, []);
  });

test("guard() hands the blocks to the effect, and its member in the JSON to nobody", async () => {
  const { guarded } = noting({
    effect: async (_, __, { blocks }) => ({ value: blocks.length, blocks: [Buffer.from("back")] }),
  });
  const told = await ask(guarded, granted, { key: "mine", blocks: ["1"] }, [Buffer.of(1)]);
  assert.equal(told.ok, 1);
  assert.deepEqual(told.blocks.map(String), ["back"]);
});

test("guard() tells the guest nothing of a fault of the host", async () => {
  const { guarded } = noting({
    effect: async () => {
      throw new TypeError("/home/ada/secret is not there");
    },
  });
  const told = await ask(guarded, granted, { key: "mine" });
  assert.equal(told.code, "INTERNAL");
  assert.doesNotMatch(JSON.stringify(told), /secret/);
});

test("guard() answers null where an effect gives nothing", async () => {
  const { guarded } = noting({ effect: async () => ({ value: undefined }) });
  assert.equal((await ask(guarded, granted, { key: "mine" })).ok, null);
});
