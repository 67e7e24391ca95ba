import assert from "node:assert/strict";
import { test } from "node:test";
import { TestGuest } from "./wasi-guest.ts";

const badf = 8;
const inval = 28;

test("fd_write() logs whole lines: output as info, errors as warnings", async () => {
  const guest = new TestGuest();
  assert.equal(await guest.write(1, "one\ntw", "o\r\n\nthr"), 13);
  assert.equal(await guest.write(2, "a warning\n"), 10);
  assert.deepEqual(guest.logs, [
    [2, "one"],
    [2, "two"],
    [3, "a warning"],
  ]);
  await guest.write(1, "ee \u{1f9}");
  guest.wasi.flush();
  guest.wasi.flush();
  assert.deepEqual(guest.logs.slice(3), [[2, "three \u{1f9}"]]);
});

test("fd_write() takes a bounded number of lines and bytes at a time", async () => {
  const guest = new TestGuest();
  await guest.call("grow");
  assert.equal(await guest.write(1, "x\n".repeat(5_000)), 512);
  assert.equal(guest.logs.length, 256);
  assert.equal(await guest.write(1, "y".repeat(70_000)), 65_536);
  assert.equal(await guest.write(1, "z"), 1);
  assert.equal(guest.logs.at(-1)?.[1].length, 65_536, "a line without end is cut");
  assert.ok(guest.charged >= 65_536);
  assert.equal(await guest.call("fd_write", 1, 0, 1_025, 512), inval);
  assert.equal(await guest.call("fd_write", 1, 0, -1, 512), inval);
});

test("fd_read() of standard input is at its end, and a closed stream is a bad one", async () => {
  const guest = new TestGuest();
  guest.bytes.writeUInt32LE(100, 4);
  guest.bytes.writeUInt32LE(7, 512);
  assert.equal(await guest.call("fd_read", 0, 0, 1, 512), 0);
  assert.equal(guest.bytes.readUInt32LE(512), 0);
  for (const fd of [0, 1, 2]) assert.equal(await guest.call("fd_close", fd), 0);
  assert.equal(await guest.call("fd_read", 0, 0, 1, 512), badf);
  assert.equal(await guest.call("fd_write", 1, 0, 0, 512), badf);
  assert.equal(await guest.call("fd_fdstat_get", 2, 512), badf);
  assert.equal(await guest.call("fd_close", 1), badf);
});

test("fd_fdstat_get() and fd_filestat_get() describe a terminal that cannot seek", async () => {
  const guest = new TestGuest();
  guest.bytes.fill(0xff, 0, 128);
  assert.equal(await guest.call("fd_fdstat_get", 1, 8), 0);
  assert.equal(guest.bytes[8], 2);
  assert.equal(guest.bytes.readBigUInt64LE(16) & 0b100100n, 0n, "neither seek nor tell");
  assert.equal(guest.bytes.readBigUInt64LE(24), 0n);
  assert.equal(guest.bytes[32], 0xff);
  assert.equal(await guest.call("fd_filestat_get", 1, 8), 0);
  assert.equal(guest.bytes[24], 2);
  assert.equal(guest.bytes[72], 0xff);
});
