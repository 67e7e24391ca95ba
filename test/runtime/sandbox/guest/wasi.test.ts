import assert from "node:assert/strict";
import { test } from "node:test";
import { WASI } from "node:wasi";
import { signatures, TestGuest } from "./wasi/wasi-guest.ts";

test("createWasi() has the 46 functions that Node's own has", async () => {
  const names = Object.keys(new TestGuest().wasi.imports).sort();
  assert.equal(names.length, 46);
  assert.deepEqual(names, Object.keys(signatures).sort());
  assert.deepEqual(names, Object.keys(new WASI({ version: "preview1" }).wasiImport).sort());
});

const badf = 8;
const fault = 21;
const inval = 28;
const notcapable = 76;

/** What each function answers a guest that has nothing, with memory to answer in. */
const answers: readonly (readonly [name: string, values: (number | bigint)[], answer: number])[] = [
  ["args_get", [0, 0], 0],
  ["environ_get", [0, 0], 0],
  ["sched_yield", [], 0],
  ["proc_raise", [6], 58],
  ["fd_prestat_get", [3, 0], badf],
  ["fd_prestat_dir_name", [3, 0, 8], badf],
  ["fd_prestat_get", [0, 0], badf],
  ["fd_close", [3], badf],
  ["fd_close", [-1], badf],
  ["fd_seek", [1, 0n, 0, 64], 70],
  ["fd_seek", [4, 0n, 0, 64], badf],
  ["fd_tell", [1, 64], 70],
  ["fd_advise", [1, 0n, 0n, 0], 70],
  ["fd_allocate", [1, 0n, 0n], 70],
  ["fd_pread", [0, 0, 0, 0n, 64], 70],
  ["fd_pwrite", [1, 0, 0, 0n, 64], 70],
  ["fd_sync", [1], 0],
  ["fd_datasync", [2], 0],
  ["fd_sync", [3], badf],
  ["fd_fdstat_set_flags", [1, 4], 0],
  ["fd_fdstat_set_rights", [1, 0n, 0n], 0],
  ["fd_filestat_set_size", [1, 0n], inval],
  ["fd_filestat_set_times", [1, 0n, 0n, 0], inval],
  ["fd_readdir", [1, 0, 0, 0n, 64], 54],
  ["fd_renumber", [1, 2], 58],
  ["fd_renumber", [7, 1], badf],
  ["fd_write", [0, 0, 0, 64], badf],
  ["fd_write", [3, 0, 0, 64], badf],
  ["fd_read", [1, 0, 0, 64], badf],
  ["path_create_directory", [3, 0, 1], notcapable],
  ["path_filestat_get", [3, 0, 0, 1, 64], notcapable],
  ["path_filestat_set_times", [3, 0, 0, 1, 0n, 0n, 0], notcapable],
  ["path_link", [3, 0, 0, 1, 3, 0, 1], notcapable],
  ["path_open", [3, 0, 0, 1, 0, 0n, 0n, 0, 64], notcapable],
  ["path_readlink", [3, 0, 1, 0, 1, 64], notcapable],
  ["path_remove_directory", [3, 0, 1], notcapable],
  ["path_rename", [3, 0, 1, 3, 0, 1], notcapable],
  ["path_symlink", [0, 1, 3, 0, 1], notcapable],
  ["path_unlink_file", [3, 0, 1], notcapable],
  ["sock_accept", [3, 0, 64], badf],
  ["sock_recv", [1, 0, 0, 0, 64, 64], 58],
  ["sock_send", [5, 0, 0, 0, 64], badf],
  ["sock_shutdown", [0, 0], 58],
];

test("a guest without files, sockets or processes is told so by number", async () => {
  const guest = new TestGuest();
  for (const [name, values, answer] of answers)
    assert.equal(await guest.call(name, ...values), answer, `${name}(${values})`);
});

/** Pointers that are out of bounds, or nearly, on a memory of 65,536 bytes. */
const wild = [65_536, 65_533, -1, -4, 0x7fffffff, -0x80000000];
const pointing: readonly (readonly [name: string, (pointer: number) => (number | bigint)[]])[] = [
  ["args_sizes_get", (pointer) => [pointer, 0]],
  ["args_sizes_get", (pointer) => [0, pointer]],
  ["environ_sizes_get", (pointer) => [0, pointer]],
  ["clock_res_get", (pointer) => [0, pointer]],
  ["clock_time_get", (pointer) => [1, 0n, pointer]],
  ["random_get", (pointer) => [pointer, 10]],
  ["fd_fdstat_get", (pointer) => [1, pointer]],
  ["fd_filestat_get", (pointer) => [1, pointer]],
  ["fd_read", (pointer) => [0, pointer, 1, 0]],
  ["fd_read", (pointer) => [0, 0, 0, pointer]],
  ["fd_write", (pointer) => [1, pointer, 1, 0]],
  ["fd_write", (pointer) => [1, 0, 0, pointer]],
  ["poll_oneoff", (pointer) => [pointer, 0, 1, 64]],
  ["poll_oneoff", (pointer) => [0, pointer, 1, 64]],
  ["poll_oneoff", (pointer) => [0, 0, 1, pointer]],
];

test("a pointer out of bounds is EFAULT everywhere, and nothing is written", async () => {
  const guest = new TestGuest();
  for (const [name, values] of pointing)
    for (const pointer of wild)
      assert.equal(
        await guest.call(name, ...values(pointer)),
        fault,
        `${name}(${values(pointer)})`,
      );
  guest.bytes.writeUInt32LE(65_000, 1_024);
  guest.bytes.writeUInt32LE(0xffff_ffff, 1_028);
  for (const name of ["fd_write", "fd_read"])
    assert.equal(await guest.call(name, name === "fd_read" ? 0 : 1, 1_024, 1, 0), fault);
  guest.wasi.flush();
  assert.deepEqual(guest.logs, []);
});

test("without a memory every function that needs one is EFAULT, the others work", async () => {
  const guest = new TestGuest(false);
  for (const [name, values] of pointing)
    assert.equal(await guest.call(name, ...values(0)), fault, name);
  assert.equal(await guest.call("sched_yield"), 0);
});

test("a memory that has grown is seen whole", async () => {
  const guest = new TestGuest();
  assert.equal(await guest.call("random_get", 65_536, 8), fault);
  await guest.call("grow");
  assert.equal(await guest.call("random_get", 131_064, 8), 0);
  assert.equal(guest.bytes[131_071], 0xa5);
  assert.equal(await guest.call("random_get", 131_065, 8), fault);
});

test("clock_time_get() is rounded down to 100 µs, and clocks it does not know are EINVAL", async () => {
  const guest = new TestGuest();
  guest.nowMs = 1_234.56789;
  assert.equal(await guest.call("clock_time_get", 0, 1n, 8), 0);
  assert.equal(guest.bytes.readBigUInt64LE(8), 1_700_000_000_000_500_000n);
  for (const id of [1, 2, 3]) {
    assert.equal(await guest.call("clock_time_get", id, 1n, 8), 0);
    assert.equal(guest.bytes.readBigUInt64LE(8), 1_234_500_000n);
  }
  assert.equal(await guest.call("clock_res_get", 1, 8), 0);
  assert.equal(guest.bytes.readBigUInt64LE(8), 100_000n);
  for (const id of [4, -1]) assert.equal(await guest.call("clock_time_get", id, 1n, 8), inval);
});

test("random_get() fills exactly what was asked, and at most 1 MiB", async () => {
  const guest = new TestGuest();
  assert.equal(await guest.call("random_get", 100, 50), 0);
  assert.deepEqual([...guest.bytes.subarray(98, 102)], [0, 0, 0xa5, 0xa5]);
  assert.deepEqual([...guest.bytes.subarray(148, 152)], [0xa5, 0xa5, 0, 0]);
  assert.equal(await guest.call("random_get", 0, 1024 * 1024 + 1), 1);
});

test("there are no arguments and no environment", async () => {
  const guest = new TestGuest();
  for (const name of ["args_sizes_get", "environ_sizes_get"]) {
    guest.bytes.fill(0xff, 8, 24);
    assert.equal(await guest.call(name, 8, 16), 0);
    assert.deepEqual([guest.bytes.readUInt32LE(8), guest.bytes.readUInt32LE(16)], [0, 0]);
  }
});

test("proc_exit() ends the guest with its code", async () => {
  const guest = new TestGuest();
  for (const code of [0, 3, -1])
    await assert.rejects(
      guest.call("proc_exit", code),
      (error) => guest.death.reasonOf(error) === code,
    );
});
