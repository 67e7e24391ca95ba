import type { Case } from "./case.ts";

/** Input, output and error. */
export const callCases: readonly Case[] = [
  {
    name: "the input is a block that can be read in bytes and words",
    input: "0123456789",
    body: `(call $emit (call $input_length)) (call $emit (call $length (call $input_offset)))
      (call $emit32 (call $input_load_u8 (i64.const 9)))
      (call $emit (call $input_load_u64 (i64.const 2)))
      (call $emit32 (call $load_u8 (call $input_offset)))`,
    emits: [10, 10, 0x39, 0x3938373635343332n, 0x30],
  },
  {
    name: "input loads beyond the end give 0",
    input: "0123456789",
    body: `(call $emit32 (call $input_load_u8 (i64.const 10)))
      (call $emit (call $input_load_u64 (i64.const 3)))
      (call $emit (call $input_load_u64 (i64.const -8)))
      (call $emit (call $input_load_u64 (i64.const -1)))
      (call $emit32 (call $input_load_u8 (i64.const -1)))
      (call $emit32 (call $input_load_u8 (i64.const 0x100000000)))`,
    emits: [0, 0, 0, 0, 0, 0],
    sdkDiffers: "traps with a RangeError",
  },
  {
    name: "an input shorter than a word has no word",
    input: "0123456",
    body: "(call $emit (call $input_load_u64 (i64.const 0)))",
    emits: [0],
    sdkDiffers: "traps with a RangeError",
  },
  {
    name: "no input has length and offset 0",
    body: "(call $emit (call $input_length)) (call $emit (call $input_offset))",
    emits: [0, 0],
    sdkDiffers: "makes a block of an empty input",
  },
  {
    name: "freeing the input makes its length 0",
    input: "0123456789",
    body: `(call $free (call $input_offset)) (call $emit (call $input_length))
      (call $emit32 (call $input_load_u8 (i64.const 0)))`,
    emits: [0, 0],
  },
  {
    name: "the output may be the input",
    input: "0123456789",
    body: "(call $output_set (call $input_offset) (call $input_length))",
    text: "0123456789",
  },
  {
    name: "the last output_set() wins",
    body: `(call $output_set (call $key) (i64.const 3)) (call $output_set (call $value) (i64.const 5))`,
    text: "value",
  },
  {
    name: "the output may be a part of a block",
    body: "(call $output_set (i64.add (call $value) (i64.const 1)) (i64.const 3))",
    text: "alu",
    sdkDiffers: "gives the whole block",
  },
  {
    name: "output_set() of (0, 0) or out of range keeps what was set",
    body: `(call $output_set (call $value) (i64.const 5)) (call $output_set (i64.const 0) (i64.const 0))
      (call $output_set (call $key) (i64.const 100000)) (call $output_set (call $key) (i64.const -1))
      (call $output_set (i64.const -1) (i64.const 2)) (call $output_set (i64.const 0) (i64.const 9))`,
    text: "value",
    sdkDiffers: "throws, or gives a byte",
  },
  {
    name: "a guest that sets no output has an empty one",
    body: "",
    text: "",
  },
  {
    name: "output written after output_set() counts",
    body: `(local.set $a (call $value)) (call $output_set (local.get $a) (i64.const 5))
      (call $store_u8 (local.get $a) (i32.const 0x56))`,
    text: "Value",
  },
  {
    name: "error_set() fails the call with its text, although it returns nothing",
    body: `(call $output_set (call $key) (i64.const 3)) (call $error_set (call $value))`,
    fails: /^value$/,
  },
  {
    name: "the last error_set() wins, and error_get() gives its handle",
    body: `(call $error_set (call $value)) (call $error_set (call $key))
      (call $error_set (call $text (i32.const 0)
        (i32.wrap_i64 (call $length (call $error_get)))))`,
    fails: /^key$/,
  },
  {
    name: "error_set(0) clears the error, out of range it is ignored",
    body: `(call $error_set (call $value)) (call $error_set (i64.const 0))
      (call $error_set (i64.const -1)) (call $error_set (i64.const 0x7fffffff))
      (call $emit (call $error_get))`,
    emits: [0],
    sdkDiffers: 'fails with the message "\\0"',
  },
  {
    name: "an error whose block was freed is none",
    body: `(local.set $a (call $value)) (call $error_set (local.get $a)) (call $free (local.get $a))`,
    text: "",
  },
  {
    name: "a trap fails the call",
    body: "unreachable",
    fails: /unreachable/,
  },
  {
    name: "an error that was set goes before a trap",
    body: "(call $error_set (call $value)) unreachable",
    fails: /^value$/,
    sdkDiffers: "tells the trap",
  },
];
