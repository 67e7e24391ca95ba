/** What a guest of a test is made of, as WebAssembly text. */
export interface GuestText {
  /** Imports besides the Extism environment. */
  readonly imports?: string;
  /** Texts that lie in the guest's memory, from address 1024 on, one after the other. */
  readonly data?: string;
  /** Pages of memory at the start. */
  readonly pages?: number;
  readonly body: string;
}

/** Where the data of a guest begins. */
export const dataAt = 1024;

const env = (name: string, type: string): string =>
  `(import "extism:host/env" "${name}" (func $${name} ${type}))`;

/**
 * Returns a module over the Extism environment, with `$block` (a kernel block of what lies in memory),
 * `$say` (the same as output) and `$ok` (says "ok") ready to be called.
 */
export function guest({ imports = "", data = "", pages = 1, body }: GuestText): string {
  return `(module
    ${env("alloc", "(param i64) (result i64)")}
    ${env("free", "(param i64)")}
    ${env("length", "(param i64) (result i64)")}
    ${env("load_u8", "(param i64) (result i32)")}
    ${env("store_u8", "(param i64 i32)")}
    ${env("store_u64", "(param i64 i64)")}
    ${env("input_offset", "(result i64)")}
    ${env("input_length", "(result i64)")}
    ${env("output_set", "(param i64 i64)")}
    ${env("error_set", "(param i64)")}
    ${env("config_get", "(param i64) (result i64)")}
    ${env("var_get", "(param i64) (result i64)")}
    ${env("var_set", "(param i64 i64)")}
    ${env("log_info", "(param i64)")}
    ${imports}
    (memory (export "memory") ${pages})
    (data (i32.const 1016) "ok")
    (data (i32.const ${dataAt}) ${JSON.stringify(data)})
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
    (func $say (param $at i32) (param $length i32)
      (call $output_set (call $block (local.get $at) (local.get $length))
        (i64.extend_i32_u (local.get $length))))
    (func $ok (call $say (i32.const 1016) (i32.const 2)))
    (func $giveBack (param $block i64)
      (call $output_set (local.get $block) (call $length (local.get $block))))
    ${body})`;
}

/** A neighbor that does no harm: its one tool answers "ok". */
export const neighbor = guest({ body: '(func (export "answer") (call $ok))' });

/** A guest with a tool that gives its input back. */
export const echo = guest({
  body: `(func (export "echo")
    (call $output_set (call $input_offset) (call $input_length)))`,
});

/** The import of a function of `extism:host/user`. */
export function userImport(name: string): string {
  return `(import "extism:host/user" "${name}" (func $${name} (param i64) (result i64)))`;
}

/** The import of a function of WASI. */
export function wasiImport(name: string, type: string): string {
  return `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${type}))`;
}
