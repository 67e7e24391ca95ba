/**
 * Who attacks: a guest that gets the block memory of one that is gone. What must not happen: that it
 * finds anything there, or that the one that is gone still reaches it.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kernel } from "#runtime/sandbox/guest/kernel.ts";
import { Kernels } from "#runtime/sandbox/guest/kernels.ts";
import { testKernel } from "./harness.ts";

const module = await testKernel();
const ports = { grow: () => true };
const guestOf = ({ guest }: Kernel) =>
  guest as unknown as {
    alloc(bytes: bigint): bigint;
    load_u8(at: bigint): number;
    error_get(): bigint;
    error_set(at: bigint): void;
    input_length(): bigint;
    output_set(at: bigint, bytes: bigint): void;
  };

test("give() leaves nothing of the guest before to the next", () => {
  const kernels = new Kernels(module);
  const first = kernels.take(ports);
  first.setInput(Buffer.from("asked in secret"));
  const handle = first.write(Buffer.alloc(40_000, "secret"));
  guestOf(first).output_set(handle, 40_000n);
  guestOf(first).error_set(handle);
  kernels.give(first);

  const next = kernels.take(ports);
  assert.equal(next, first);
  assert.equal(next.usedBytes, 0);
  assert.equal(next.output().length, 0);
  assert.equal(next.error(), undefined);
  assert.equal(guestOf(next).input_length(), 0n);
  assert.equal(guestOf(next).error_get(), 0n);
  assert.equal(next.length(handle), 0);
  const block = guestOf(next).alloc(50_000n);
  assert.ok(next.read(block)?.every((byte) => byte === 0));
});

test("give() does not take a kernel twice", () => {
  const kernels = new Kernels(module);
  const kernel = kernels.take(ports);
  kernels.give(kernel);
  kernels.give(kernel);
  assert.notEqual(kernels.take(ports), kernels.take(ports));
});

test("give() does not keep a kernel that has grown", () => {
  const kernels = new Kernels(module);
  const grown = kernels.take(ports);
  assert.notEqual(grown.write(Buffer.alloc(200_000)), 0n);
  kernels.give(grown);
  assert.notEqual(kernels.take(ports), grown);
});

test("take() asks the guest that has the kernel now whether it may grow", () => {
  const kernels = new Kernels(module);
  const before: number[] = [];
  const after: number[] = [];
  const asks = (log: number[]) => ({ grow: (pages: number) => log.push(pages) > 0 });
  const kernel = kernels.take(asks(before));
  kernels.give(kernel);
  // Nobody has it: nobody can make it grow.
  assert.equal(kernel.write(Buffer.alloc(200_000)), 0n);
  assert.equal(kernels.take(asks(after)), kernel);
  assert.notEqual(kernel.write(Buffer.alloc(200_000)), 0n);
  assert.deepEqual([before.length, after.length], [0, 1]);
});
