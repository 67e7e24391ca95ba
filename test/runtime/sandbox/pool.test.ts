import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import type { Pool, PoolLimits } from "#runtime/sandbox/pool.ts";
import type { Runner } from "#runtime/sandbox/runner.ts";
import type { Seat } from "#runtime/sandbox/seat.ts";
import { type FakeFleet, type FakeRunner, fakePool } from "#test/support/fake-fleet.ts";

const later = async (): Promise<void> => {
  await nextTurn();
  await nextTurn();
};

async function seatOf(pool: Pool, caller = "ada"): Promise<Seat> {
  return pool.acquire(caller, undefined);
}

test("acquire() starts the runner at the first call, and is at once afterwards", async () => {
  const { pool, fleet } = fakePool("warm");
  const first = pool.acquire("ada", undefined);
  assert.ok(first instanceof Promise);
  (await first)[Symbol.dispose]();
  assert.ok(!(pool.acquire("ada", undefined) instanceof Promise));
  assert.equal(fleet.all.length, 1);
  assert.deepEqual([...(fleet.all[0]?.loaded ?? [])], [1]);
});

test("a warm instance is kept for its caller, and never given to another", async () => {
  const { pool } = fakePool("warm");
  const first = await seatOf(pool, "ada");
  first[Symbol.dispose]();
  const other = await seatOf(pool, "bob");
  assert.notEqual(other.instance, first.instance);
  assert.equal((await seatOf(pool, "ada")).instance, first.instance);
  assert.notEqual((await seatOf(pool, "ada")).instance, first.instance);
});

test("a fresh instance is never used again", async () => {
  const { pool, fleet } = fakePool("fresh");
  const first = await seatOf(pool);
  assert.equal(first.fresh, true);
  first[Symbol.dispose]();
  assert.notEqual((await seatOf(pool)).instance, first.instance);
  assert.equal(fleet.current.instances, 1);
});

test("a single instance serves everybody, one at a time", async () => {
  const { pool } = fakePool("single");
  const first = await seatOf(pool, "ada");
  const second = pool.acquire("bob", undefined);
  assert.ok(second instanceof Promise);
  await later();
  assert.deepEqual(pool.load, { live: 1, queued: 1 });
  first[Symbol.dispose]();
  const got = await second;
  assert.equal(got.instance, first.instance);
  assert.equal(pool.load.live, 1);
});

test("a single instance that is gone is replaced for who waits", async () => {
  const { pool } = fakePool("single");
  const first = await seatOf(pool, "ada");
  const second = pool.acquire("bob", undefined);
  pool.release(first, false);
  assert.notEqual((await second).instance, first.instance);
});

test("a single instance keeps its runner from idling out, until it is gone", async () => {
  const { pool, fleet } = fakePool("single");
  const seat = await seatOf(pool);
  seat[Symbol.dispose]();
  assert.equal(fleet.current.singles, 1);
  pool.sweep(0);
  assert.equal(fleet.current.singles, 1);
  pool.close();
  assert.equal(fleet.current.singles, 0);
});

test("sweep() drops warm instances that nobody has called for so long", async () => {
  const { pool, fleet } = fakePool("warm");
  const seat = await seatOf(pool);
  seat[Symbol.dispose]();
  pool.sweep(60_000);
  assert.deepEqual(fleet.current.discarded, []);
  await later();
  pool.sweep(0);
  assert.deepEqual(fleet.current.discarded, [seat.instance]);
  assert.equal(fleet.current.instances, 0);
});

test("acquire() refuses what is beyond the queue of the plugin and of the caller", async () => {
  const { pool } = fakePool("warm", { runningMax: 1, queuedMax: 4, callerQueuedMax: 2 });
  await seatOf(pool);
  const hear = (waiting: Seat | Promise<Seat>) => void Promise.resolve(waiting).catch(() => {});
  for (const caller of ["ada", "ada", "bob"]) hear(pool.acquire(caller, undefined));
  assert.throws(() => pool.acquire("ada", undefined), { code: "CALLER_QUEUE_FULL" });
  hear(pool.acquire("bob", undefined));
  assert.throws(() => pool.acquire("cem", undefined), { code: "QUEUE_FULL" });
  assert.equal(pool.load.queued, 4);
});

test("acquire() gives up after the time in the queue, and is not served later", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { pool } = fakePool("warm", { runningMax: 1, queueMs: 200 });
  await pool.warm();
  const first = await seatOf(pool);
  const second = seatOf(pool, "bob");
  t.mock.timers.tick(199);
  assert.equal(pool.load.queued, 1);
  t.mock.timers.tick(1);
  await assert.rejects(second, {
    code: "QUEUE_TIMEOUT",
    facts: { plugin: "local/it", limitMs: 200 },
  });
  first[Symbol.dispose]();
  assert.deepEqual(pool.load, { live: 0, queued: 0 });
});

test("acquire() leaves the queue when it is cancelled", async () => {
  const { pool } = fakePool("warm", { runningMax: 1 });
  await seatOf(pool);
  const cancel = new AbortController();
  const second = pool.acquire("bob", cancel.signal);
  cancel.abort();
  await assert.rejects(Promise.resolve(second), { code: "CALL_CANCELLED" });
  assert.equal(pool.load.queued, 0);
});

test("calls that wait for the host make room for others, up to the bound of all", async () => {
  const { pool } = fakePool("warm", { runningMax: 2, liveMax: 3 });
  const seats = [await seatOf(pool), await seatOf(pool)];
  const third = pool.acquire("bob", undefined);
  assert.ok(third instanceof Promise);
  pool.suspended(1);
  seats.push(await third);
  assert.equal(pool.load.live, 3);
  const fourth = seatOf(pool, "cem");
  pool.suspended(1);
  await later();
  assert.equal(pool.load.queued, 1);
  seats[0]?.[Symbol.dispose]();
  await fourth;
});

test("one caller holds at most half while another waits", async () => {
  const { pool } = fakePool("warm", { runningMax: 8 });
  const ada = await Promise.all(Array.from({ length: 8 }, () => seatOf(pool, "ada")));
  const order: string[] = [];
  const callers = [...Array(5).fill("ada"), ...Array(5).fill("bob")];
  const waiting = callers.map((caller) =>
    seatOf(pool, caller).then((seat) => {
      order.push(caller);
      return seat;
    }),
  );
  for (const seat of ada) {
    seat[Symbol.dispose]();
    await later();
  }
  assert.equal(order.filter((caller) => caller === "bob").length, 4);
  assert.equal(order.slice(0, 4).join(), "bob,bob,bob,bob");
  for (const seat of waiting) seat.then((each) => each[Symbol.dispose]());
  await Promise.all(waiting);
});

test("a full runner drops idle instances for a call, and lets it wait when all are in use", async () => {
  const { pool, fleet } = fakePool("warm", { instancesMax: 2 });
  const ada = await seatOf(pool, "ada");
  const bob = await seatOf(pool, "bob");
  const cem = pool.acquire("cem", undefined);
  assert.ok(cem instanceof Promise);
  ada[Symbol.dispose]();
  await cem;
  assert.deepEqual(fleet.current.discarded, [ada.instance]);
  assert.equal(fleet.current.instances, 2);
  bob[Symbol.dispose]();
});

test("a dead runner takes its instances along, and who waits gets the next one", async () => {
  const { pool, fleet } = fakePool("warm", { runningMax: 1 });
  const idle = await seatOf(pool);
  idle[Symbol.dispose]();
  const lost = await seatOf(pool);
  const waiting = seatOf(pool, "ada");
  const [dead] = fleet.all;
  assert.ok(dead);
  dead.ended = true;
  pool.lost(dead as unknown as Runner);
  pool.release(lost, false);
  const seat = await waiting;
  assert.notEqual(seat.instance, idle.instance);
  assert.equal(seat.runner as unknown, fleet.all[1]);
  assert.equal(fleet.all.length, 2);
});

test("no call is given to a runner whose end is decided and not yet told", async () => {
  const { pool, fleet } = fakePool("warm");
  const idle = await seatOf(pool);
  idle[Symbol.dispose]();
  const [dying] = fleet.all;
  assert.ok(dying);
  dying.ended = true;
  const seat = await seatOf(pool);
  assert.equal(seat.runner as unknown, fleet.all[1]);
  assert.notEqual(seat.instance, idle.instance);
});

test("a runner that cannot be had refuses everybody who waits", async () => {
  const { pool, fleet } = fakePool("warm");
  fleet.isFull = true;
  await assert.rejects(seatOf(pool), { code: "QUEUE_FULL" });
  fleet.isFull = false;
  fleet.refusal = new TypeError("no more processes");
  await assert.rejects(seatOf(pool), { code: "RUNNER_DIED" });
  fleet.refusal = undefined;
  await seatOf(pool);
});

test("close() lets who runs and who waits finish, then lets the module go", async () => {
  const { pool, fleet } = fakePool("warm", { runningMax: 1 });
  const first = await seatOf(pool);
  const second = seatOf(pool, "bob");
  pool.close();
  assert.throws(() => pool.acquire("cem", undefined), { code: "HOST_STOPPING" });
  first[Symbol.dispose]();
  const seat = await second;
  assert.equal(fleet.current.loaded.size, 1);
  seat[Symbol.dispose]();
  assert.equal(fleet.current.loaded.size, 0);
  assert.equal(fleet.current.instances, 0);
  assert.equal(fleet.current.discarded.length, 2);
});

test("close() of a pool that nobody uses lets the module go at once", async () => {
  const { pool, fleet } = fakePool("warm");
  await pool.warm();
  pool.close();
  assert.equal(fleet.current.loaded.size, 0);
});

test("close() while the runner starts ends the start, and leaves nothing behind", async () => {
  const { pool, fleet } = fakePool("warm");
  const starting = pool.warm();
  pool.close();
  await starting;
  await assert.rejects(pool.apart(), { code: "HOST_STOPPING" });
  assert.equal(
    fleet.all.reduce((sum, { loaded }) => sum + loaded.size, 0),
    0,
  );
});

test("apart() gives a hook an instance of its own, which goes with it", async () => {
  const { pool, fleet } = fakePool("warm");
  const seat = await pool.apart();
  assert.equal(seat.fresh, true);
  assert.deepEqual(pool.load, { live: 1, queued: 0 });
  seat[Symbol.dispose]();
  assert.deepEqual([pool.load.live, fleet.current.instances], [0, 0]);
});

/** What happens to a pool, in any order. */
const act = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("acquire" as const), fc.constantFrom(0, 1, 2)) },
  { weight: 5, arbitrary: fc.tuple(fc.constant("release" as const), fc.nat()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("lose" as const), fc.nat()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("cancel" as const), fc.nat()) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("wait" as const), fc.nat()) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("time" as const), fc.nat({ max: 150 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("die" as const), fc.boolean()) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("turn" as const), fc.constant(0)) },
);

type Act = typeof act extends fc.Arbitrary<infer One> ? One : never;

const bounds: PoolLimits = {
  runningMax: 3,
  liveMax: 6,
  instancesMax: 5,
  queuedMax: 12,
  callerQueuedMax: 6,
  queueMs: 100,
};

/** Plays acts on a pool, and checks after each what must always be true. */
class Play {
  readonly #t: TestContext;
  readonly pool: Pool;
  readonly fleet: FakeFleet;
  readonly #live = new Set<Seat>();
  readonly #waits = new Set<Seat>();
  readonly #waiting = new Map<AbortController, string>();
  readonly #users = new Map<string, string>();
  readonly #mode: "fresh" | "warm" | "single";
  granted = 0;
  refused = 0;
  asked = 0;

  constructor(t: TestContext, mode: "fresh" | "warm" | "single") {
    this.#t = t;
    this.#mode = mode;
    ({ pool: this.pool, fleet: this.fleet } = fakePool(mode, bounds));
  }

  async play([kind, value]: Act): Promise<void> {
    const seat = [...this.#live][Number(value) % Math.max(1, this.#live.size)];
    if (kind === "acquire") this.#acquire(`caller ${value}`);
    if (kind === "release" && seat) this.#release(seat, true);
    if (kind === "lose" && seat) this.#release(seat, false);
    if (kind === "wait" && seat) this.#suspend(seat);
    if (kind === "cancel") [...this.#waiting.keys()][Number(value) % this.#waiting.size]?.abort();
    if (kind === "time") this.#t.mock.timers.tick(Number(value));
    if (kind === "die") await this.#die(Boolean(value));
    if (kind === "turn") {
      await later();
      this.#checkBusy();
    }
    this.check();
  }

  /** Nobody waits while there is room. */
  #checkBusy(): void {
    const { live, queued } = this.pool.load;
    const [running, single] = [live - this.#waits.size, this.#mode === "single"];
    const isFull = live >= bounds.liveMax || running >= bounds.runningMax || (single && live > 0);
    const { instances } = this.fleet.current;
    assert.ok(queued === 0 || isFull || instances >= bounds.instancesMax);
  }

  check(): void {
    const { live, queued } = this.pool.load;
    const current = this.fleet.all.at(-1);
    assert.ok(live <= (this.#mode === "single" ? 1 : bounds.liveMax));
    assert.ok(queued <= bounds.queuedMax);
    for (const runner of this.fleet.all) {
      assert.ok(runner.instances >= 0 && runner.instances <= bounds.instancesMax);
      const own = [...this.#live].filter((seat) => (seat.runner as unknown) === runner);
      assert.ok(runner.ended || runner.instances >= own.length);
      assert.equal(new Set(own.map(({ instance }) => instance)).size, own.length);
    }
    assert.ok(
      current === undefined || current.discarded.length === new Set(current.discarded).size,
    );
  }

  /** Lets everything end: whatever was asked for was granted or refused, once. */
  async finish(): Promise<void> {
    for (let turns = 0; turns < 200 && this.granted + this.refused < this.asked; turns++) {
      await later();
      for (const seat of this.#live) this.#release(seat, true);
    }
    for (const seat of this.#live) this.#release(seat, true);
    assert.equal(this.granted + this.refused, this.asked);
    assert.deepEqual(this.pool.load, { live: 0, queued: 0 });
    this.check();
    const left = this.fleet.current;
    this.pool.close();
    // A start that was under way when the pool was closed still has to end.
    await later();
    assert.equal(left.instances, 0);
    assert.equal(left.loaded.size, 0);
  }

  #acquire(caller: string): void {
    this.asked += 1;
    const cancel = new AbortController();
    this.#waiting.set(cancel, caller);
    try {
      Promise.resolve(this.pool.acquire(caller, cancel.signal)).then(
        (seat) => {
          this.#waiting.delete(cancel);
          this.#take(seat);
        },
        () => {
          this.#waiting.delete(cancel);
          this.refused += 1;
        },
      );
    } catch {
      this.#waiting.delete(cancel);
      this.refused += 1;
    }
  }

  #take(seat: Seat): void {
    this.granted += 1;
    const place = `${this.fleet.all.indexOf(seat.runner as unknown as FakeRunner)} ${seat.instance}`;
    const user = this.#users.get(place);
    if (this.#mode === "fresh") assert.equal(user, undefined, "an instance is used once");
    if (this.#mode === "warm") assert.ok(user === undefined || user === seat.caller);
    assert.ok(![...this.#live].some((other) => other.instance === seat.instance));
    this.#users.set(place, seat.caller);
    this.#live.add(seat);
  }

  #release(seat: Seat, alive: boolean): void {
    if (this.#waits.delete(seat)) this.pool.suspended(-1);
    this.#live.delete(seat);
    this.pool.release(seat, alive && !seat.runner.ended);
  }

  #suspend(seat: Seat): void {
    if (this.#waits.delete(seat)) this.pool.suspended(-1);
    else {
      this.#waits.add(seat);
      this.pool.suspended(1);
    }
  }

  /** The end is decided first and told later, as it is with processes. */
  async #die(atOnce: boolean): Promise<void> {
    const runner = this.fleet.all.at(-1);
    if (runner === undefined || runner.ended) return;
    runner.ended = true;
    if (!atOnce) await later();
    for (const seat of this.#live)
      if ((seat.runner as unknown) === runner) this.#release(seat, false);
    this.pool.lost(runner as unknown as Runner);
  }
}

for (const mode of ["fresh", "warm", "single"] as const)
  test(`hammer: a ${mode} pool loses no seat and grants none twice, whatever happens`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const seen = { granted: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 80 }), async (acts) => {
        const play = new Play(t, mode);
        for (const each of acts) await play.play(each);
        await play.finish();
        seen.granted += play.granted;
        seen.refused += play.refused;
      }),
      { numRuns: 400 },
    );
    assert.ok(seen.granted > 100 && seen.refused > 10, JSON.stringify(seen));
  });
