import assert from "node:assert/strict";
import { test } from "node:test";
import type { SecretGrant } from "#manifests/capabilities/secrets.ts";
import { plainTerms } from "#manifests/capabilities/terms.ts";
import { parsePluginId } from "#manifests/names.ts";
import { usesNothing } from "#manifests/uses.ts";
import type { Asker } from "#runtime/capabilities/capability.ts";
import { type Hit, Leaks } from "#runtime/capabilities/leaks.ts";
import { askerWith } from "#test/support/asker.ts";
import { sourceWith } from "#test/support/call-secrets.ts";

const values = new Map([
  ["one", "tok_3f9A1c77E0b24d58"],
  ["two", "key-9d2e77C1b0A4f6"],
  ["setting", "set-55aa17Bc90e2D4"],
]);
const value = (name: string) => values.get(name) as string;
const everything = [...values.values()].join(" ");

function grantOf(secret: string, mode: SecretGrant["mode"]): SecretGrant {
  return { name: secret.toUpperCase(), secret, mode, ...plainTerms("direct") };
}

const ask = { name: "ONE", inject: { header: "x-key" }, hosts: ["a.example"], reason: "test" };

/** A call of a plugin that has these grants. */
function callOf(callId: string, grants: readonly SecretGrant[]): Asker {
  const secrets = grants.length > 0 ? [ask] : [];
  return askerWith({ secrets: [...grants] }, { callId, uses: { ...usesNothing, secrets } });
}

function open(settings: readonly string[] = []): { leaks: Leaks; hits: Hit[] } {
  const hits: Hit[] = [];
  const source = sourceWith(values);
  return {
    hits,
    leaks: new Leaks({ source, ownNamesOf: () => settings, onHit: (hit) => void hits.push(hit) }),
  };
}

const alone = () => [];
const shown = (leaks: Leaks, asker: Asker) => leaks.redactorOf(asker).text(everything);
const given = (leaks: Leaks, asker: Asker) =>
  leaks.outgoing(asker, "output")?.text(everything) ?? everything;

test("Leaks hides from a guest what is put into requests, and from others what it was shown too", () => {
  const { leaks, hits } = open(["setting"]);
  const asker = callOf("c1", [grantOf("one", "inject"), grantOf("two", "reveal")]);
  leaks.begin(asker, alone);
  assert.equal(shown(leaks, asker), `[redacted] ${value("two")} ${value("setting")}`);
  assert.equal(given(leaks, asker), "[redacted] [redacted] [redacted]");
  assert.deepEqual(
    hits.map(({ secret, place, grant }) => [secret, place, grant?.name ?? null]),
    [
      ["one", "answer", "ONE"],
      ["one", "output", "ONE"],
      ["two", "output", "TWO"],
      ["setting", "output", null],
    ],
  );
});

test("Leaks has nothing to do for a call without secrets", () => {
  const { leaks, hits } = open();
  const asker = callOf("c1", []);
  leaks.begin(asker, () => assert.fail("nobody asks whose call it is"));
  assert.equal(leaks.has("c1"), false);
  assert.equal(leaks.outgoing(asker, "output"), undefined);
  assert.equal(leaks.redactorOf(asker).isIdle, true);
  assert.equal(shown(leaks, asker), everything);
  assert.deepEqual(hits, []);
});

test("Leaks hides in calls of each other what any of them puts into requests", () => {
  const { leaks } = open();
  const [top, middle, low] = [
    callOf("top", []),
    callOf("mid", []),
    callOf("low", [grantOf("one", "inject")]),
  ];
  const before = leaks.redactorOf(top);
  leaks.begin(top, alone);
  leaks.begin(middle, () => ["top"]);
  assert.equal(before.isIdle, true);
  leaks.begin(low, () => ["mid", "top"]);
  for (const asker of [top, middle, low]) assert.doesNotMatch(shown(leaks, asker), /tok_/);
  assert.equal(before.text(value("one")), "[redacted]");
  const beside = callOf("beside", [grantOf("two", "inject")]);
  leaks.begin(beside, () => ["top"]);
  assert.doesNotMatch(shown(leaks, low), /key-9d/);
  leaks.end("low");
  assert.doesNotMatch(shown(leaks, top), /tok_/);
  assert.equal(leaks.has("low"), false);
  const stranger = callOf("other", []);
  leaks.begin(stranger, alone);
  assert.equal(shown(leaks, stranger), everything);
});

test("Leaks goes on hiding what comes after a call is over, for whoever still reads", () => {
  const { leaks } = open();
  const asker = callOf("c1", [grantOf("one", "inject")]);
  leaks.begin(asker, alone);
  const stream = leaks.redactorOf(asker).stream();
  assert.equal(Buffer.from(stream.push(Buffer.from("tok_3f9A"))).toString(), "");
  leaks.end("c1");
  const rest = [stream.push(Buffer.from("1c77E0b24d58!")), stream.end()];
  assert.equal(Buffer.concat(rest).toString(), "[redacted]!");
});

test("Leaks tells a hit once for each call and place", () => {
  const { leaks, hits } = open();
  const asker = callOf("c1", [grantOf("one", "inject")]);
  leaks.begin(asker, alone);
  for (let turn = 0; turn < 3; turn++) shown(leaks, asker);
  assert.equal(hits.length, 1);
  const next = callOf("c2", [grantOf("one", "inject")]);
  leaks.begin(next, alone);
  shown(leaks, next);
  assert.equal(hits.length, 2);
});

test("Leaks looks for a secret that was granted while the call runs, from its first use", () => {
  const { leaks } = open();
  const asker = callOf("c1", []);
  leaks.begin(asker, alone);
  leaks.add(asker, grantOf("one", "inject"));
  assert.equal(shown(leaks, asker).includes(value("one")), false);
});

test("Leaks looks for settings of a plugin outside of its calls", () => {
  const { leaks } = open(["setting"]);
  const binding = { plugin: parsePluginId("a"), source: "local", signer: "unsigned" };
  const redactor = leaks.settingsOf(binding);
  assert.equal(redactor.text(everything), `${value("one")} ${value("two")} [redacted]`);
});
