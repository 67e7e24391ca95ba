import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AdmissionLimits, createAdmission } from "#runtime/admission.ts";
import { type Caller, owner } from "#runtime/keys.ts";
import { fakeClock } from "#test/support/clock.ts";
import { refusalOf } from "#test/support/refusal.ts";

const [ada, bob] = ["ada", "bob"].map((id): Caller => ({ ...owner, kind: "key", id, owner: id }));
assert.ok(ada && bob);

function open(limits: Partial<AdmissionLimits> = {}) {
  const clock = fakeClock();
  const held: { limits: AdmissionLimits } = {
    limits: { runningMax: 2, fuelPerSecond: 0, ...limits },
  };
  return { clock, held, admission: createAdmission(clock, () => held.limits) };
}

test("enter() admits as many calls of one caller as may run, and never counts another's", () => {
  const { admission } = open();
  const leave = admission.enter(ada, false);
  admission.enter(ada, false);
  assert.equal(refusalOf(() => admission.enter(ada, false)).code, "CALLER_BUSY");
  admission.enter(bob, false);
  leave();
  admission.enter(ada, false);
  assert.equal(refusalOf(() => admission.enter(ada, false)).code, "CALLER_BUSY");
});

test("enter() counts nested calls, and refuses none of them for what their caller has running", () => {
  const { admission } = open();
  const nested = [1, 2, 3].map(() => admission.enter(ada, true));
  assert.equal(refusalOf(() => admission.enter(ada, false)).code, "CALLER_BUSY");
  for (const leave of nested) leave();
  admission.enter(ada, false);
});

test("enter() reads limits anew each time: they may have been reloaded", () => {
  const { admission, held } = open({ runningMax: 1 });
  admission.enter(ada, false);
  assert.equal(refusalOf(() => admission.enter(ada, false)).code, "CALLER_BUSY");
  held.limits = { runningMax: 2, fuelPerSecond: 0 };
  admission.enter(ada, false);
});

test("close() refuses new calls, and lets those that run make calls of their own", () => {
  const { admission } = open();
  assert.equal(admission.open, true);
  admission.close();
  assert.equal(admission.open, false);
  assert.equal(refusalOf(() => admission.enter(ada, false)).code, "HOST_STOPPING");
  admission.enter(ada, true);
});

test("burn() makes a caller wait until time has filled its fuel again, and nobody else", () => {
  const { admission, clock } = open({ fuelPerSecond: 1_000, runningMax: 100 });
  admission.enter(ada, false);
  admission.burn(ada, 1_500);
  assert.equal(refusalOf(() => admission.enter(ada, false)).code, "CALLER_FUEL");
  admission.enter(bob, false);
  clock.advance(500);
  assert.equal(refusalOf(() => admission.enter(ada, false)).code, "CALLER_FUEL");
  clock.advance(1);
  admission.enter(ada, false);
});

test("burn() of nobody's limit costs nothing, and fuel is saved up for a second at most", () => {
  const { admission, clock } = open({ fuelPerSecond: 1_000, runningMax: 100 });
  admission.enter(ada, false);
  clock.advance(3_600_000);
  admission.enter(ada, false);
  admission.burn(ada, 1_000);
  assert.equal(refusalOf(() => admission.enter(ada, false)).code, "CALLER_FUEL");
  const free = open({ fuelPerSecond: 0, runningMax: 100 });
  free.admission.burn(ada, 1e15);
  free.admission.enter(ada, false);
});

test("enter() does not let a caller in whose fuel is spent by coming and going", () => {
  const { admission } = open({ fuelPerSecond: 1_000 });
  const leave = admission.enter(ada, false);
  admission.burn(ada, 5_000);
  leave();
  assert.equal(refusalOf(() => admission.enter(ada, false)).code, "CALLER_FUEL");
});

test("a caller never has more calls than may run, in whatever order they come and go", () => {
  const act = fc.tuple(fc.constantFrom(ada, bob), fc.boolean());
  fc.assert(
    fc.property(
      fc.array(act, { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      (acts, runningMax) => {
        const { admission } = open({ runningMax });
        const running = new Map<Caller, (() => void)[]>([
          [ada, []],
          [bob, []],
        ]);
        for (const [caller, comes] of acts) {
          const own = running.get(caller) ?? [];
          if (!comes) own.shift()?.();
          else if (own.length < runningMax) own.push(admission.enter(caller, false));
          else assert.equal(refusalOf(() => admission.enter(caller, false)).code, "CALLER_BUSY");
        }
      },
    ),
  );
});
