import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  type Architecture,
  compileFilter,
  hasFilter,
  verdicts,
} from "#runtime/sandbox/walls/seccomp.ts";
import { allowed, deadly, refused, type Syscall } from "#runtime/sandbox/walls/syscalls.ts";

const auditNumbers = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;
const architectures = ["x64", "arm64"] as const;
const callsOf = (groups: typeof allowed): readonly Syscall[] =>
  groups.flatMap(({ calls }) => calls);
const everything = [...callsOf(allowed), ...callsOf(refused), ...callsOf(deadly)];

interface Asked {
  readonly number: number;
  readonly processor?: number;
  readonly given?: readonly number[];
}

/** Runs a filter as the kernel would, over what it shows of a call. */
function judge(architecture: Architecture, { number, processor, given = [] }: Asked): number {
  const filter = compileFilter(architecture);
  const program = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const shown = new DataView(new ArrayBuffer(64));
  shown.setUint32(0, number, true);
  shown.setUint32(4, processor ?? auditNumbers[architecture], true);
  for (const [index, value] of given.entries()) shown.setUint32(16 + index * 8, value, true);
  let accumulator = 0;
  for (let at = 0; at < program.byteLength / 8; at++) {
    const value = program.getUint32(at * 8 + 4, true);
    const [whenTrue, whenFalse] = [program.getUint8(at * 8 + 2), program.getUint8(at * 8 + 3)];
    switch (program.getUint16(at * 8, true)) {
      case 0x20:
        accumulator = shown.getUint32(value, true);
        break;
      case 0x54:
        accumulator = (accumulator & value) >>> 0;
        break;
      case 0x15:
        at += accumulator === value ? whenTrue : whenFalse;
        break;
      case 0x35:
        at += accumulator >= value ? whenTrue : whenFalse;
        break;
      case 0x06:
        return value;
      default:
        assert.fail(`an instruction that is not meant to be there at ${at}`);
    }
  }
  return assert.fail("the filter ends without an answer");
}

for (const architecture of architectures) {
  const column = architecture === "x64" ? 1 : 2;

  test(`compileFilter(${architecture}) answers every call as the table says`, () => {
    for (const [groups, verdict] of [
      [allowed, verdicts.allow],
      [refused, verdicts.refuse],
      [deadly, verdicts.kill],
    ] as const)
      for (const call of callsOf(groups)) {
        const number = call[column];
        if (number === null || call[3] !== undefined) continue;
        assert.equal(judge(architecture, { number }), verdict, call[0]);
      }
  });

  test(`compileFilter(${architecture}) does not know what the table does not name`, () => {
    const named = new Set(everything.map((call) => call[column]));
    for (let number = 0; number < 1_024; number++)
      if (!named.has(number))
        assert.equal(judge(architecture, { number }), verdicts.unknown, `${number}`);
  });

  test(`compileFilter(${architecture}) ends a process that calls as another processor`, () => {
    for (const call of everything) {
      const number = call[column];
      if (number === null) continue;
      assert.equal(judge(architecture, { number, processor: 0x4000_0003 }), verdicts.kill);
      assert.equal(judge(architecture, { number: 0x4000_0000 + number }), verdicts.kill, call[0]);
    }
  });

  const numberOf = (name: string): number => {
    const number = everything.find((call) => call[0] === name)?.[column];
    assert.ok(typeof number === "number");
    return number;
  };

  test(`compileFilter(${architecture}) lets threads be made and no processes or namespaces`, () => {
    const number = numberOf("clone");
    const thread = 0x3d0f00;
    const clone = (flags: number): number => judge(architecture, { number, given: [flags] });
    assert.equal(clone(thread), verdicts.allow);
    // SIGCHLD, as fork() asks, and vfork().
    for (const flags of [17, 0x4111, 0]) assert.equal(clone(flags), verdicts.refuse, `${flags}`);
    for (const space of [0x80, 1 << 17, 1 << 25, 1 << 26, 1 << 27, 1 << 28, 1 << 29, 1 << 30])
      assert.equal(clone(thread | space), verdicts.refuse, space.toString(16));
  });

  test(`compileFilter(${architecture}) lets files be opened for reading alone`, () => {
    const number = numberOf("openat");
    const open = (flags: number): number => judge(architecture, { number, given: [0, 0, flags] });
    for (const flags of [0, 0o2000000, 0o200000, 0o400000])
      assert.equal(open(flags), verdicts.allow);
    for (const flags of [1, 2, 3, 0o100, 0o1000, 0o20200002, 0o101])
      assert.equal(open(flags), verdicts.refuse, flags.toString(8));
  });

  test(`compileFilter(${architecture}) lets nobody type into a terminal`, () => {
    const number = numberOf("ioctl");
    assert.equal(judge(architecture, { number, given: [0, 0x5412] }), verdicts.refuse);
    assert.equal(judge(architecture, { number, given: [0, 0x5421] }), verdicts.allow);
  });
}

test("compileFilter() stays under what a kernel takes", () => {
  for (const each of architectures) assert.ok(compileFilter(each).length / 8 < 4_096);
});

test("hasFilter() knows the processors that it has numbers for", () => {
  assert.ok(hasFilter("x64") && hasFilter("arm64"));
  assert.ok(!hasFilter("ppc64") && !hasFilter("toString"));
});

test("the table names no call twice and gives no number to two", () => {
  for (const column of [0, 1, 2] as const) {
    const all = everything.map((call) => call[column]).filter((value) => value !== null);
    assert.deepEqual(
      all.filter((value, index) => all.indexOf(value) !== index),
      [],
    );
  }
});

const headers = [
  ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 1],
  ["/usr/include/asm-generic/unistd.h", 2],
] as const;
for (const [path, column] of headers) {
  const skip = existsSync(path) ? false : `NOT TESTED, the kernel's headers are not here (${path})`;
  test(`the table has the numbers of ${path}`, { skip }, () => {
    const lines = readFileSync(path, "utf8").matchAll(/#define __NR(?:3264)?_(\w+)\s+(\d+)/g);
    const numbers = new Map([...lines].map(([, name = "", number]) => [name, Number(number)]));
    numbers.set("newfstatat", numbers.get("newfstatat") ?? numbers.get("fstatat") ?? -1);
    for (const call of everything)
      assert.equal(numbers.get(call[0]) ?? null, call[column], call[0]);
  });
}
