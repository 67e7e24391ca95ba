import { allowed, type Condition, deadly, refused, type Syscall } from "./syscalls.ts";

/** Processors that a filter can be made for. */
export type Architecture = "x64" | "arm64";

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64. @see https://man7.org/linux/man-pages/man2/seccomp.2.html */
const architectures: Readonly<Record<Architecture, number>> = {
  x64: 0xc000_003e,
  arm64: 0xc000_00b7,
};
/** Numbers from here on are the x32 ABI, the same calls by another way. */
const x32 = 0x4000_0000;

/** What the kernel does with a call. */
export const verdicts = {
  allow: 0x7fff_0000,
  /** SECCOMP_RET_ERRNO with EPERM. */
  refuse: 0x0005_0001,
  /** SECCOMP_RET_ERRNO with ENOSYS: as if the kernel did not know it. */
  unknown: 0x0005_0026,
  /** SECCOMP_RET_KILL_PROCESS. */
  kill: 0x8000_0000,
} as const;

/** Instructions of classic BPF. @see https://docs.kernel.org/networking/filter.html */
const load = 0x20;
const jumpIfEqual = 0x15;
const jumpIfAtLeast = 0x35;
const and = 0x54;
const answer = 0x06;
/** Where a call's number, its processor and its arguments lie in what a filter is shown. */
const numberAt = 0;
const processorAt = 4;
const argumentsAt = 16;

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number];

/** Returns whether a filter can be made for this processor. */
export function hasFilter(architecture: string): architecture is Architecture {
  return Object.hasOwn(architectures, architecture);
}

/**
 * Returns the filter as the kernel takes it: classic BPF, in the byte order of both processors.
 *
 * A call that is not in the tables answers ENOSYS; calls of another processor end the process.
 */
export function compileFilter(architecture: Architecture): Uint8Array {
  const column = architecture === "x64" ? 1 : 2;
  const rules = [
    ...[allowed, refused, deadly].flatMap((groups, index) => {
      const verdict = [verdicts.allow, verdicts.refuse, verdicts.kill][index] ?? verdicts.kill;
      return groups.flatMap(({ calls }) => calls.flatMap((call) => rule(call, column, verdict)));
    }),
  ];
  return encode([
    [load, 0, 0, processorAt],
    [jumpIfEqual, 1, 0, architectures[architecture]],
    [answer, 0, 0, verdicts.kill],
    [load, 0, 0, numberAt],
    [jumpIfAtLeast, 0, 1, x32],
    [answer, 0, 0, verdicts.kill],
    ...rules,
    [answer, 0, 0, verdicts.unknown],
  ]);
}

function rule(call: Syscall, column: 1 | 2, verdict: number): readonly Instruction[] {
  const number = call[column];
  if (number === null) return [];
  const body: Instruction[] = [...(call[3] ?? []).flatMap(condition), [answer, 0, 0, verdict]];
  return [[jumpIfEqual, 0, body.length, number], ...body];
}

/** Refuses the call unless the argument is one of those named, and goes on behind it. */
function condition({ argument, mask, oneOf }: Condition): readonly Instruction[] {
  const masked: Instruction[] = mask === undefined ? [] : [[and, 0, 0, mask]];
  const choices = oneOf.map((value, index): Instruction => {
    const beyond = oneOf.length - index;
    return [jumpIfEqual, beyond, 0, value];
  });
  return [
    [load, 0, 0, argumentsAt + argument * 8],
    ...masked,
    ...choices,
    [answer, 0, 0, verdicts.refuse],
  ];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, [code, whenTrue, whenFalse, value]] of program.entries()) {
    bytes.setUint16(index * 8, code, true);
    bytes.setUint8(index * 8 + 2, whenTrue);
    bytes.setUint8(index * 8 + 3, whenFalse);
    bytes.setUint32(index * 8 + 4, value, true);
  }
  return new Uint8Array(bytes.buffer);
}
