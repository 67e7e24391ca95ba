/** What the counter promises: nothing runs unpaid for long, and the end cannot be caught. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { meteredText, prepareText, startMetered } from "#test/support/metered.ts";

const trap = { name: "RuntimeError", message: "unreachable" };

/** Guests that never end by themselves, each in a way of its own, when `run` is called. */
const endless: Readonly<Record<string, string>> = {
  "an empty loop": '(func $run (export "run") (loop $l (br $l)))',
  "a loop in a loop": `(func $run (export "run")
    (loop $o (loop $i (br_if $i (i32.const 0))) (br $o)))`,
  "a loop left by a branch": `(func $run (export "run") (local $n i32)
    (loop $o (block $x (loop $i
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $x (i32.and (local.get $n) (i32.const 7)))
      (br $i))) (br $o)))`,
  "a loop that takes values": `(func $run (export "run")
    (i32.const 1) (loop $l (param i32) (result i32) (i32.add (i32.const 1)) (br $l)) (drop))`,
  "a loop with calls": `(func $f (param i32) (result i32) (local.get 0))
    (func $run (export "run") (loop $l (drop (call $f (i32.const 1))) (br $l)))`,
  "a loop over a table": `(table 1 funcref) (elem (i32.const 0) $f) (type $t (func)) (func $f)
    (func $run (export "run") (loop $l (call_indirect (type $t) (i32.const 0)) (br $l)))`,
  "a tail call to itself": '(func $run (export "run") (return_call $run))',
  "tail calls in a circle": `(func $f (return_call $g)) (func $g (return_call $run))
    (func $run (export "run") (return_call $f))`,
  "tail calls through a table": `(type $t (func)) (table 2 funcref) (elem (i32.const 0) $f $run)
    (func $f (return_call_indirect (type $t) (i32.const 1)))
    (func $run (export "run") (return_call_indirect (type $t) (i32.const 0)))`,
  "a tree of calls": `(func $f (param i32) (if (local.get 0) (then
      (call $f (i32.sub (local.get 0) (i32.const 1)))
      (call $f (i32.sub (local.get 0) (i32.const 1))))))
    (func $run (export "run") (call $f (i32.const 60)))`,
  "a tree of two that call each other": `(func $f (param i32) (if (local.get 0) (then
      (call $g (i32.sub (local.get 0) (i32.const 1)))
      (call $g (i32.sub (local.get 0) (i32.const 1))))))
    (func $g (param i32) (call $f (local.get 0)))
    (func $run (export "run") (call $f (i32.const 60)))`,
  "a tree through a table": `(type $t (func (param i32))) (table 1 funcref) (elem (i32.const 0) $f)
    (func $f (param i32) (if (local.get 0) (then
      (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
      (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))
    (func $run (export "run") (call $f (i32.const 60)))`,
  "a loop that throws and catches": `(tag $e)
    (func $run (export "run") (loop $l (try (do (throw $e)) (catch_all)) (br $l)))`,
  "a loop that catches the end": `
    (func $run (export "run") (loop $l (try (do (loop $i (br $i))) (catch_all (br $l)))))`,
  "a callee that throws": `(tag $e) (func $f (param i32) (throw $e))
    (func $run (export "run") (loop $l (try (do (call $f (i32.const 1))) (catch $e)) (br $l)))`,
  "a branch to the loop from a handler": `(tag $e)
    (func $run (export "run") (loop $l (try (do (throw $e)) (catch_all (br $l)))))`,
  "memory filled without end": `(memory 1024)
    (func $run (export "run") (loop $l
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 67108864)) (br $l)))`,
  "a little memory filled without end": `(memory 1)
    (func $run (export "run") (loop $l
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 99)) (br $l)))`,
  "tables filled without end": `(table 100000 externref)
    (func $run (export "run") (loop $l
      (table.fill (i32.const 0) (ref.null extern) (i32.const 100000)) (br $l)))`,
  "growth without success": `(memory 1 2)
    (func $run (export "run") (loop $l (drop (memory.grow (i32.const 9))) (br $l)))`,
};

for (const [what, text] of Object.entries(endless))
  test(`a metered guest ends by a trap when its fuel is spent: ${what}`, async () => {
    const fuelling = { slice: 50_000, budget: 3_000_000 };
    const { call, spent, charges, yields } = await meteredText(`(module ${text})`, fuelling);
    assert.throws(() => call("run"), trap);
    // Less than a slice was not handed out, and a loop that is ended keeps what it had of the last.
    assert.ok(spent() > fuelling.budget - 2 * fuelling.slice, `${spent()}`);
    assert.equal(charges(), 0);
    assert.ok(yields() > 5);
    const prepared = await prepareText(`(module ${text} (start $run))`);
    assert.equal(prepared.hasStart, true);
    assert.throws(() => startMetered(prepared, fuelling), trap);
  });

test("a start section asks for fuel by the import that may not suspend", async () => {
  const { charges, yields } = await meteredText(
    `(module (func $start (local i32) (local.set 0 (i32.const 1000))
      (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))) (start $start))`,
    { slice: 500 },
  );
  assert.ok(charges() > 5);
  assert.equal(yields(), 0);
});

test("a guest cannot catch the end, and an instance that was ended answers the same again", async () => {
  const { call } = await meteredText(
    `(module (tag $e)
      (func $spin (loop $l (br $l)))
      (func (export "run") (result i32)
        (try (result i32) (do (call $spin) (i32.const 1)) (catch_all (i32.const 2)))))`,
    { slice: 1_000, budget: 10_000 },
  );
  assert.throws(() => call("run"), trap);
  assert.throws(() => call("run"), trap);
});

const counting = `(module
  (import "host" "look" (func $look))
  (func $leaf (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func $work (param $n i32) (result i32) (local $sum i32)
    (loop $l
      (if (i32.and (local.get $n) (i32.const 1))
        (then (local.set $sum (i32.add (local.get $sum) (call $leaf (local.get $n))))))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "run") (param i32) (result i32)
    (call $look) (call $work (local.get 0)) (call $look)))`;

const sums = `(local $i i32) (local $j i32) (local $sum i32)
  (local.set $i (local.get 0))
  (loop $outer
    (local.set $j (i32.const 3))
    (loop $inner
      (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $i) (local.get $j))))
      (br_if $inner (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
    (br_if $outer (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))`;

/** The same sum, where the counter is global, a local of the function, or a copy in a nest. */
const summing: Readonly<Record<string, string>> = {
  "with calls": counting,
  "in a leaf": `(module (func (export "run") (param i32) (result i32) ${sums} (local.get $sum)))`,
  "in a nest": `(module (func $f) (table 1 funcref) (elem (i32.const 0) $f) (type $t (func))
    (func (export "run") (param i32) (result i32) ${sums}
      (call_indirect (type $t) (i32.const 0)) (local.get $sum)))`,
  "in a loop that takes values": `(module (func (export "run") (param i32) (result i32)
    (i32.const 0) (loop $l (param i32) (result i32)
      (i32.add (i32.mul (local.get 0) (i32.const 6)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`,
};

for (const [where, text] of Object.entries(summing))
  test(`fuel is the same however it is handed out: loops ${where}`, async () => {
    const burnt: number[] = [];
    for (const slice of [1, 7, 100, 5_000, 1_000_000]) {
      const imports = { host: { look: () => undefined } };
      const { call, spent } = await meteredText(text, { slice, imports });
      assert.equal(call("run", 1_000), where === "with calls" ? 750_000 : 3_003_000);
      burnt.push(spent());
    }
    assert.equal(new Set(burnt).size, 1, burnt.join(" "));
  });

test("fuel grows with the work: twice the rounds, twice the units", async () => {
  const { call, spent } = await meteredText(counting, {
    imports: { host: { look: () => undefined } },
  });
  const burnt = (rounds: number) => {
    const before = spent();
    call("run", rounds);
    return spent() - before;
  };
  const [once, twice] = [burnt(10_000), burnt(20_000)];
  assert.ok(Math.abs(twice - 2 * once) < 100, `${once} ${twice}`);
  // Each round executes 12 to 20 instructions.
  assert.ok(once > 100_000 && once < 400_000, `${once}`);
});

test("an import sees the true counter and may charge for what it does", async () => {
  const seen: number[] = [];
  const instance: { fuel?: WebAssembly.Global<"i32"> } = {};
  const look = () => {
    if (!instance.fuel) return;
    seen.push(instance.fuel.value);
    instance.fuel.value -= 1_000;
  };
  const metered = await meteredText(counting, { imports: { host: { look } } });
  instance.fuel = metered.fuel;
  metered.fuel.value = 500_000;
  metered.call("run", 100);
  const [before = 0, after = 0] = seen;
  const work = before - 1_000 - after;
  assert.ok(work > 1_000 && work < 4_000, `${work}`);
  assert.ok(metered.fuel.value <= after - 1_000 && metered.fuel.value > after - 1_100);
});

test("a leaf is paid by its callers, through a table too", async () => {
  const { call, fuel } = await meteredText(`(module
    (type $t (func (param i32) (result i32))) (table 1 funcref) (elem (i32.const 0) $leaf)
    (func $leaf (type $t) ${"(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(14)}
      (local.get 0))
    (func (export "none") (param $n i32)
      (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "direct") (param $n i32)
      (loop $l (drop (call $leaf (local.get $n)))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "indirect") (param $n i32)
      (loop $l (drop (call_indirect (type $t) (local.get $n) (i32.const 0)))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))`);
  const perRound = (name: string) => {
    fuel.value = 1_000_000;
    call(name, 1_000);
    return (1_000_000 - fuel.value) / 1_000;
  };
  const none = perRound("none");
  assert.ok(perRound("direct") - none >= 57);
  assert.ok(perRound("indirect") - none >= 57);
});

test("straight code with calls asks for fuel on its way", async () => {
  const { call, yields } = await meteredText(
    `(module (import "host" "look" (func $look))
      (func (export "run") ${"(call $look)".repeat(3_000)}))`,
    { slice: 1_000, imports: { host: { look: () => undefined } } },
  );
  call("run");
  assert.ok(yields() >= 10, `${yields()}`);
});

test("an exception that leaves a function takes no fuel with it", async () => {
  const { call, fuel } = await meteredText(`(module (tag $e)
    (func $throws (param $n i32)
      (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (throw $e))
    (func (export "run") (param $n i32)
      (try (do (call $throws (local.get $n))) (catch_all))))`);
  const burnt = (rounds: number) => {
    fuel.value = 10_000_000;
    call("run", rounds);
    return 10_000_000 - fuel.value;
  };
  assert.ok(burnt(100_000) - burnt(1) >= 99_999 * 4);
});

test("the host is asked before memory grows, in pages, and its no is a failed growth", async () => {
  const asked: number[] = [];
  const grow = (pages: number) => {
    asked.push(pages);
    return pages > 3 ? 0 : 1;
  };
  const { call } = await meteredText(
    `(module (memory 1 100) (table $t 0 100000 externref)
      (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "table") (param i32) (result i32)
        (table.grow $t (ref.null extern) (local.get 0)))
      (func (export "sizes") (result i32 i32) (memory.size) (table.size $t)))`,
    { grow },
  );
  assert.equal(call("memory", 2), 1);
  assert.equal(call("memory", 4), -1);
  assert.equal(call("memory", 0), 3);
  assert.equal(call("memory", 98), -1, "above the maximum");
  assert.equal(call("memory", -1), -1);
  assert.equal(call("table", 9_000), 0);
  assert.equal(call("table", 20_000), 9_000);
  assert.equal(call("table", 40_000), -1);
  assert.equal(call("table", 0), 29_000);
  assert.equal(call("table", 80_000), -1, "above the maximum");
  assert.deepEqual(call("sizes"), [3, 29_000]);
  assert.deepEqual(asked, [2, 4, 2, 3, 5]);
});

test("memory and tables are charged by length, before they are written", async () => {
  const { call, fuel, memory } = await meteredText(
    `(module (memory (export "memory") 64)
      (func (export "fill") (param i32)
        (memory.fill (i32.const 0) (i32.const 1) (local.get 0))))`,
    { slice: 50_000, budget: 200_000 },
  );
  fuel.value = 10_000_000;
  call("fill", 4 * 1024 * 1024);
  const burnt = 10_000_000 - fuel.value;
  assert.ok(burnt >= 524_288 && burnt < 530_000, `${burnt}`);
  memory().fill(0);
  fuel.value = 0;
  assert.throws(() => call("fill", 4 * 1024 * 1024), trap);
  const written = memory().indexOf(0);
  assert.ok(written > 0 && written <= 200_000 * 8, `${written}`);
  assert.equal(written % (128 * 1024), 0);
});
