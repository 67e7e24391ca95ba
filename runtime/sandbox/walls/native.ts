/** Errors by which a kernel refuses. @see https://man7.org/linux/man-pages/man3/errno.3.html */
const refusals: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  3: "ESRCH",
  13: "EACCES",
  30: "EROFS",
  38: "ENOSYS",
  97: "EAFNOSUPPORT",
};

/** A system call without Node in between, by number; its arguments are numbers. */
export type NativeCall = (number: number, ...given: readonly number[]) => void;

/** What is thrown for a call that the kernel refused. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/**
 * Returns what makes system calls as an attacker with native code would.
 *
 * They throw `Refused` where the kernel refuses; any other answer, also a complaint about the
 * arguments, means that it was ready to do it.
 */
export async function nativeCalls(): Promise<NativeCall> {
  const { dlopen, getInt32 } = await import("node:ffi");
  // The libraries that this process has loaded already.
  const { functions } = dlopen(null, {
    syscall: { arguments: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], return: "i64" },
    __errno_location: { arguments: [], return: "pointer" },
  });
  return (number, ...given) => {
    const at = (index: number): bigint => BigInt(given[index] ?? 0);
    const own = [at(0), at(1), at(2), at(3), at(4), at(5)] as const;
    if (functions.syscall(BigInt(number), ...own) !== -1n) return;
    const code = refusals[getInt32(functions.__errno_location())];
    if (code !== undefined) throw new Refused(code);
  };
}
