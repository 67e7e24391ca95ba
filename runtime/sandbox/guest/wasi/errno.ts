/**
 * The error numbers of WASI preview 1 that this host answers.
 *
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#errno
 */
export const errno = {
  success: 0,
  tooBig: 1,
  badf: 8,
  fault: 21,
  inval: 28,
  notdir: 54,
  notsup: 58,
  spipe: 70,
  notcapable: 76,
} as const;

/** One of those numbers. */
export type Errno = (typeof errno)[keyof typeof errno];
