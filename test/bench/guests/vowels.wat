;; Counts the vowels of its input and answers {"count":N}, as the usual Extism example does.
(module
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_u8 (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 1)

  (func $is_vowel (param $byte i32) (result i32) (local $bit i32)
    (local.set $bit (i32.sub (i32.or (local.get $byte) (i32.const 0x20)) (i32.const 97)))
    (i32.and
      (i32.lt_u (local.get $bit) (i32.const 26))
      ;; The letters a, e, i, o, u as bits.
      (i32.shr_u (i32.const 0x104111) (i32.and (local.get $bit) (i32.const 31)))))

  ;; Writes a number in decimal; gives the place behind it.
  (func $write (param $block i64) (param $at i64) (param $number i64) (result i64)
    (if (i64.ge_u (local.get $number) (i64.const 10)) (then
      (local.set $at (call $write (local.get $block) (local.get $at)
        (i64.div_u (local.get $number) (i64.const 10))))))
    (call $store_u8 (i64.add (local.get $block) (local.get $at))
      (i32.wrap_i64 (i64.add (i64.rem_u (local.get $number) (i64.const 10)) (i64.const 48))))
    (i64.add (local.get $at) (i64.const 1)))

  (func (export "count_vowels") (result i32)
    (local $length i64) (local $at i64) (local $count i64) (local $block i64)
    (local.set $length (call $input_length))
    (block $done (loop $next
      (br_if $done (i64.ge_u (local.get $at) (local.get $length)))
      (local.set $count (i64.add (local.get $count)
        (i64.extend_i32_u (call $is_vowel (call $input_u8 (local.get $at))))))
      (local.set $at (i64.add (local.get $at) (i64.const 1)))
      (br $next)))
    (local.set $block (call $alloc (i64.const 30)))
    (call $store_u64 (local.get $block) (i64.const 0x22746e756f63227b)) ;; {"count"
    (call $store_u8 (i64.add (local.get $block) (i64.const 8)) (i32.const 0x3a))
    (local.set $at (call $write (local.get $block) (i64.const 9) (local.get $count)))
    (call $store_u8 (i64.add (local.get $block) (local.get $at)) (i32.const 0x7d))
    (call $output_set (local.get $block) (i64.add (local.get $at) (i64.const 1)))
    (i32.const 0))
)
