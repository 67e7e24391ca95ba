/**
 * The attacker hands us a package. They want a file to land outside of it, to have it mean one thing to
 * whoever looks at it and another to the host, or to take the host's memory and time.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { HostError } from "#manifests/errors.ts";
import { packageLimits } from "#registry/limits.ts";
import { pack } from "#registry/pack.ts";
import { unpack } from "#registry/unpack.ts";
import { type ArchiveEntry, archiveOf, packed } from "#test/support/archive.ts";

const honest: ArchiveEntry = { path: "manifest.json", content: "{}" };
const invalid = { code: "PACKAGE_INVALID" };
const tooLarge = { code: "PACKAGE_TOO_LARGE" };

const paths: readonly (readonly [what: string, path: string])[] = [
  ["a folder above", "../evil"],
  ["a folder above from within", "assets/../../evil"],
  ["the folder itself", "./manifest.json"],
  ["an absolute path", "/etc/passwd"],
  ["a drive", "C:/evil"],
  ["a backslash", "assets\\..\\evil"],
  ["an empty part", "assets//evil"],
  ["a control character", "assets/a\u0007"],
  ["a line feed", "assets/a\nb"],
  ["a right-to-left mark", "assets/gpj\u202eexe.js"],
  ["a letter beyond ASCII", "assets/größe.txt"],
  ["a letter that only looks like ASCII", "mаnifest.json"],
  ["a dot at the end, which Windows drops", "manifest.json."],
  ["a blank at the end, which Windows drops", "manifest.json "],
  ["a device of Windows", "assets/con.txt"],
  ["another device of Windows", "assets/LPT1"],
  ["a stream of Windows", "manifest.json:evil"],
  ["a pattern of shells", "assets/*"],
  ["a dollar", "assets/$HOME"],
  ["more folders than are allowed", `${"a/".repeat(8)}b`],
  ["a part that is too long", `${"a".repeat(101)}/b`],
  ["too many characters", `${"a".repeat(75)}/${"b".repeat(74)}/${"c".repeat(99)}`],
];
for (const [what, path] of paths)
  test(`unpack() refuses a path with ${what}`, async () => {
    await assert.rejects(unpack(packed([honest, { path, content: "x" }])), invalid);
  });

const types = [
  "Link",
  "SymbolicLink",
  "CharacterDevice",
  "BlockDevice",
  "FIFO",
  "ContiguousFile",
  "ExtendedHeader",
  "GlobalExtendedHeader",
  "NextFileHasLongPath",
  "NextFileHasLongLinkpath",
  "OldGnuLongPath",
  "SparseFile",
  "GNUDumpDir",
  "SolarisACL",
  "TapeVolumeHeader",
];
for (const type of types)
  test(`unpack() refuses an entry of the type ${type}`, async () => {
    const entry = { path: "assets/evil", type, linkpath: /Link/.test(type) ? "/etc/passwd" : "" };
    await assert.rejects(unpack(packed([honest, entry])), invalid);
  });

test("unpack() refuses a path that is not the one of its header by way of an extension", async () => {
  const record = "23 path=../../evil.txt\n";
  const entries = [
    { path: "PaxHeader/x", type: "ExtendedHeader", content: record },
    { path: "assets/good.txt", content: "x" },
  ];
  await assert.rejects(unpack(packed([honest, ...entries])), invalid);
});

const twins: readonly (readonly [what: string, entries: readonly ArchiveEntry[]])[] = [
  ["one path twice", [honest, { ...honest, content: '{"evil":true}' }]],
  ["paths that differ in case", [honest, { ...honest, path: "Manifest.json" }]],
  ["a file where a folder is", [{ path: "assets/a" }, { path: "assets" }]],
  ["a folder where a file is", [{ path: "assets" }, { path: "assets/a" }]],
  ["a folder entry where a file is", [{ path: "a" }, { path: "a/", type: "Directory" }]],
  ["folders that differ in case", [{ path: "assets/a" }, { path: "Assets/b" }]],
];
for (const [what, entries] of twins)
  test(`unpack() refuses ${what}`, async () => {
    await assert.rejects(unpack(packed(entries)), invalid);
  });

const sizeAt = 124;
const magicAt = 257;
const forgeries: readonly (readonly [what: string, entry: ArchiveEntry])[] = [
  ["a wrong checksum", { ...honest, damage: (block) => block.write("X", 0) }],
  ["the old GNU form", { ...honest, forge: (block) => block.write("ustar  \0", magicAt) }],
  ["the form without a mark", { ...honest, forge: (block) => block.fill(0, magicAt, 265) }],
  ["a target on a regular file", { ...honest, linkpath: "/etc/passwd" }],
  ["a size beyond the end", { ...honest, forge: (block) => block.write("77777777777", sizeAt) }],
  ["a size in base 256", { ...honest, forge: (block) => block.write("\x80", sizeAt, "latin1") }],
  ["a negative size", { ...honest, forge: (block) => block.fill(0xff, sizeAt, sizeAt + 12) }],
  ["a size that is no number", { ...honest, forge: (block) => block.write("00000000xyz", sizeAt) }],
  ["a folder with content", { path: "assets/", type: "Directory", content: "x".repeat(512) }],
  ["a file whose name is a folder's", { path: "assets/", content: "x".repeat(512) }],
  ["something behind a file", { ...honest, padding: 0x41 }],
  ["an empty path", { path: "" }],
  ["a path with something behind its end", { ...honest, forge: (block) => block.write("x", 50) }],
];
for (const [what, entry] of forgeries)
  test(`unpack() refuses ${what}`, async () => {
    await assert.rejects(unpack(packed([entry])), invalid);
  });

test("unpack() refuses an archive without its end, and one with something after it", async () => {
  await assert.rejects(unpack(gzipSync(archiveOf([honest], 0))), invalid);
  await assert.rejects(unpack(gzipSync(archiveOf([honest], 512))), invalid);
  const second = archiveOf([{ path: "evil" }]);
  await assert.rejects(unpack(gzipSync(Buffer.concat([archiveOf([honest]), second]))), invalid);
  await assert.rejects(unpack(gzipSync(archiveOf([honest], 2 ** 20))), invalid);
  await assert.rejects(unpack(gzipSync(Buffer.alloc(0))), invalid);
});

test("unpack() takes an archive that is filled up to a whole record of tape", async () => {
  const archive = archiveOf([honest], 10_240 - 1_024);
  assert.deepEqual([...(await unpack(gzipSync(archive))).keys()], ["manifest.json"]);
});

const good = packed([honest]);
const trailer = good.length - 8;
const altered = (change: (bytes: Buffer) => void): Buffer => {
  const copy = Buffer.from(good);
  change(copy);
  return copy;
};
const streams: readonly (readonly [what: string, bytes: Buffer])[] = [
  ["nothing", Buffer.alloc(0)],
  ["an archive that is not compressed", archiveOf([honest])],
  ["a second gzip member", Buffer.concat([good, packed([{ path: "evil" }])])],
  ["an empty second gzip member", Buffer.concat([good, gzipSync("")])],
  ["bytes after the end", Buffer.concat([good, Buffer.from("x")])],
  ["zeros after the end", Buffer.concat([good, Buffer.alloc(512)])],
  ["a wrong checksum of the content", altered((bytes) => bytes.writeUInt32LE(1, trailer))],
  ["a wrong length of the content", altered((bytes) => bytes.writeUInt32LE(1, trailer + 4))],
  ["another method", altered((bytes) => bytes.writeUInt8(7, 2))],
  ["a reserved flag", altered((bytes) => bytes.writeUInt8(0x80, 3))],
  ["an extra field", altered((bytes) => bytes.writeUInt8(0x04, 3))],
  ["a comment", altered((bytes) => bytes.writeUInt8(0x10, 3))],
  ["a name that does not end", altered((bytes) => bytes.fill(0x41, 10).writeUInt8(0x08, 3))],
];
for (const [what, bytes] of streams)
  test(`unpack() refuses a stream with ${what}`, async () => {
    await assert.rejects(unpack(bytes), invalid);
  });

test("unpack() takes a stream that names the file it was made of", async () => {
  const named = Buffer.concat([good.subarray(0, 10), Buffer.from("a.tar\0"), good.subarray(10)]);
  named.writeUInt8(0x08, 3);
  assert.equal((await unpack(named)).size, 1);
});

test("unpack() refuses every package that was cut short", async () => {
  for (let length = 0; length < good.length; length++)
    await assert.rejects(unpack(good.subarray(0, length)), invalid, `${length} bytes`);
});

test("unpack() gives the same files or refuses when any bit of a package is flipped", async () => {
  const files = await unpack(good);
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bytes = altered((copy) =>
      copy.writeUInt8((copy[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3),
    );
    const outcome = await unpack(bytes).catch((error: unknown) => error);
    if (outcome instanceof Map) assert.deepEqual(outcome, files, `bit ${bit}`);
    else assert.ok(outcome instanceof HostError, `bit ${bit}: ${outcome}`);
  }
});

test("unpack() gives the same files or refuses when a header is flipped and signed again", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(511), fc.nat(255), async (at, byte) => {
      const forge = (block: Buffer): void => void block.writeUInt8(byte, at);
      const outcome = await unpack(packed([{ ...honest, forge }])).catch((error: unknown) => error);
      if (!(outcome instanceof Map)) return assert.ok(outcome instanceof HostError, `${outcome}`);
      for (const path of outcome.keys()) assert.match(path, /^[A-Za-z0-9_@+~ .,()/-]+$/);
    }),
    { numRuns: 500 },
  );
});

test("unpack() answers nothing but a refusal to bytes of chance", async () => {
  const noise = fc.uint8Array({ maxLength: 600 });
  await fc.assert(
    fc.asyncProperty(noise, fc.boolean(), async (bytes, isPacked) => {
      const given = isPacked ? gzipSync(bytes) : bytes;
      await assert.rejects(unpack(given), invalid);
    }),
    { numRuns: 300 },
  );
});

test("unpack() stops a bomb long before it has unpacked it", async () => {
  const zeros = Buffer.alloc(2 ** 28);
  const bomb = gzipSync(zeros);
  const before = process.memoryUsage().arrayBuffers;
  await assert.rejects(unpack(bomb), tooLarge);
  const size = 8 * 2 ** 20;
  const small = packed([honest, { path: "assets/zeros", content: Buffer.alloc(size) }]);
  assert.ok(size > packageLimits.ratioMax * small.length);
  await assert.rejects(unpack(small), tooLarge);
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 27);
});

test("unpack() refuses a package that is too large before it looks into it", async () => {
  await assert.rejects(unpack(Buffer.alloc(packageLimits.packedBytesMax + 1)), tooLarge);
});

test("unpack() refuses more entries than are allowed, folders included", async () => {
  const folders = (count: number): ArchiveEntry[] =>
    Array.from({ length: count }, (_, index) => ({ path: `d${index}/`, type: "Directory" }));
  const most = packageLimits.entriesMax - 1;
  assert.equal((await unpack(packed([honest, ...folders(most)]))).size, 1);
  await assert.rejects(unpack(packed([honest, ...folders(most + 1)])), tooLarge);
});

test("unpack() gives back what pack() was given", async () => {
  const segment = fc.stringMatching(/^[a-z0-9_@+~,()-]{1,12}$/);
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const files = fc.uniqueArray(fc.tuple(path, fc.uint8Array({ maxLength: 1_100 })), {
    // Two levels of folders that differ: no file is where a folder must be.
    selector: ([name]) => name.split("/")[0],
  });
  await fc.assert(
    fc.asyncProperty(files, async (entries) => {
      const given = new Map(entries.filter(([name]) => !/(^|\/)(con|prn|aux|nul)$/.test(name)));
      const found = await unpack(await pack(given));
      assert.deepEqual([...found.keys()], [...given.keys()].sort());
      for (const [name, bytes] of given)
        assert.deepEqual(Buffer.from(found.get(name) ?? ""), Buffer.from(bytes));
    }),
    { numRuns: 60 },
  );
});

test("pack() gives the same bytes in any order, with nothing of the machine in them", async () => {
  const files: [string, Uint8Array][] = [
    ["manifest.json", Buffer.from("{}")],
    ["assets/a.txt", Buffer.from("hello")],
  ];
  const bytes = await pack(new Map(files));
  assert.deepEqual(await pack(new Map(files.toReversed())), bytes);
  assert.equal(bytes.toString("hex", 0, 10), "1f8b08000000000000ff");
  // The archive inside is the same on every machine; how tight it is packed is the library's matter.
  assert.equal(crc32(gunzipSync(bytes)), 1_418_877_357);
});

test("pack() holds the longest paths, and refuses those that packages may not have", async () => {
  const one = async (path: string) =>
    [...(await unpack(await pack(new Map([[path, Buffer.from("x")]])))).keys()].join();
  const longest = `${"a".repeat(99)}/${"b".repeat(100)}`;
  assert.equal(longest.length, packageLimits.pathCharsMax);
  assert.equal(await one(longest), longest);
  for (const path of [`${longest}c`, "../evil", "a\\b", "", `${"a/".repeat(8)}b`])
    await assert.rejects(one(path), invalid, path);
  // Such a path has no slash where a header could divide it.
  const uneven = ["a".repeat(80), "b".repeat(76), "c".repeat(42)].join("/");
  await assert.rejects(one(uneven), invalid);
});
