import assert from "node:assert/strict";
import { test } from "node:test";
import { TestGuest } from "./wasi-guest.ts";

const badf = 8;
const inval = 28;
const monotonic = 1;
const clock = { tag: 0, relative: 0, absolute: 1 };

/** Writes a subscription to a clock at its place in a list that starts at 1,024. */
function subscribe(guest: TestGuest, index: number, id: number, ns: bigint, flags: number): void {
  const at = 1_024 + 48 * index;
  guest.bytes.fill(0, at, at + 48).writeBigUInt64LE(BigInt(100 + index), at);
  guest.bytes.writeUInt8(clock.tag, at + 8);
  guest.bytes.writeUInt32LE(id, at + 16);
  guest.bytes.writeBigUInt64LE(ns, at + 24);
  guest.bytes.writeUInt16LE(flags, at + 40);
}

function subscribeStream(guest: TestGuest, index: number, tag: number, fd: number): void {
  subscribe(guest, index, fd, 0n, 0);
  guest.bytes.writeUInt8(tag, 1_024 + 48 * index + 8);
}

/** Polls and returns the events as [userdata, error, type]. */
async function poll(guest: TestGuest, count: number): Promise<number[][]> {
  assert.equal(await guest.call("poll_oneoff", 1_024, 32_768, count, 512), 0);
  return Array.from({ length: guest.bytes.readUInt32LE(512) }, (_, index) => {
    const at = 32_768 + 32 * index;
    const userdata = Number(guest.bytes.readBigUInt64LE(at));
    return [userdata, guest.bytes.readUInt16LE(at + 8), guest.bytes.readUInt8(at + 10)];
  });
}

test("poll_oneoff() sleeps until the earliest clock and tells that one", async () => {
  const guest = new TestGuest();
  subscribe(guest, 0, monotonic, 50_000_000n, clock.relative);
  subscribe(guest, 1, monotonic, 2_500_000n, clock.relative);
  subscribe(guest, 2, monotonic, 1_002_500_000n, clock.absolute);
  assert.deepEqual(await poll(guest, 3), [
    [101, 0, 0],
    [102, 0, 0],
  ]);
  assert.deepEqual(guest.slept, [2.5]);
});

test("poll_oneoff() does not sleep for what is past or ready", async () => {
  const guest = new TestGuest();
  subscribe(guest, 0, monotonic, 1n, clock.absolute);
  subscribeStream(guest, 1, 1, 0);
  subscribeStream(guest, 2, 2, 1);
  subscribeStream(guest, 3, 2, 9);
  subscribe(guest, 4, 17, 0n, clock.relative);
  subscribe(guest, 5, monotonic, 10n ** 12n, clock.relative);
  assert.deepEqual(await poll(guest, 6), [
    [100, 0, 0],
    [101, 0, 1],
    [102, 0, 2],
    [103, badf, 2],
    [104, inval, 0],
  ]);
  assert.deepEqual(guest.slept, []);
});

test("poll_oneoff() bounds what is waited for and how long", async () => {
  const guest = new TestGuest();
  assert.equal(await guest.call("poll_oneoff", 0, 0, 0, 512), inval);
  assert.equal(await guest.call("poll_oneoff", 0, 0, 1_025, 512), inval);
  assert.equal(await guest.call("poll_oneoff", 0, 0, -1, 512), inval);
  subscribe(guest, 0, monotonic, 2n ** 64n - 1n, clock.relative);
  await poll(guest, 1);
  assert.deepEqual(guest.slept, [86_400_000]);
});
