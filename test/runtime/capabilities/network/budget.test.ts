import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import { Budgets, type SpentStore } from "#runtime/capabilities/network/budget.ts";
import type { NetworkLimits } from "#runtime/capabilities/network/limits.ts";
import { fakeClock } from "#test/support/clock.ts";
import { farServer } from "#test/support/far-server.ts";
import { temporaryFolder } from "#test/support/home.ts";
import {
  memorySpent,
  networkGrantOf,
  openTestNetwork,
  sendingAsker,
} from "#test/support/network.ts";
import { refusalOf } from "#test/support/refusal.ts";
import { storeIn } from "#test/support/store.ts";

const free = { requests: 0, bytes: 0, ms: 0 };
const day = 86_400_000;

function budgets(
  own: Partial<Pick<NetworkLimits, "perCall" | "perDay" | "perOwnerDay">> = {},
  store: SpentStore = memorySpent(),
) {
  const clock = fakeClock();
  const limits = () => ({ perCall: free, perDay: free, perOwnerDay: free, ...own });
  return { clock, store, of: new Budgets({ store, now: () => clock.now(), limits }) };
}

const exhausted = (act: () => unknown): string => refusalOf(act).message;

test("begin() counts the requests of a call, and another call has its own", () => {
  const { of } = budgets();
  const grant = networkGrantOf({ port: 1, perCall: { requests: 2 } });
  const asker = sendingAsker([grant]);
  of.begin(asker, grant);
  of.begin(asker, grant);
  assert.match(
    exhausted(() => of.begin(asker, grant)),
    /requests of this call/,
  );
  of.begin(sendingAsker([grant], { callId: "c2" }), grant);
});

test("what a call makes others do counts for itself, and each grant's own bound for its plugin", () => {
  const { of } = budgets({ perCall: { ...free, requests: 3 } });
  const grant = networkGrantOf({ port: 1, perCall: { requests: 2 } });
  const outermost = {};
  const begin = (plugin: string) =>
    of.begin(sendingAsker([grant], { outermost, callId: plugin, plugin: plugin as never }), grant);
  begin("acme/one");
  begin("acme/one");
  assert.match(
    exhausted(() => begin("acme/one")),
    /requests of this call/,
  );
  begin("acme/two");
  assert.match(
    exhausted(() => begin("acme/two")),
    /requests of this call/,
  );
  of.begin(sendingAsker([grant]), grant);
});

test("the host's own bounds hold for all grants together", () => {
  const { of } = budgets({ perCall: { ...free, requests: 2 } });
  const [one, two] = [networkGrantOf({ port: 1 }), networkGrantOf({ port: 2 })];
  const asker = sendingAsker([one, two]);
  of.begin(asker, one);
  of.begin(asker, two);
  assert.match(
    exhausted(() => of.begin(asker, one)),
    /requests of this call/,
  );
});

test("a day ends at midnight in UTC, whatever the grant has spent", () => {
  const { of, clock } = budgets();
  const grant = networkGrantOf({ port: 1, perDay: { requests: 1 } });
  const begin = (callId: string) => of.begin(sendingAsker([grant], { callId }), grant);
  clock.set(10 * day - 1);
  begin("a");
  assert.match(
    exhausted(() => begin("b")),
    /requests of this day/,
  );
  clock.set(10 * day);
  begin("c");
  assert.match(
    exhausted(() => begin("d")),
    /requests of this day/,
  );
  clock.set(10 * day - 1);
  assert.match(
    exhausted(() => begin("e")),
    /requests of this day/,
  );
});

test("addBytes() says when the bytes are spent, and nothing begins after that", () => {
  const { of } = budgets();
  const grant = networkGrantOf({ port: 1, perDay: { bytes: "1KiB" } });
  const meter = of.begin(sendingAsker([grant]), grant);
  meter.addBytes(1_024);
  assert.match(
    exhausted(() => meter.addBytes(1)),
    /bytes of this day/,
  );
  assert.match(
    exhausted(() => of.begin(sendingAsker([grant], { callId: "c2" }), grant)),
    /bytes of this day/,
  );
});

test("msLeft is the least that any budget leaves", () => {
  const { of } = budgets({ perDay: { ...free, ms: 10_000 } });
  const grant = networkGrantOf({ port: 1, perCall: { time: "3s" } });
  const meter = of.begin(sendingAsker([grant]), grant);
  assert.equal(meter.msLeft.ms, 3_000);
  meter.addMs(2_500);
  assert.equal(meter.msLeft.ms, 500);
  const second = of.begin(sendingAsker([grant], { callId: "c2" }), grant);
  second.addMs(0);
  assert.equal(second.msLeft.ms, 3_000);
  second.addMs(7_400);
  assert.equal(second.msLeft.ms, -4_400);
  assert.match(second.msLeft.exhausted().message, /waiting time of this call/);
});

test("owners of keys have budgets of their own where the grant keeps them apart", () => {
  const { of } = budgets();
  const begin = (per: "caller" | "plugin", owner: string) => {
    const grant = networkGrantOf({ port: 1, per, perDay: { requests: 1 } });
    return of.begin(sendingAsker([grant], { owner, callId: owner + per }), grant);
  };
  begin("caller", "ada");
  begin("caller", "bob");
  assert.match(
    exhausted(() => begin("caller", "ada")),
    /day/,
  );
  begin("plugin", "ada");
  assert.match(
    exhausted(() => begin("plugin", "bob")),
    /day/,
  );
});

test("an owner of keys has a bound over all plugins", () => {
  const { of } = budgets({ perOwnerDay: { ...free, bytes: 100 } });
  const grant = networkGrantOf({ port: 1 });
  const begin = (owner: string, signer: string) => {
    const binding = { ...sendingAsker([]).binding, signer };
    return of.begin(sendingAsker([grant], { owner, binding }), grant);
  };
  begin("ada", "one").addBytes(60);
  assert.match(
    exhausted(() => begin("ada", "two").addBytes(60)),
    /bytes of this day/,
  );
  begin("bob", "one").addBytes(60);
});

test("books that cannot be written refuse what begins, and not what ends", () => {
  const full = new HostError("STORAGE_FULL", {});
  const state = { isFull: false };
  const store: SpentStore = {
    ...memorySpent(),
    add: () => {
      if (state.isFull) throw full;
    },
  };
  const { of } = budgets({}, store);
  const grant = networkGrantOf({ port: 1 });
  const meter = of.begin(sendingAsker([grant]), grant);
  state.isFull = true;
  meter.addBytes(2_000_000);
  meter.close();
  assert.throws(() => of.begin(sendingAsker([grant]), grant), { code: "STORAGE_FULL" });
});

test("what a day has cost outlives the host, but for what a crash may forget", async () => {
  await using folder = await temporaryFolder();
  const clock = fakeClock();
  const grant = networkGrantOf({ port: 1, perDay: { requests: 3, bytes: "4MiB" } });
  {
    await using store = await storeIn(folder.path, clock);
    const { of } = budgets({}, store.networkSpent);
    const meter = of.begin(sendingAsker([grant]), grant);
    meter.addBytes(2 * 1024 * 1024);
    meter.addBytes(1_000); // On its way when the host crashes: not written yet.
    await store.hot.flushed();
  }
  {
    await using store = await storeIn(folder.path, clock);
    const { of } = budgets({}, store.networkSpent);
    const meter = of.begin(sendingAsker([grant]), grant);
    meter.addBytes(2 * 1024 * 1024);
    assert.match(
      exhausted(() => meter.addBytes(1)),
      /bytes of this day/,
    );
    meter.close();
  }
  await using store = await storeIn(folder.path, clock);
  const key = { ...sendingAsker([]).binding, owner: "", scope: "" };
  const spent = store.networkSpent.read(key, Math.floor(clock.now() / day));
  assert.deepEqual([spent.requests, spent.bytes], [2, 4 * 1024 * 1024 + 1]);
});

test("days that are long gone are deleted", async () => {
  await using folder = await temporaryFolder();
  await using store = await storeIn(folder.path, fakeClock());
  const key = { ...sendingAsker([]).binding, owner: "", scope: "a" };
  const spent = { requests: 1, bytes: 2, ms: 3 };
  store.networkSpent.add(key, 10, spent);
  store.networkSpent.add(key, 40, spent);
  await store.hot.flushed();
  assert.equal(store.networkSpent.read(key, 10).requests, 1);
  store.networkSpent.add(key, 60, spent);
  await store.hot.flushed();
  assert.equal(store.networkSpent.read(key, 10).requests, 0);
  assert.equal(store.networkSpent.read(key, 40).requests, 1);
});

for (const [what, perCall, words] of [
  ["requests", { requests: 1 }, /requests/],
  ["bytes", { bytes: "10KiB" }, /bytes/],
  ["time", { time: "100ms" }, /waiting time/],
] as const)
  test(`a guest is told that the ${what} of its call are spent`, async () => {
    await using far = await farServer((_, response) => {
      if (what === "time") setTimeout(() => response.end("late"), 1_000);
      else response.end("x".repeat(9_000));
    });
    await using net = openTestNetwork();
    const asker = sendingAsker([networkGrantOf({ port: far.port, perCall })]);
    const request = { url: `${far.origin}/` };
    const first = await net.ask("http_request", request, asker);
    const second = await net.ask("http_request", request, asker);
    assert.equal(first.code, what === "time" ? "NETWORK_BUDGET_EXHAUSTED" : undefined);
    assert.equal(second.code, "NETWORK_BUDGET_EXHAUSTED");
    assert.match(second.message ?? "", words);
  });
