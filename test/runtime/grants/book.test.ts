import assert from "node:assert/strict";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import type { BoundGrants, Grants } from "#manifests/grants.ts";
import { nothingGranted, parseGrants } from "#manifests/grants.ts";
import { GrantBook } from "#runtime/grants/book.ts";
import type { Installed } from "#runtime/installed.ts";
import type { GrantBooks, GrantUse } from "#runtime/store/grants.ts";
import { bindingOf } from "#runtime/store/records.ts";
import { fakeClock } from "#test/support/clock.ts";
import { digest, version } from "#test/support/installed.ts";

const id = version("acme/weather").plugin;
const first = version(id, { digest: digest("1") });
const active = version(id, { digest: digest("2") });
const direct = { chain: [], readOnly: false };
const start = Date.UTC(2027, 0, 1);
const hour = 3_600_000;

/** Books on a disk of memory: what a restart would find. */
function disk() {
  const state = { used: new Map<string, GrantUse>(), highWater: 0 };
  const books: GrantBooks = {
    load: () => ({
      used: [...state.used.values()],
      highWater: state.highWater,
      callerKey: new Uint8Array(32),
    }),
    setUsed: (use) => void state.used.set(use.grant, use),
    setHighWater: (at) => {
      state.highWater = at;
    },
    keepOnly: (plugin, uses) => {
      for (const [key, use] of state.used) if (use.plugin === plugin) state.used.delete(key);
      for (const use of uses) state.used.set(use.grant, use);
    },
    committed: async () => {},
  };
  return { state, books };
}

function given(grants: object, own: Partial<BoundGrants> = {}): Installed {
  const bound: BoundGrants = {
    ...bindingOf(active),
    grants: parseGrants({ grants: 1, ...grants }),
    digest: active.digest,
    grantedAt: "2027-01-01T00:00:00Z",
    grantedBy: "owner",
    ...own,
  };
  const plugin = {
    id,
    state: "enabled",
    reason: null,
    activeDigest: active.digest,
    previousDigest: null,
    createdAt: 0,
    updatedAt: 0,
  } as const;
  return { plugin, versions: [first, active], grants: bound, config: {}, loaded: new Map() };
}

function open(clock = fakeClock(start), books = disk().books) {
  return { clock, book: new GrantBook(clock, books) };
}

const kv = { quota: "1MiB" };

test("holdings() are for the digest, signer and source that was consented to, and for no other", () => {
  const { book } = open();
  const holds = (installed: Installed, of = active): Grants =>
    book.holdings(installed, of)(direct)();
  assert.notEqual(holds(given({ kv })).kv, null);
  assert.equal(holds(given({ kv }), first), nothingGranted);
  assert.equal(holds(given({ kv }, { signer: "mallory" })), nothingGranted);
  assert.equal(holds(given({ kv }, { source: "elsewhere" })), nothingGranted);
  assert.equal(holds({ ...given({ kv }), grants: null }), nothingGranted);
});

test("holdings() give the same object while nothing changed, and see a change at once", () => {
  const { book } = open();
  const installed = given({ kv });
  const held = book.holdings(installed, active)(direct);
  const before = held();
  assert.equal(held(), before);
  installed.grants = given({}).grants;
  assert.equal(held().kv, null);
  installed.grants = null;
  assert.equal(held(), nothingGranted);
});

test("a grant ends at its time, in a call that runs too", () => {
  const { book, clock } = open();
  const until = new Date(start + hour).toISOString();
  const held = book.holdings(given({ kv: { ...kv, expires: until } }), active)(direct);
  assert.notEqual(held().kv, null);
  clock.advance(hour - 1);
  assert.notEqual(held().kv, null);
  clock.advance(1);
  assert.equal(held().kv, null);
});

test("a clock that is set back revives no grant, and lengthens none; nor does a restart", () => {
  const { state, books } = disk();
  const { book, clock } = open(fakeClock(start), books);
  const installed = given({ kv: { ...kv, expires: new Date(start + hour).toISOString() } });
  const held = book.holdings(installed, active)(direct);
  clock.set(start - 10 * hour);
  clock.advance(hour - 1);
  assert.notEqual(held().kv, null);
  clock.advance(1);
  assert.equal(held().kv, null);
  clock.set(start - 10 * hour);
  assert.equal(held().kv, null);
  assert.equal(state.highWater, start + hour);
  const later = new GrantBook(fakeClock(start - 10 * hour), books);
  assert.equal(later.holdings(installed, active)(direct)().kv, null);
});

test("keep() writes how late it is now and then, and not at every turn", () => {
  const { state, books } = disk();
  const { book, clock } = open(fakeClock(start), books);
  book.keep();
  assert.equal(state.highWater, start);
  clock.advance(1_000);
  book.keep();
  assert.equal(state.highWater, start);
  clock.advance(60_000);
  book.keep();
  assert.equal(state.highWater, start + 61_000);
});

test("a grant of some uses is void after them, and a restart counts on", async () => {
  const { books } = disk();
  const { book } = open(fakeClock(start), books);
  const installed = given({ kv: { ...kv, uses: 3 } });
  const use = (of: GrantBook) => {
    const grant = of.holdings(installed, active)(direct)().kv;
    assert.ok(grant);
    return of.uses.use(id, "kv", grant);
  };
  await use(book);
  await use(book);
  const again = new GrantBook(fakeClock(start), books);
  await use(again);
  assert.equal(again.holdings(installed, active)(direct)().kv, null);
  assert.equal(new GrantBook(fakeClock(start), books).held(installed, active).kv, null);
});

test("many that ask at once never have more uses than there are", async () => {
  const { book } = open();
  const grant = book.held(given({ kv: { ...kv, uses: 7 } }), active).kv;
  assert.ok(grant);
  const asked = Array.from({ length: 100 }, async () => book.uses.use(id, "kv", grant));
  const told = await Promise.allSettled(asked);
  assert.equal(told.filter(({ status }) => status === "fulfilled").length, 7);
});

test("a narrower copy of a grant counts as that grant", async () => {
  const { book } = open();
  const network = [
    { scheme: "https", host: "a.example", port: 443, methods: ["GET"], path: "/", uses: 2 },
  ];
  const calls = book.holdings(given({ network }), active);
  for (const readOnly of [true, false]) {
    const [grant] = calls({ chain: [], readOnly })().network;
    assert.ok(grant);
    await book.uses.use(id, "network", grant);
  }
  for (const readOnly of [true, false])
    assert.deepEqual(calls({ chain: [], readOnly })().network, []);
});

test("an edit carries on what was used, by the grant that takes the place of another", async () => {
  const { books } = disk();
  const { book } = open(fakeClock(start), books);
  const before = given({ kv: { ...kv, uses: 5 } });
  const old = book.held(before, active).kv;
  assert.ok(old && before.grants);
  await book.uses.use(id, "kv", old);
  const after = given({ kv: { quota: "1KiB", uses: 5 } }, { grantedAt: "2027-02-01T00:00:00Z" });
  const grant = after.grants?.grants.kv;
  assert.ok(grant && after.grants);
  await book.uses.succeed(after.grants, [{ capability: "kv", grant, from: old }]);
  // Calls that began before go on with the old one until the edit is written.
  await book.uses.use(id, "kv", old);
  book.uses.settle(after.grants, [{ capability: "kv", grant }]);
  await book.uses.use(id, "kv", grant);
  const again = new GrantBook(fakeClock(start), books);
  assert.equal(again.uses.used("kv", after.grants.grants.kv ?? grant, after.grants), 3);
  assert.equal(again.uses.used("kv", { ...old }, before.grants), 0);
});

test("counts go over to the next grants in memory although nothing can be written any more", async () => {
  const { books } = disk();
  const broken = { is: false };
  const failing: GrantBooks = {
    ...books,
    setUsed: (use) => {
      if (broken.is) throw new HostError("STORAGE_FULL", {});
      books.setUsed(use);
    },
  };
  const { book } = open(fakeClock(start), failing);
  const before = given({ kv: { ...kv, uses: 2 } });
  const old = book.held(before, active).kv;
  const after = given({ kv: { quota: "1KiB", uses: 2 } }, { grantedAt: "2027-02-01T00:00:00Z" });
  const grant = after.grants?.grants.kv;
  assert.ok(old && grant && after.grants);
  await book.uses.use(id, "kv", old);
  broken.is = true;
  const successors = [{ capability: "kv", grant, from: old }];
  await assert.rejects(book.uses.succeed(after.grants, successors), { code: "STORAGE_FULL" });
  assert.equal(book.uses.used("kv", grant, after.grants), 1);
  assert.throws(() => book.uses.use(id, "kv", grant), { code: "STORAGE_FULL" });
  assert.equal(book.held(after, active).kv, null, "what cannot be written down is spent");
});

test("callerOf() is the same for one plugin and owner, and tells nothing across plugins", () => {
  const { book } = open();
  const [one, two] = [bindingOf(active), bindingOf(version("acme/other"))];
  assert.equal(book.callerOf(one, "ada"), book.callerOf(one, "ada"));
  const names = [
    book.callerOf(one, "ada"),
    book.callerOf(one, "bob"),
    book.callerOf(two, "ada"),
    book.callerOf({ ...one, signer: "mallory" }, "ada"),
    book.callerOf({ ...one, source: "x" }, "ada"),
  ];
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.every((name) => /^[\w-]{22}$/.test(name)));
});
