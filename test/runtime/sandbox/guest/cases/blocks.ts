import type { Case } from "./case.ts";

/** The blocks: alloc, free, length, load, store. */
export const blockCases: readonly Case[] = [
  {
    name: "alloc() gives a block of that length",
    body: `(local.set $a (call $alloc (i64.const 5)))
      (call $emit (call $length (local.get $a))) (call $emit (call $length_unsafe (local.get $a)))`,
    emits: [5, 5],
  },
  {
    name: "alloc() of nothing gives 0",
    body: "(call $emit (call $alloc (i64.const 0)))",
    emits: [0],
    sdkDiffers: "gives a handle",
  },
  {
    name: "alloc() of a negative or huge length gives 0",
    body: `(call $emit (call $alloc (i64.const -1))) (call $emit (call $alloc (i64.const 0x100000000)))
      (call $emit (call $alloc (i64.const 0x100000040)))
      (call $emit (call $alloc (i64.const 0x8000000000000000)))`,
    emits: [0, 0, 0, 0],
    sdkDiffers: "traps with a RangeError",
  },
  {
    name: "alloc() gives 0 when the memory is used up, and smaller blocks after it",
    body: `(call $emit (call $alloc (i64.const 100000000)))
      (call $emit (call $length (call $alloc (i64.const 9))))`,
    emits: [0, 9],
    sdkDiffers: "has no limit here",
  },
  {
    name: "length() of 0, of a freed block and of a bogus handle is 0",
    body: `(local.set $a (call $alloc (i64.const 5))) (call $free (local.get $a))
      (call $emit (call $length (i64.const 0))) (call $emit (call $length (local.get $a)))
      (call $emit (call $length (i64.const 0x123456789000000)))
      (call $emit (call $length (i64.const -1)))`,
    emits: [0, 0, 0, 0],
    sdkDiffers: "gives 1 for the null page",
  },
  {
    name: "length() of an offset inside a block is 0",
    body: `(local.set $a (call $alloc (i64.const 500)))
      (call $emit (call $length (i64.add (local.get $a) (i64.const 1))))
      (call $emit (call $length (i64.add (local.get $a) (i64.const 64))))
      (call $emit (call $length_unsafe (i64.add (local.get $a) (i64.const 128))))`,
    emits: [0, 0, 0],
    sdkDiffers: "gives the whole block's",
  },
  {
    name: "free() twice, and of what is no handle, harms no other block",
    body: `(local.set $a (call $alloc (i64.const 5))) (local.set $b (call $alloc (i64.const 6)))
      (call $free (local.get $a)) (call $free (local.get $a))
      (call $free (i64.add (local.get $b) (i64.const 1))) (call $free (i64.const -1))
      (call $free (i64.const 0x7fffffff00000000))
      (call $emit (call $length (local.get $b)))`,
    emits: [6],
    sdkDiffers: "frees a block by an offset inside it",
  },
  {
    name: "free() of 0 does nothing",
    body: `(call $free (i64.const 0)) (call $emit (call $length (call $alloc (i64.const 5))))`,
    emits: [5],
  },
  {
    name: "store and load are little-endian and need no alignment",
    body: `(local.set $a (call $alloc (i64.const 24)))
      (call $store_u64 (i64.add (local.get $a) (i64.const 3)) (i64.const 0x0807060504030201))
      (call $emit32 (call $load_u8 (i64.add (local.get $a) (i64.const 3))))
      (call $emit32 (call $load_u8 (i64.add (local.get $a) (i64.const 10))))
      (call $emit (call $load_u64 (i64.add (local.get $a) (i64.const 4))))
      (call $store_u8 (i64.add (local.get $a) (i64.const 3)) (i32.const 0xabff))
      (call $emit32 (call $load_u8 (i64.add (local.get $a) (i64.const 3))))
      (call $emit32 (call $load_u8 (i64.add (local.get $a) (i64.const 2))))`,
    emits: [1, 8, 0x08070605040302n, 255, 0],
  },
  {
    name: "a new block is zero",
    body: `(local.set $a (call $alloc (i64.const 100)))
      (call $emit (call $load_u64 (i64.add (local.get $a) (i64.const 92))))`,
    emits: [0],
  },
  {
    name: "loads out of range give 0",
    body: `(call $emit32 (call $load_u8 (i64.const 0))) (call $emit (call $load_u64 (i64.const 0)))
      (call $emit32 (call $load_u8 (i64.const 0x7fffffff)))
      (call $emit (call $load_u64 (i64.const 0x7fffffff)))
      (call $emit32 (call $load_u8 (i64.const -1))) (call $emit (call $load_u64 (i64.const -1)))
      (call $emit (call $load_u64 (i64.const -8)))
      (call $emit (call $load_u64 (i64.const 0x100000080)))`,
    emits: [0, 0, 0, 0, 0, 0, 0, 0],
    sdkDiffers: "traps with a TypeError",
  },
  {
    name: "stores out of range are ignored",
    body: `(local.set $a (call $alloc (i64.const 8)))
      (call $store_u64 (local.get $a) (i64.const 77))
      (call $store_u8 (i64.const 0) (i32.const 1)) (call $store_u64 (i64.const 0) (i64.const 1))
      (call $store_u64 (i64.const -4) (i64.const 1)) (call $store_u8 (i64.const -1) (i32.const 1))
      (call $store_u64 (i64.or (local.get $a) (i64.const 0x100000000)) (i64.const 1))
      (call $store_u64 (i64.const 0x7ffffffffffffff9) (i64.const 1))
      (call $emit (call $load_u64 (local.get $a))) (call $emit (call $length (local.get $a)))`,
    emits: [77, 8],
    sdkDiffers: "throws past the end of a block",
  },
];
