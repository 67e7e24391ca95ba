/**
 * What a host function costs besides the bytes it moves, told in bytes: it takes about a
 * microsecond on a suspendable stack, most of it to leave WebAssembly and to make 64-bit numbers,
 * and so long takes a copy of this much.
 */
export const callBytes = 8 * 1024;

/** The same for one that moves nothing and makes nothing. */
export const glanceBytes = 512;
