import { wat } from "./wat.ts";

/** Returns a module with the tools `hello`, which answers "hi", and `spin`, which never does. */
export function helloModule(): Promise<Uint8Array> {
  return wat(`(module
    (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
    (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
    (import "extism:host/env" "output_set" (func $output (param i64 i64)))
    (func (export "hello") (result i32)
      (local $at i64)
      (local.set $at (call $alloc (i64.const 2)))
      (call $store (local.get $at) (i32.const 104))
      (call $store (i64.add (local.get $at) (i64.const 1)) (i32.const 105))
      (call $output (local.get $at) (i64.const 2))
      (i32.const 0))
    (func (export "spin") (result i32) (loop $again (br $again)) (i32.const 0)))`);
}
