/** One promise of the Extism ABI, as a guest that checks it. */
export interface Case {
  readonly name: string;
  /** Body of the export `run`, between the imports and helpers of `guestText`. */
  readonly body: string;
  readonly input?: string;
  /** What `$emit` wrote, one i64 after the other; -1 is what every wrong answer looks like. */
  readonly emits?: readonly (number | bigint)[];
  /** What the call fails with, instead of an output. */
  readonly fails?: RegExp;
  /** The output as text, when the body sets one itself. */
  readonly text?: string;
  /** Why the JavaScript SDK of Extism does not do the same; without it, it is run too. */
  readonly sdkDiffers?: string;
}

const imports = `
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "free" (func $free (param i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/env" "length_unsafe" (func $length_unsafe (param i64) (result i64)))
  (import "extism:host/env" "load_u8" (func $load_u8 (param i64) (result i32)))
  (import "extism:host/env" "load_u64" (func $load_u64 (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error_set (param i64)))
  (import "extism:host/env" "error_get" (func $error_get (result i64)))
  (import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
  (import "extism:host/env" "var_get" (func $var_get (param i64) (result i64)))
  (import "extism:host/env" "var_set" (func $var_set (param i64 i64)))
  (import "extism:host/env" "http_status_code" (func $http_status_code (result i32)))
  (import "extism:host/env" "http_headers" (func $http_headers (result i64)))
  (import "extism:host/env" "log_trace" (func $log_trace (param i64)))
  (import "extism:host/env" "log_debug" (func $log_debug (param i64)))
  (import "extism:host/env" "log_info" (func $log_info (param i64)))
  (import "extism:host/env" "log_warn" (func $log_warn (param i64)))
  (import "extism:host/env" "log_error" (func $log_error (param i64)))
  (import "extism:host/env" "get_log_level" (func $get_log_level (result i32)))`;

/** `http_request` is apart, because importing it makes every call of the SDK another kind of call. */
const httpImport = `
  (import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))`;

/**
 * Returns a guest whose export `run` is a body, with:
 * `$emit` (i64) adds a number to the output; `$text` (address, length) gives a new block with bytes of
 * its memory; `$same` (block, address, length) is 1 when a block holds just those bytes.
 *
 * @param results  of the export: `` or `(result i32)`
 */
export function guestText(body: string, emits: number, results = ""): string {
  return `(module ${imports} ${body.includes("$http_request") ? httpImport : ""}
  (memory (export "memory") 1)
  (data (i32.const 0) "key|value|toString|__proto__|other|\\ff\\fe|{\\"url\\":\\"https://a.example/\\"}|body|")
  (global $out (mut i64) (i64.const 0)) (global $at (mut i64) (i64.const 0))
  (func $emit (param $value i64)
    (if (i64.eqz (global.get $out)) (then (global.set $out (call $alloc (i64.const ${8 * emits})))))
    (call $store_u64 (i64.add (global.get $out) (global.get $at)) (local.get $value))
    (global.set $at (i64.add (global.get $at) (i64.const 8)))
    (call $output_set (global.get $out) (global.get $at)))
  (func $emit32 (param $value i32) (call $emit (i64.extend_i32_s (local.get $value))))
  (func $text (param $from i32) (param $length i32) (result i64) (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.extend_i32_u (local.get $length))))
    (loop $next (if (i32.lt_u (local.get $i) (local.get $length)) (then
      (call $store_u8 (i64.add (local.get $block) (i64.extend_i32_u (local.get $i)))
        (i32.load8_u (i32.add (local.get $from) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next))))
    (local.get $block))
  (func $same (param $block i64) (param $from i32) (param $length i32) (result i64) (local $i i32)
    (if (i64.ne (call $length (local.get $block)) (i64.extend_i32_u (local.get $length)))
      (then (return (i64.const 0))))
    (loop $next (if (i32.lt_u (local.get $i) (local.get $length)) (then
      (if (i32.ne (i32.load8_u (i32.add (local.get $from) (local.get $i)))
            (call $load_u8 (i64.add (local.get $block) (i64.extend_i32_u (local.get $i)))))
        (then (return (i64.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next))))
    (i64.const 1))
  (func $key (result i64) (call $text (i32.const 0) (i32.const 3)))
  (func $value (result i64) (call $text (i32.const 4) (i32.const 5)))
  (func (export "run") ${results} (local $a i64) (local $b i64) (local $c i64) ${body}))`;
}
