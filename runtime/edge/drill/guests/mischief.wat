;; A plugin that asks for nothing and takes what it can: time, memory, logs, output.
(module
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "log_info" (func $log_info (param i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (memory (export "memory") 16)
  (table 1 funcref)
  (data (i32.const 0) "escaped")
  (data (i32.const 16) "held")

  (func $say (param $at i32) (param $length i32)
    (call $output_set (call $block (local.get $at) (local.get $length))
      (i64.extend_i32_u (local.get $length))))
  (func $block (param $at i32) (param $length i32) (result i64)
    (local $block i64) (local $index i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $length))))
    (loop $next (if (i32.lt_u (local.get $index) (local.get $length)) (then
      (call $store_u8
        (i64.add (local.get $block) (i64.extend_i32_u (local.get $index)))
        (i32.load8_u (i32.add (local.get $at) (local.get $index))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next))))
    (local.get $block))
  (func $escaped (call $say (i32.const 0) (i32.const 7)))
  (func $held (call $say (i32.const 16) (i32.const 4)))

  ;; An answer, to show that the host still serves others.
  (func (export "answer") (call $held))

  (func (export "spin") (loop $again (br $again)))

  ;; One instruction that fills a mebibyte, again and again.
  (func (export "fill")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 1048576))
      (br $again)))

  (func $recurse (export "recurse") (call $recurse) (call $recurse))

  ;; Grows until it is refused; 16 MiB are 256 pages.
  (func (export "grow")
    (loop $again
      (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (if (i32.gt_u (memory.size) (i32.const 256)) (then (call $escaped)) (else (call $held))))

  ;; A table of ten million entries would be 80 MB that no memory counts.
  (func (export "tables")
    (loop $again
      (br_if $again (i32.ne (table.grow (ref.null func) (i32.const 65536)) (i32.const -1))))
    (if (i32.gt_u (table.size) (i32.const 10000000)) (then (call $escaped)) (else (call $held))))

  ;; Blocks of the kernel until there are no more.
  (func (export "blocks")
    (loop $again
      (drop (call $alloc (i64.const 1048576)))
      (br $again)))

  (func (export "vars") (local $name i64)
    (loop $again
      (local.set $name (call $alloc (i64.const 8)))
      (call $store_u64 (local.get $name) (local.get $name))
      (call $var_set (local.get $name) (call $alloc (i64.const 65536)))
      (br $again)))

  ;; A line of a kibibyte, a hundred thousand times.
  (func (export "logs") (local $line i64) (local $count i32)
    (loop $again
      (local.set $line (call $alloc (i64.const 1024)))
      (call $store_u8 (local.get $line) (i32.const 120))
      (call $log_info (local.get $line))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $count) (i32.const 100000))))
    (call $held))

  ;; An output of a mebibyte where 64 KiB are allowed.
  (func (export "output")
    (call $output_set (call $alloc (i64.const 1048576)) (i64.const 1048576)))

  ;; What lies behind the last block and before the first, as an output.
  (func (export "beyond")
    (call $output_set (call $alloc (i64.const 8)) (i64.const 33554432)))
  (func (export "before") (call $output_set (i64.const 0) (i64.const 65536)))
  (func (export "negative") (call $output_set (i64.const -65536) (i64.const 65536)))
  (func (export "twice") (local $block i64)
    (local.set $block (call $alloc (i64.const 64)))
    (call $free (local.get $block))
    (call $free (local.get $block))
    (call $free (i64.add (local.get $block) (i64.const 1)))
    (if (i64.eq (call $alloc (i64.const 64)) (call $alloc (i64.const 64)))
      (then (call $escaped)) (else (call $held))))
)
