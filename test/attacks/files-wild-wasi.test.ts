/** Attacks on WASI with folders: any function with any numbers, on memory full of anything. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { errno } from "#runtime/sandbox/guest/wasi/errno.ts";
import { openFolders } from "#test/support/folders.ts";
import { FolderGuest, oflags } from "../runtime/sandbox/guest/wasi/folder-guest.ts";
import { signatures } from "../runtime/sandbox/guest/wasi/wasi-guest.ts";

const skip = process.platform === "win32";
const answers = new Set<unknown>(Object.values(errno));
const names = Object.keys(signatures).filter(
  (name) => (name.startsWith("fd_") || name.startsWith("path_")) && name !== "fd_close",
);

/** Numbers that a guest would try: descriptors, places in its memory, and the edges of both. */
const small = fc.oneof(
  fc.nat(8),
  fc.constantFrom(512, 1_024, 8_192, 16_384, 32_768, 65_535, 65_536, -1, 0x7fffffff, -0x80000000),
  fc.integer(),
);
const large = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt(0n, 128n));

const calls = fc.array(
  fc.constantFrom(...names).chain((name) => {
    const letters = [...(signatures[name] ?? "")];
    const values = letters.map((letter) => (letter === "i" ? small : large));
    return fc.record({ name: fc.constant(name), values: fc.tuple(...values) });
  }),
  { maxLength: 30 },
);

test("no numbers make a function of files throw, or reach what is outside", { skip }, async () => {
  await using folders = await openFolders();
  const property = fc.asyncProperty(
    calls,
    fc.uint8Array({ maxLength: 4_096 }),
    async (all, bytes) => {
      const it = new FolderGuest(["cache", "notes"], folders);
      for (const path of ["a", "b"]) await it.open(path, { flags: oflags.create });
      it.guest.bytes.set(bytes, 1_024);
      it.guest.bytes.write("../../outside/secret", 8_192);
      it.guest.bytes.write("a/../b", 16_384);
      for (const { name, values } of all) {
        const answer = await it.guest.call(name, ...(values as (number | bigint)[]));
        assert(answers.has(answer), `${name}(${values}) answered ${answer}`);
      }
      await it.guest.wasi.settle();
      it.guest.wasi.flush();
    },
  );
  await fc.assert(property, { numRuns: 150 });
  assert.deepEqual(await readdir(folders.outside), ["secret"]);
  assert.equal(await readFile(join(folders.outside, "secret"), "utf8"), "secret");
});
