/**
 * The error numbers of WASI preview 1 that this host answers.
 *
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#errno
 */
export const errno = {
  success: 0,
  tooBig: 1,
  badf: 8,
  dquot: 19,
  exist: 20,
  fault: 21,
  fbig: 22,
  ilseq: 25,
  inval: 28,
  io: 29,
  isdir: 31,
  mfile: 33,
  nametoolong: 37,
  noent: 44,
  nospc: 51,
  notdir: 54,
  notempty: 55,
  notsup: 58,
  perm: 63,
  spipe: 70,
  stale: 72,
  xdev: 75,
  notcapable: 76,
} as const;

/** One of those numbers. */
export type Errno = (typeof errno)[keyof typeof errno];

const ofCode: Readonly<Record<string, Errno>> = {
  CAPABILITY_DENIED: errno.notcapable,
  NOT_IN_A_CALL: errno.notcapable,
  PATH_REFUSED: errno.perm,
  PATH_NOT_FOUND: errno.noent,
  PATH_EXISTS: errno.exist,
  PATH_NOT_FILE: errno.isdir,
  PATH_NOT_FOLDER: errno.notdir,
  PATH_CHANGED: errno.stale,
  FOLDER_NOT_EMPTY: errno.notempty,
  FILES_FULL: errno.dquot,
  FILES_UNSUPPORTED: errno.notsup,
  STORAGE_FULL: errno.nospc,
  HOST_REQUEST_INVALID: errno.inval,
};

/** Returns the number for what the host answered; an input or output error when there is none. */
export function errnoOfCode(code: string): Errno {
  return ofCode[code] ?? errno.io;
}
