// The AssemblyScript kit of a plugin: what the host hands in, and what a plugin hands back.
//
// A *block* is a piece of memory that belongs to the host; a guest knows it by a 64-bit handle and
// moves bytes in and out eight at a time. Handle 0 means "nothing". Texts cross as strict UTF-8.
// Blocks given to the built-in functions below belong to the host from then on: it frees them, and
// freeing them again could hit the answer. Blocks given to other host functions stay the guest's.

@external("extism:host/env", "input_length")
declare function input_length(): u64;
@external("extism:host/env", "input_load_u8")
declare function input_load_u8(offset: u64): u8;
@external("extism:host/env", "input_load_u64")
declare function input_load_u64(offset: u64): u64;
@external("extism:host/env", "alloc")
declare function block_alloc(bytes: u64): u64;
@external("extism:host/env", "free")
declare function block_free(block: u64): void;
@external("extism:host/env", "length")
declare function block_length(block: u64): u64;
@external("extism:host/env", "load_u8")
declare function block_load_u8(address: u64): u8;
@external("extism:host/env", "load_u64")
declare function block_load_u64(address: u64): u64;
@external("extism:host/env", "store_u8")
declare function block_store_u8(address: u64, value: u8): void;
@external("extism:host/env", "store_u64")
declare function block_store_u64(address: u64, value: u64): void;
@external("extism:host/env", "output_set")
declare function output_set(block: u64, bytes: u64): void;
@external("extism:host/env", "error_set")
declare function error_set(block: u64): void;
@external("extism:host/env", "config_get")
declare function config_get(key: u64): u64;
@external("extism:host/env", "var_get")
declare function var_get(key: u64): u64;
@external("extism:host/env", "var_set")
declare function var_set(key: u64, value: u64): void;
@external("extism:host/env", "log_trace")
declare function log_trace(text: u64): void;
@external("extism:host/env", "log_debug")
declare function log_debug(text: u64): void;
@external("extism:host/env", "log_info")
declare function log_info(text: u64): void;
@external("extism:host/env", "log_warn")
declare function log_warn(text: u64): void;
@external("extism:host/env", "log_error")
declare function log_error(text: u64): void;

/** What an export returns when it answered. */
export const OK: i32 = 0;
/** What an export returns when it set an error. */
export const FAILED: i32 = 1;

/** Gives the bytes of the call's input, copied in. */
export function inputBytes(): ArrayBuffer {
  const length = <i32>input_length();
  const bytes = new ArrayBuffer(length);
  const start = changetype<usize>(bytes);
  let at = 0;
  for (; at + 8 <= length; at += 8) store<u64>(start + at, input_load_u64(at));
  for (; at < length; at++) store<u8>(start + at, input_load_u8(at));
  return bytes;
}

/** Gives the text of the call's input. */
export function inputText(): string {
  return String.UTF8.decode(inputBytes());
}

/** Sets the call's output; the last one set counts. Write `return answerBytes(…)`. */
export function answerBytes(bytes: ArrayBuffer): i32 {
  output_set(blockOf(bytes), bytes.byteLength);
  return OK;
}

/** Sets the call's output to a text. Write `return answerText(…)`. */
export function answerText(text: string): i32 {
  return answerBytes(utf8(text));
}

/** Ends the call with an error whose text the caller sees. Write `return fail(…)`. */
export function fail(message: string): i32 {
  error_set(blockOf(utf8(message)));
  return FAILED;
}

/** Gives one property of the plugin's configuration, or null when it is not set. */
export function config(key: string): string | null {
  const value = config_get(textBlock(key));
  return value == 0 ? null : takeText(value);
}

/** Gives a variable of this instance, or null; it lives as long as the instance does. */
export function variable(key: string): string | null {
  const value = var_get(textBlock(key));
  return value == 0 ? null : takeText(value);
}

/** Sets a variable of this instance; null removes it. */
export function setVariable(key: string, value: string | null): void {
  var_set(textBlock(key), value === null ? 0 : textBlock(value));
}

/** Writes a line to the plugin's log. */
export function trace(text: string): void {
  log_trace(textBlock(text));
}

/** Writes a line to the plugin's log. */
export function debug(text: string): void {
  log_debug(textBlock(text));
}

/** Writes a line to the plugin's log. */
export function info(text: string): void {
  log_info(textBlock(text));
}

/** Writes a line to the plugin's log. */
export function warn(text: string): void {
  log_warn(textBlock(text));
}

/** Writes a line to the plugin's log. */
export function error(text: string): void {
  log_error(textBlock(text));
}

/** Gives a new block that holds a text, to pass to a host function; free it with `freeBlock`. */
export function textBlock(text: string): u64 {
  return blockOf(utf8(text));
}

/** Gives the text in a block that the host returned, and frees the block. */
export function takeText(block: u64): string {
  const length = <i32>block_length(block);
  const bytes = new ArrayBuffer(length);
  const start = changetype<usize>(bytes);
  let at = 0;
  for (; at + 8 <= length; at += 8) store<u64>(start + at, block_load_u64(block + at));
  for (; at < length; at++) store<u8>(start + at, block_load_u8(block + at));
  block_free(block);
  return String.UTF8.decode(bytes);
}

/** Gives a block back to the host. */
export function freeBlock(block: u64): void {
  block_free(block);
}

/** What `throw`, a failed `assert` and an index out of range become; given to asc by `--use abort=`. */
export function onAbort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? "abort" : message;
  const where = file === null ? "" : ` at ${file}:${line}:${column}`;
  error_set(blockOf(utf8(what + where)));
  unreachable();
}

// Half of a surrogate pair has no UTF-8 form; it becomes U+FFFD and not three stray bytes.
function utf8(text: string): ArrayBuffer {
  return String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
}

function blockOf(bytes: ArrayBuffer): u64 {
  const length = bytes.byteLength;
  const block = block_alloc(length);
  // The host has no memory for it; without a block nothing could be said about that.
  if (block == 0 && length > 0) unreachable();
  const start = changetype<usize>(bytes);
  let at = 0;
  for (; at + 8 <= length; at += 8) block_store_u64(block + at, load<u64>(start + at));
  for (; at < length; at++) block_store_u8(block + at, load<u8>(start + at));
  return block;
}
