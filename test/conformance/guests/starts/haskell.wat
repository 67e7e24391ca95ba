;; Starts as what GHC compiles does: `_initialize` of the C library, then `hs_init` of its own runtime
;; with a count and a list of arguments, of which there are none.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 1)
  (global $state (mut i32) (i32.const 0))

  (func (export "_initialize")
    (if (i32.ne (global.get $state) (i32.const 0)) (then unreachable))
    (global.set $state (i32.const 1)))

  (func (export "hs_init") (param $count i32) (param $list i32)
    (if (i32.ne (global.get $state) (i32.const 1)) (then unreachable))
    (if (i32.or (local.get $count) (local.get $list)) (then unreachable))
    (global.set $state (i32.const 2)))

  (func (export "hs_exit"))
  (func (export "hs_free_fun_ptr") (param i32))

  (func (export "state") (result i32)
    (local $block i64)
    (local.set $block (call $alloc (i64.const 1)))
    (call $store_u8 (local.get $block) (i32.add (i32.const 48) (global.get $state)))
    (call $output_set (local.get $block) (i64.const 1))
    (i32.const 0)))
