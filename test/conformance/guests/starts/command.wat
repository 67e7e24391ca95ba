;; Starts as a program does, with tools beside its `_start`: what TinyGo compiled before it knew
;; libraries, and what Kotlin does. The tools need no start, and `_start` would end the guest.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (global $state (mut i32) (i32.const 0))

  (func (export "_start")
    (global.set $state (i32.const 1))
    (call $proc_exit (i32.const 0)))

  (func (export "state")
    (local $block i64)
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (i32.add (i32.const 48) (global.get $state)))
    (call $output_set (local.get $block) (i64.const 1))))
