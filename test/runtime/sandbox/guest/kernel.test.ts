import assert from "node:assert/strict";
import { test } from "node:test";
import { createKernel } from "#runtime/sandbox/guest/kernel.ts";
import { testKernel } from "./harness.ts";

const module = await testKernel();
type GuestName = "alloc" | "error_set" | "input_length" | "output_set";
const kernelOf = (grow = (_pages: number, _movedBytes: number) => true) =>
  createKernel(module, { grow });

test("guest has the kernel's fifteen functions and nothing of the host's", () => {
  assert.deepEqual(Object.keys(kernelOf().guest).sort(), [
    ...["alloc", "error_get", "error_set", "free", "input_length", "input_load_u64"],
    ...["input_load_u8", "input_offset", "length", "length_unsafe", "load_u64", "load_u8"],
    ...["output_set", "store_u64", "store_u8"],
  ]);
});

test("write() and read() carry bytes through a block, and read() copies them", () => {
  const kernel = kernelOf();
  const handle = kernel.write(Buffer.from("hello"));
  const first = kernel.read(handle);
  assert.equal(Buffer.from(first ?? []).toString(), "hello");
  first?.fill(0);
  assert.equal(Buffer.from(kernel.read(handle) ?? []).toString(), "hello");
  assert.equal(Buffer.from(kernel.read(handle, 2) ?? []).toString(), "he");
});

test("write() gives 0 for no bytes and for bytes that do not fit", () => {
  const kernel = kernelOf(() => false);
  assert.equal(kernel.write(new Uint8Array()), 0n);
  assert.equal(kernel.write(new Uint8Array(60_000)), 0n);
  assert.notEqual(kernel.write(new Uint8Array(50_000)), 0n);
});

test("read(), length() and free() know no bogus handle", () => {
  const kernel = kernelOf();
  const handle = kernel.write(new Uint8Array(200));
  const bogus = [
    ...[0n, 1n, 64n, 127n, handle + 1n, handle + 64n, handle - 64n, -handle, -1n],
    ...[handle + 2n ** 32n, handle + 2n ** 63n, 2n ** 64n - 1n, 2n ** 31n, 2n ** 32n],
  ];
  for (const each of bogus) {
    assert.equal(kernel.read(each), undefined, String(each));
    assert.equal(kernel.length(each), 0, String(each));
    kernel.free(each);
  }
  assert.equal(kernel.length(handle), 200);
});

test("setInput() refuses what does not fit, and leaves no input then", () => {
  const kernel = kernelOf(() => false);
  assert.equal(kernel.setInput(new Uint8Array(1_000)), true);
  assert.equal(kernel.setInput(new Uint8Array(100_000)), false);
  const { input_length: inputLength } = kernel.guest as { input_length: () => bigint };
  assert.equal(inputLength(), 0n);
  assert.equal(kernel.setInput(new Uint8Array()), true);
});

test("reset() forgets blocks, input, output and error, and zeroes what was used", () => {
  const kernel = kernelOf();
  const guest = kernel.guest as Record<GuestName, (...values: bigint[]) => bigint>;
  kernel.setInput(Buffer.from("input"));
  const handle = kernel.write(Buffer.from("a secret of the call before"));
  guest.output_set(handle, 8n);
  guest.error_set(handle);
  assert.equal(kernel.error(), "a secret of the call before");
  assert.equal(kernel.usedBytes, 128);
  kernel.reset();
  assert.equal(kernel.usedBytes, 0);
  assert.equal(kernel.output().length, 0);
  assert.equal(kernel.error(), undefined);
  assert.equal(guest.input_length(), 0n);
  assert.equal(kernel.read(handle), undefined);
  const again = guest.alloc(128n);
  assert.deepEqual(kernel.read(again), new Uint8Array(128));
});

test("memoryBytes follows growth, and old handles stay what they were", () => {
  const asked: [number, number][] = [];
  const kernel = kernelOf((pages, moved) => asked.push([pages, moved]) > 0);
  assert.equal(kernel.memoryBytes, 65_536);
  const small = kernel.write(Buffer.from("small"));
  const large = kernel.write(new Uint8Array(1_000_000).fill(7));
  assert.equal(Buffer.from(kernel.read(small) ?? []).toString(), "small");
  assert.equal(kernel.read(large)?.[999_999], 7);
  assert.equal(kernel.length(large), 1_000_000);
  const [[pages, moved] = [0, 0]] = asked;
  assert.equal(asked.length, 1);
  assert.equal(kernel.memoryBytes, (1 + pages) * 65_536);
  assert.equal(moved, 32);
});

test("grow() is asked for half again of what there is, and for just enough when that is refused", () => {
  const asked: number[] = [];
  const kernel = kernelOf((pages) => {
    asked.push(pages);
    return pages <= 5;
  });
  for (let blocks = 0; blocks < 40; blocks++)
    assert.notEqual(kernel.write(new Uint8Array(50_000)), 0n);
  assert.ok(asked.some((pages) => pages > 5));
  assert.ok(kernel.memoryBytes < 40 * 50_000 * 1.6);
});

test("grow() may throw and leaves the kernel as it was", () => {
  const kernel = kernelOf(() => {
    throw new RangeError("enough");
  });
  const handle = kernel.write(Buffer.from("kept"));
  assert.throws(() => kernel.write(new Uint8Array(100_000)), /enough/);
  assert.equal(Buffer.from(kernel.read(handle) ?? []).toString(), "kept");
  assert.notEqual(kernel.write(new Uint8Array(1_000)), 0n);
});

test("alloc() uses freed memory again and merges it, so that a long call does not grow for ever", () => {
  const kernel = kernelOf();
  for (let round = 0; round < 20_000; round++) {
    const handles = [17, 4_000, 100, 90_000, 1_000].map((bytes) =>
      kernel.write(new Uint8Array(bytes)),
    );
    assert.ok(handles.every((handle) => handle !== 0n));
    for (const handle of round % 2 === 0 ? handles : handles.reverse()) kernel.free(handle);
  }
  assert.ok(kernel.memoryBytes <= 8 * 65_536, `${kernel.memoryBytes} bytes`);
});

test("free() gives memory back in any order: the largest block fits again afterwards", () => {
  const kernel = kernelOf();
  const handles = Array.from({ length: 3_000 }, () => kernel.write(new Uint8Array(300)));
  const before = kernel.memoryBytes;
  for (const step of [3, 2, 1])
    for (const [index, handle] of handles.entries()) if (index % step === 0) kernel.free(handle);
  const large = kernel.write(new Uint8Array(3_000 * 300));
  assert.notEqual(large, 0n);
  assert.equal(kernel.memoryBytes, before);
});

test("output() is the range that was set, also in the middle of a block", () => {
  const kernel = kernelOf();
  const { output_set: outputSet } = kernel.guest as {
    output_set: (at: bigint, length: bigint) => void;
  };
  const handle = kernel.write(Buffer.from("0123456789"));
  outputSet(handle + 3n, 4n);
  assert.equal(Buffer.from(kernel.output()).toString(), "3456");
  const used = BigInt(kernel.usedBytes) + 128n;
  for (const [at, length] of [
    [0n, 0n],
    [handle, used],
    [used, 0n],
    [handle, -1n],
    [-1n, 1n],
    [127n, 1n],
    [handle + 2n ** 32n, 1n],
    [handle, 2n ** 32n],
  ] as const) {
    outputSet(at, length);
    assert.equal(Buffer.from(kernel.output()).toString(), "3456", `${at}, ${length}`);
  }
  outputSet(handle, 0n);
  assert.equal(kernel.output().length, 0);
});

test("error() decodes what is no UTF-8, and is undefined once the block is freed", () => {
  const kernel = kernelOf();
  const { error_set: errorSet } = kernel.guest as { error_set: (handle: bigint) => void };
  const handle = kernel.write(Uint8Array.of(0x61, 0xff, 0x62));
  errorSet(handle);
  assert.equal(kernel.error(), "a\u{fffd}b");
  kernel.free(handle);
  assert.equal(kernel.error(), undefined);
});

test("error() is at most 64 KiB, outputBytes is known before the output is copied", () => {
  const kernel = kernelOf();
  const guest = kernel.guest as Record<GuestName, (...values: bigint[]) => bigint>;
  const handle = kernel.write(Buffer.alloc(100_000, "a"));
  guest.error_set(handle);
  guest.output_set(handle, 100_000n);
  assert.equal(kernel.error()?.length, 65_536);
  assert.equal(kernel.outputBytes, 100_000);
});
