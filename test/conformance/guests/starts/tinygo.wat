;; Starts as what TinyGo compiles with `-buildmode=c-shared` does: `_initialize` seeds the runtime from
;; WASI, and every export traps until that has happened.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "\48\00\00\00\07\00\00\00started\0a")
  (global $state (mut i32) (i32.const 0))

  (func (export "_initialize")
    (if (global.get $state) (then unreachable))
    (if (call $random_get (i32.const 16) (i32.const 8)) (then unreachable))
    (if (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 24)) (then unreachable))
    (if (call $args_sizes_get (i32.const 32) (i32.const 36)) (then unreachable))
    (if (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 40))
      (then unreachable))
    (if (i64.eqz (i64.load (i32.const 16))) (then unreachable))
    (if (i64.eqz (i64.load (i32.const 24))) (then unreachable))
    (global.set $state (i32.const 1)))

  (func (export "malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "free") (param i32))
  (func (export "calloc") (param i32 i32) (result i32) (i32.const 1024))
  (func (export "realloc") (param i32 i32) (result i32) (i32.const 1024))
  (func (export "asyncify_start_unwind") (param i32))
  (func (export "asyncify_stop_unwind"))
  (func (export "asyncify_start_rewind") (param i32))
  (func (export "asyncify_stop_rewind"))
  (func (export "asyncify_get_state") (result i32) (i32.const 0))

  (func (export "state") (result i32)
    (local $block i64)
    (if (i32.eqz (global.get $state)) (then unreachable))
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (i32.add (i32.const 48) (global.get $state)))
    (call $output_set (local.get $block) (i64.const 1))
    (i32.const 0)))
