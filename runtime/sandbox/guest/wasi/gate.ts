/** Parameters of the functions that may wait, as letters: i is i32, l is i64. All but one give an i32. */
const waiting: Readonly<Record<string, string>> = {
  ...{ fd_allocate: "ill", fd_close: "i", fd_datasync: "i", fd_fdstat_set_flags: "ii" },
  ...{ fd_filestat_get: "ii", fd_filestat_set_size: "il", fd_pread: "iiili", fd_pwrite: "iiili" },
  ...{ fd_read: "iiii", fd_readdir: "iiili", fd_renumber: "ii", fd_seek: "ilii", fd_sync: "i" },
  ...{ fd_write: "iiii", path_create_directory: "iii", path_filestat_get: "iiiii" },
  ...{ path_filestat_set_times: "iiiilli", path_open: "iiiiillii", path_readlink: "iiiiii" },
  ...{ path_remove_directory: "iii", path_rename: "iiiiii", path_unlink_file: "iii" },
  // It writes what is held back, and does not come back.
  proc_exit: "i",
};

/** What stands between a guest and the functions that may wait. */
export interface Gate {
  readonly module: WebAssembly.Module;
  /** Those of the functions that the guest imports. */
  readonly names: readonly string[];
}

const code = { i32: 0x7f, i64: 0x7e, func: 0x60, global: 3, mutable: 1 } as const;
const op = {
  get: 0x20,
  global: 0x23,
  call: 0x10,
  const: 0x41,
  eqz: 0x45,
  ltU: 0x49,
  or: 0x72,
} as const;
const block = { if: 0x04, else: 0x05, end: 0x0b, nothing: 0x40 } as const;
/** Descriptors of the standard streams are below this one. */
const firstFolder = 3;

/**
 * Returns a module that stands between a guest and those of the functions that may wait which it imports.
 *
 * A suspending import may not even be called while a guest is being made, and costs a microsecond later.
 * For each function this module takes one that never waits and one that does, and calls the first while
 * `phase` is 0, and for the standard streams:
 *
 * (func (export "fd_sync") (param i32) (result i32)
 *   (if (result i32) (i32.or (i32.eqz (global.get $phase)) (i32.lt_u (local.get 0) (i32.const 3)))
 *     (then (call $plain (local.get 0))) (else (call $waiting (local.get 0)))))
 */
export function createGate(imported: readonly string[]): Gate {
  const names = [...new Set(imported)].filter((name) => Object.hasOwn(waiting, name));
  return { names, module: new WebAssembly.Module(bytesOf(names)) };
}

function bytesOf(names: readonly string[]): Uint8Array<ArrayBuffer> {
  const types = names.map((name) => [
    ...[code.func, ...list(letters(name)), ...list(resultsOf(name))],
  ]);
  const taken = names.flatMap((name, type) => [
    [...text("plain"), ...text(name), 0, ...number(type)],
    [...text("waiting"), ...text(name), 0, ...number(type)],
  ]);
  const phase = [...text("meter"), ...text("phase"), code.global, code.i32, code.mutable];
  const given = names.map((name, at) => [...text(name), 0, ...number(2 * names.length + at)]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(2, [phase, ...taken]),
    ...section(
      3,
      names.map((_, type) => number(type)),
    ),
    ...section(7, given),
    ...section(
      10,
      names.map((name, at) => list(bodyOf(name, 2 * at))),
    ),
  ]);
}

function bodyOf(name: string, plain: number): number[] {
  const values = letters(name).flatMap((_, at) => [op.get, at]);
  const isEarly = [op.global, 0, op.eqz];
  const isStream = [op.get, 0, op.const, firstFolder, op.ltU, op.or];
  return [
    ...[0, ...isEarly, ...(name.startsWith("fd_") ? isStream : [])],
    ...[block.if, resultsOf(name)[0] ?? block.nothing, ...values, op.call, ...number(plain)],
    ...[block.else, ...values, op.call, ...number(plain + 1), block.end, block.end],
  ];
}

function resultsOf(name: string): number[] {
  return name === "proc_exit" ? [] : [code.i32];
}

function letters(name: string): number[] {
  return [...(waiting[name] ?? "")].map((letter) => (letter === "i" ? code.i32 : code.i64));
}

function section(id: number, entries: readonly (readonly number[])[]): number[] {
  return [id, ...list([...number(entries.length), ...entries.flat()])];
}

/** Bytes with their count before them. */
function list(bytes: readonly number[]): number[] {
  return [...number(bytes.length), ...bytes];
}

function text(name: string): number[] {
  return list([...Buffer.from(name)]);
}

/** A number below 2^14, as LEB128. */
function number(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
}
