/**
 * Who attacks: whoever can alter a module: every byte of it, and its length.
 *
 * What must not happen: that anything but a refusal in words, or a module that the engine finds
 * valid, comes out of it; or that it takes long.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HostError } from "#manifests/errors.ts";
import { prepare } from "#runtime/sandbox/module/prepare.ts";
import { permissive } from "#test/support/metered.ts";
import { wat } from "#test/support/wat.ts";

/** A module with every section, and every kind of instruction that the pass rewrites. */
const whole = await wat(`(module
  (type $t (func (param i32) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "m" "g" (global $given i32))
  (memory 1 4) (table $f 4 8 funcref) (table $x 1 externref) (tag $e (param i32))
  (global $count (mut i32) (i32.const 5)) (global $ref funcref (ref.func $leaf))
  (export "run" (func $run)) (export "count" (global $count)) (start $start)
  (elem (table $f) (i32.const 0) func $leaf $run) (elem $passive funcref (ref.func $leaf) (ref.null func))
  (elem declare func $start)
  (data (global.get $given) "text") (data $later "more")
  (func $start (global.set $count (i32.const 6)) (drop (ref.func $start)))
  (func $leaf (type $t) (i32.mul (local.get 0) (i32.const 3)))
  (func $run (type $t) (local $i i64)
    (local.set $i (call $alloc (i64.const 8)))
    (block $out (result i32)
      (loop $again (result i32)
        (br_if $out (local.get 0) (i32.eqz (local.get 0)))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br_if $again (local.get 0))
        (br_table $out $out (i32.const 7) (local.get 0))))
    (drop)
    (try (do (if (local.get 0) (then (throw $e (i32.const 1))) (else (return (i32.const 9)))))
      (catch $e (drop)) (catch_all (rethrow 0)))
    (loop $pure (br_if $pure (i32.load8_u (local.get 0))))
    (memory.copy (i32.const 0) (i32.const 8) (local.get 0))
    (memory.init $later (i32.const 0) (i32.const 0) (i32.const 2)) (data.drop $later)
    (table.init $f $passive (i32.const 0) (i32.const 0) (i32.const 1))
    (drop (table.grow $x (ref.null extern) (i32.const 1)))
    (drop (memory.grow (i32.const 1)))
    (drop (i32x4.extract_lane 1 (v128.load (i32.const 0))))
    (return_call_indirect $f (type $t) (i32.const 1) (i32.const 0))))`);

/** Prepares bytes; anything but success or a refusal of the guest is a fault of ours. */
function outcome(bytes: Uint8Array): string {
  try {
    const { metered } = prepare(bytes, permissive);
    return WebAssembly.validate(metered as Uint8Array<ArrayBuffer>) ? "ok" : "INVALID_OUTPUT";
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return /fault of the host/.test(error.message) ? error.message : error.code;
  }
}

const said = /^(?:ok|MODULE_INVALID|MODULE_TOO_LARGE|MODULE_FEATURE_REFUSED)$/;

test("prepare() takes the module that is altered below", () => {
  assert.equal(outcome(whole), "ok");
});

test("prepare() says something sensible about a module cut anywhere", () => {
  for (let length = 0; length < whole.length; length++)
    assert.match(outcome(whole.subarray(0, length)), said, `${length}`);
});

test("prepare() says something sensible about a module with any of its bits changed", () => {
  for (let at = 0; at < whole.length; at++)
    for (let bit = 0; bit < 8; bit++)
      assert.match(outcome(whole.with(at, (whole[at] ?? 0) ^ (1 << bit))), said, `${at}.${bit}`);
});

test("prepare() says something sensible about a module with bytes put in, taken out or replaced", () => {
  const at = fc.nat(whole.length);
  const edit = fc.record({ at, taken: fc.nat(6), put: fc.uint8Array({ maxLength: 8 }) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let bytes = [...whole];
      for (const { at, taken, put } of edits)
        bytes = [...bytes.slice(0, at), ...put, ...bytes.slice(at + taken)];
      assert.match(outcome(Uint8Array.from(bytes)), said);
    }),
    { numRuns: 1_500 },
  );
});

test("prepare() says something sensible about random bodies behind a true header", () => {
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0];
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (instructions) => {
      const body = [0, ...instructions, 0x0b];
      const code = [1, body.length, ...body];
      assert.match(outcome(Uint8Array.from([...head, 10, code.length, ...code])), said);
    }),
    { numRuns: 3_000 },
  );
});
