import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { createConsents } from "#runtime/consents.ts";
import type { Consents, PluginView } from "#runtime/host.ts";
import type { ConsentAsk, InstallRequest } from "#runtime/install.ts";
import { type Caller, owner } from "#runtime/keys.ts";
import { fakeClock } from "#test/support/clock.ts";

const ada: Caller = { ...owner, id: "k1", owner: "ada" };
const request = { caller: ada, source: { kind: "package", bytes: Buffer.of() } } as const;
const quarterMs = 15 * 60_000;

/** Consents over an install that asks for one, and notes who said yes. */
function open(id = "local/it") {
  const clock = fakeClock();
  const yes: string[] = [];
  const state = { declined: 0, steps: [] as string[] };
  const consents = createConsents(clock, async (asked: InstallRequest): Promise<PluginView> => {
    await Promise.resolve();
    asked.onStep?.("consent");
    const by = await asked.consent({ id } as ConsentAsk);
    if (by === undefined) {
      state.declined += 1;
      throw new HostError("CONSENT_DECLINED", { plugin: id });
    }
    asked.onStep?.("stage");
    yes.push(by.owner);
    return { id } as PluginView;
  });
  return { clock, consents, yes, state };
}

async function waiting(consents: Consents): Promise<string> {
  const answer = await consents.begin(request);
  assert.equal(answer.kind, "waiting");
  return answer.kind === "waiting" ? answer.consentId : "";
}

test("begin() answers with what is asked, and answer() installs in the name of who said yes", async () => {
  const { consents, yes } = open();
  const consentId = await waiting(consents);
  assert.match(consentId, /^[\w-]{24}$/);
  assert.deepEqual(yes, []);
  assert.deepEqual(await consents.answer(consentId, "local/it", owner, true), { id: "local/it" });
  assert.deepEqual(yes, ["owner"]);
});

test("answer() tells whoever answers of the steps that follow", async () => {
  const { consents } = open();
  const steps: string[] = [];
  const consentId = await waiting(consents);
  await consents.answer(consentId, "local/it", owner, true, (step) => void steps.push(step));
  assert.deepEqual(steps, ["stage"]);
});

test("answer() with no installs nothing", async () => {
  const { consents, yes, state } = open();
  const consentId = await waiting(consents);
  const refused = consents.answer(consentId, "local/it", owner, false);
  await assert.rejects(refused, { code: "CONSENT_DECLINED" });
  assert.deepEqual([yes, state.declined], [[], 1]);
});

test("a consent is good once", async () => {
  const { consents } = open();
  const consentId = await waiting(consents);
  const both = await Promise.allSettled([
    consents.answer(consentId, "local/it", owner, true),
    consents.answer(consentId, "local/it", owner, true),
  ]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ["fulfilled", "rejected"],
  );
  await assert.rejects(consents.answer(consentId, "local/it", owner, true), {
    code: "CONSENT_NOT_FOUND",
  });
});

test("a consent is good for the plugin that was shown, and none is found by a guess", async () => {
  const { consents, yes } = open();
  const consentId = await waiting(consents);
  for (const [id, plugin] of [
    [consentId, "local/other"],
    [consentId.toLowerCase(), "local/it"],
    ["", "local/it"],
    ["__proto__", "local/it"],
  ] as const)
    await assert.rejects(consents.answer(id, plugin, owner, true), { code: "CONSENT_NOT_FOUND" });
  assert.deepEqual(yes, []);
  await consents.answer(consentId, "local/it", owner, true);
});

test("a consent is good for a quarter of an hour, and its install ends with it", async () => {
  const { clock, consents, state } = open();
  const [first, second] = [await waiting(consents), await waiting(consents)];
  clock.advance(quarterMs - 1);
  await consents.answer(first, "local/it", owner, true);
  clock.advance(1);
  const late = consents.answer(second, "local/it", owner, true);
  await assert.rejects(late, { code: "CONSENT_NOT_FOUND" });
  assert.equal(state.declined, 1);
});

test("an install that nobody answers is let go without anybody asking for it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { consents, state } = open();
  await waiting(consents);
  t.mock.timers.tick(quarterMs);
  await Promise.resolve();
  assert.equal(state.declined, 1);
});

test("at most 16 installs wait or run at one time, and those that are over make room", async () => {
  const { clock, consents } = open();
  const all: string[] = [];
  for (let count = 0; count < 16; count++) all.push(await waiting(consents));
  await assert.rejects(consents.begin(request), { code: "CONSENTS_FULL", facts: { limit: 16 } });
  await consents.answer(all[0] ?? "", "local/it", owner, true);
  await waiting(consents);
  await assert.rejects(consents.begin(request), { code: "CONSENTS_FULL" });
  clock.advance(quarterMs);
  await waiting(consents);
});

test("at most 16 installs are begun at one time, also when all come at once", async () => {
  const { consents } = open();
  const all = await Promise.allSettled(Array.from({ length: 40 }, () => consents.begin(request)));
  assert.equal(all.filter(({ status }) => status === "fulfilled").length, 16);
});

test("begin() answers at once when there is nothing to ask, and passes on a failure", async () => {
  const clock = fakeClock();
  const done = createConsents(clock, async () => ({ id: "it" }) as PluginView);
  assert.deepEqual(await done.begin(request), { kind: "installed", plugin: { id: "it" } });
  const failing = createConsents(clock, async () => {
    throw new HostError("PACKAGE_INVALID", { reason: "it is empty" });
  });
  for (let count = 0; count < 20; count++)
    await assert.rejects(failing.begin(request), { code: "PACKAGE_INVALID" });
});
