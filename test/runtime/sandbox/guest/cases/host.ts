import type { Case } from "./case.ts";

/** Configuration, variables, log, and the parts of HTTP that need no request. */
export const hostCases: readonly Case[] = [
  {
    name: "config_get() gives a new block with the value",
    body: `(local.set $a (call $config_get (call $key)))
      (call $emit (call $same (local.get $a) (i32.const 4) (i32.const 5)))`,
    emits: [1],
  },
  {
    name: "config_get() gives 0 for what is not configured",
    body: "(call $emit (call $config_get (call $text (i32.const 30) (i32.const 5))))",
    emits: [0],
  },
  {
    name: "config_get() knows no names that every object has",
    body: `(call $emit (call $config_get (call $text (i32.const 10) (i32.const 8))))
      (call $emit (call $config_get (call $text (i32.const 19) (i32.const 9))))`,
    emits: [0, 0],
    sdkDiffers: "traps",
  },
  {
    name: "config_get() frees the key, and freeing it again leaves the value alone",
    body: `(local.set $a (call $key)) (local.set $b (call $config_get (local.get $a)))
      (call $emit (call $length (local.get $a))) (call $free (local.get $a))
      (call $emit (call $same (local.get $b) (i32.const 4) (i32.const 5)))`,
    emits: [0, 1],
  },
  {
    name: "config_get() of a bogus handle ends the call",
    body: "(call $emit (call $config_get (i64.const 5)))",
    fails: /invalid handle of config key: 5/,
    sdkDiffers: "has other words",
  },
  {
    name: "config_get() of a key that is no UTF-8 ends the call",
    body: "(call $emit (call $config_get (call $text (i32.const 35) (i32.const 2))))",
    fails: /config key is not UTF-8/,
    sdkDiffers: "decodes it",
  },
  {
    name: "var_set() keeps a value, var_get() gives it",
    body: `(call $emit (call $var_get (call $key))) (call $var_set (call $key) (call $value))
      (call $emit (call $same (call $var_get (call $key)) (i32.const 4) (i32.const 5)))`,
    emits: [0, 1],
  },
  {
    name: "var_set() of 0 forgets the key",
    body: `(call $var_set (call $key) (call $value)) (call $var_set (call $key) (i64.const 0))
      (call $emit (call $var_get (call $key)))`,
    emits: [0],
  },
  {
    name: "a variable is a copy: the guest changes it neither by what it set nor by what it got",
    body: `(local.set $a (call $value)) (call $var_set (call $key) (local.get $a))
      (call $store_u8 (local.get $a) (i32.const 0)) (local.set $b (call $var_get (call $key)))
      (call $store_u8 (local.get $b) (i32.const 0))
      (call $emit (call $same (call $var_get (call $key)) (i32.const 4) (i32.const 5)))`,
    emits: [1],
    sdkDiffers: "aliases the stored value",
  },
  {
    name: "var_set() frees key and value, var_get() the key",
    body: `(local.set $a (call $key)) (local.set $b (call $value))
      (call $var_set (local.get $a) (local.get $b)) (local.set $c (call $key))
      (drop (call $var_get (local.get $c))) (call $emit (call $length (local.get $a)))
      (call $emit (call $length (local.get $b))) (call $emit (call $length (local.get $c)))`,
    emits: [0, 0, 0],
    sdkDiffers: "does not free",
  },
  {
    name: "var_set() over the bound ends the call",
    body: "(call $var_set (call $key) (call $alloc (i64.const 1048576)))",
    fails: /Variable store is full/,
    sdkDiffers: "goes on",
  },
  {
    name: "var_get() and var_set() of a bogus key end the call",
    body: "(drop (call $var_get (i64.const 1)))",
    fails: /invalid handle of var key: 1/,
    sdkDiffers: "has other words",
  },
  {
    name: "var_set() of a bogus value ends the call",
    body: "(call $var_set (call $key) (i64.const -1))",
    fails: /invalid handle of var value: -1/,
    sdkDiffers: "has other words",
  },
  {
    name: "without a request there is neither status nor headers",
    body: "(call $emit32 (call $http_status_code)) (call $emit (call $http_headers))",
    emits: [0, 0],
  },
  {
    name: "a log function frees its block, at every level",
    body: `(local.set $a (call $key)) (local.set $b (call $key))
      (call $log_trace (local.get $a)) (call $log_error (local.get $b))
      (call $emit (call $length (local.get $a))) (call $emit (call $length (local.get $b)))`,
    emits: [0, 0],
  },
  {
    name: "a log function of a bogus handle ends the call",
    body: "(call $log_error (i64.const 0x10000000000))",
    fails: /invalid handle of log message/,
    sdkDiffers: "has other words",
  },
];
