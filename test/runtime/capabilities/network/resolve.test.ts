import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createHostsFile } from "#runtime/capabilities/network/hosts-file.ts";
import { addressesOf, createResolve } from "#runtime/capabilities/network/resolve.ts";
import { temporaryFolder } from "#test/support/home.ts";

const signal = new AbortController().signal;

test("createHostsFile() finds names in the machine's list, and reads it again after a while", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "hosts");
  const clock = { now: 0 };
  const find = createHostsFile(path, () => clock.now);
  assert.deepEqual(await find("db"), []);
  await writeFile(
    path,
    "127.0.0.1 localhost\n10.0.0.5\tDB db.test # of the house\n# 1.2.3.4 no\nfd00::5 db\n",
  );
  assert.deepEqual(await find("db"), []);
  clock.now = 5_001;
  assert.deepEqual(await find("db"), ["10.0.0.5", "fd00::5"]);
  assert.deepEqual(await find("db.test"), ["10.0.0.5"]);
  for (const name of ["no", "#", "10.0.0.5", "", "constructor"])
    assert.deepEqual(await find(name), []);
});

test("createResolve() asks nobody for a name that the machine knows", async () => {
  const resolve = createResolve(async (name) => (name === "db" ? ["10.0.0.5"] : []));
  assert.deepEqual(await resolve("db", signal), ["10.0.0.5"]);
});

test("createResolve() says that a name has no address, and ends with the request", async () => {
  const resolve = createResolve(async () => []);
  await assert.rejects(resolve("no.such.invalid", signal), { code: "NETWORK_FAILED" });
  const over = new AbortController();
  const asked = resolve("slow.invalid", over.signal);
  over.abort();
  await assert.rejects(asked, { code: "NETWORK_FAILED" });
});

test("createResolve() looks at sixteen addresses of a name and no more", async () => {
  const many = Array.from({ length: 40 }, (_, index) => `10.0.0.${index}`);
  const resolve = createResolve(async () => many);
  assert.equal((await resolve("many.test", signal)).length, 16);
});

test("addressesOf() asks nobody for an address, nor for this machine", async () => {
  const never = () => Promise.reject(new TypeError("asked"));
  for (const [host, addresses] of [
    ["8.8.8.8", ["8.8.8.8"]],
    ["[::1]", ["::1"]],
    ["localhost", ["127.0.0.1", "::1"]],
    ["a.b.localhost", ["127.0.0.1", "::1"]],
  ] as const)
    assert.deepEqual(await addressesOf(host, never, signal), addresses);
  await assert.rejects(addressesOf("localhost.test", never, signal), /asked/);
});
