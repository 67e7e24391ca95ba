import { guest, userImport, wasiImport } from "./guests.ts";

const copied = `(func $copied (result i64)
  (local $block i64) (local $index i64)
  (local.set $block (call $alloc (call $input_length)))
  (loop $next (if (i64.lt_u (local.get $index) (call $input_length)) (then
    (call $store_u8 (i64.add (local.get $block) (local.get $index))
      (call $load_u8 (i64.add (call $input_offset) (local.get $index))))
    (local.set $index (i64.add (local.get $index) (i64.const 1)))
    (br $next))))
  (local.get $block))`;

/**
 * Returns a guest whose tools hand their input to the host functions of the same names, and give the
 * answer back; besides these `echo`, `spin`, `trap`, `fail`, `nap` (0.3 s), `mark`, and the hooks
 * `yes` and `no`.
 *
 * @param mark  what `mark` and `nap` say
 */
export function relay(functions: readonly string[] = [], mark = ""): string {
  const relays = functions.map(
    (name) => `(func (export "${name}") (call $giveBack (call $${name} (call $copied))))`,
  );
  return guest({
    imports: [
      ...functions.map(userImport),
      wasiImport("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
    ].join("\n"),
    data: mark,
    body: `${copied}
      ${relays.join("\n")}
      (func (export "echo") (call $output_set (call $input_offset) (call $input_length)))
      (func (export "say") (call $log_info (call $copied))
        (call $output_set (call $input_offset) (call $input_length)))
      (func (export "spin") (loop $again (br $again)))
      (func (export "trap") unreachable)
      (func (export "fail") (result i32) (call $error_set (call $copied)) (i32.const 1))
      (func (export "nap")
        (i64.store (i32.const 8216) (i64.const 300000000))
        (drop (call $poll_oneoff
          (i32.const 8192) (i32.const 8256) (i32.const 1) (i32.const 8320)))
        (call $say (i32.const 1024) (i32.const ${mark.length})))
      (func (export "mark") (call $say (i32.const 1024) (i32.const ${mark.length})))
      (func (export "yes") (result i32) (i32.const 0))
      (func (export "no") (result i32) (i32.const 1))`,
  });
}

/** Returns tools of a manifest that take and give JSON. */
export function jsonTools(...names: readonly string[]): { tools: readonly object[] } {
  return { tools: names.map((name) => ({ name, encoding: "json" })) };
}
