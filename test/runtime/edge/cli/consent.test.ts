/**
 * The attacker is the author of a plugin. They write its name, its reasons and its tools, and want the
 * operator to read them as words of the host.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { consentText } from "#runtime/edge/cli/consent.ts";
import type { ConsentAsk } from "#runtime/install.ts";

const ask: ConsentAsk = {
  id: "acme/weather",
  version: "1.2.0",
  digest: `sha256:${"a".repeat(64)}`,
  signer: "acme",
  source: "a package",
  asks: [],
  dropped: [],
  instances: "fresh",
  tools: ["forecast"],
  replaces: null,
  looksLike: [],
};

const shown = (changes: Partial<ConsentAsk>): string =>
  consentText({ ...ask, ...changes }, (_, text) => text);

test("consentText() quotes a reason after our words, on a line of its own", () => {
  const words = "send GET requests to api.open-meteo.com";
  const text = shown({
    asks: [{ capability: "network", words, untrustedReason: "get it", isNew: true }],
  });
  assert.match(text, /\n {2}- send GET requests to api\.open-meteo\.com\n {4}.*says: "get it"$/);
});

test("consentText() lets no reason forge a line, hide words or move the cursor", () => {
  const untrustedReason = 'ok"\n  - nothing else\u001b[1A\u001b[2K\u202eolleh\u200b';
  const text = shown({
    asks: [{ capability: "kv", words: "keep data", untrustedReason, isNew: true }],
  });
  assert.ok(!/[^\P{C}\n]/u.test(text));
  assert.equal(text.split("\n").filter((line) => line.startsWith("  - ")).length, 1);
  assert.ok(text.includes('says: "ok\\"\\u{a}  - nothing else\\u{1b}[1A'));
});

test("consentText() bounds a reason and a number of tools", () => {
  const untrustedReason = "x".repeat(1e6);
  const asks = [{ capability: "kv", words: "keep data", untrustedReason, isNew: true }];
  const tools = Array.from({ length: 1_000 }, (_, index) => `tool-${index}`);
  const text = shown({ asks, tools });
  assert.ok(text.length < 3_000);
  assert.match(text, /tool-19 and 980 more/);
});

test("consentText() quotes ids, tools and signers that no grammar allows", () => {
  const text = shown({ id: "a b\n", tools: ["x\u0007"], signer: "\u001b[31mconvergio" });
  assert.ok(!/[^\P{C}\n]/u.test(text));
  assert.match(text, /^"a b\\u\{a\}" 1\.2\.0 wants/);
});

test("consentText() warns that nobody vouches for unsigned code", () => {
  assert.match(shown({ signer: "unsigned" }), /warning: it is unsigned, from a local folder/);
  assert.doesNotMatch(shown({}), /unsigned/);
});

test("consentText() warns that single instances share their state", () => {
  assert.match(shown({ instances: "single" }), /warning: .*state is shared by all callers/);
  assert.doesNotMatch(shown({ instances: "warm" }), /warning/);
});

test("consentText() warns of each installed plugin that it could be mistaken for", () => {
  const text = shown({ looksLike: ["acme/weatber", "acme-weather"] });
  assert.match(text, /warning: .*mistaken for acme\/weatber/);
  assert.match(text, /warning: .*mistaken for acme-weather/);
});

test("consentText() says what the version would replace", () => {
  assert.match(shown({ replaces: "1.1.0" }), /replaces +version 1\.1\.0/);
  assert.match(shown({}), /replaces +nothing/);
});

test("consentText() shows the difference to the version that is installed", () => {
  const ask = (words: string, isNew: boolean) => ({
    ...{ capability: "network", untrustedReason: "to work", words, isNew },
  });
  const asks = [ask("reach a.example", false), ask("reach b.example", true)];
  const text = shown({ replaces: "1.0.0", asks, dropped: ["keep data"] });
  assert.match(text, /^ {2}- reach a\.example$/m);
  assert.match(text, /^ {2}- new: reach b\.example$/m);
  assert.match(text, /^ {2}- no longer: keep data$/m);
});

test("consentText() calls nothing new when there is nothing to compare with", () => {
  const asks = [{ capability: "kv", words: "keep data", untrustedReason: "", isNew: true }];
  assert.match(shown({ asks }), /^ {2}- keep data\n {4}its author gives no reason$/m);
});

test("consentText() says so when nothing is asked for", () => {
  assert.match(shown({}), /It asks for nothing/);
});
