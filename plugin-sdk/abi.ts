/**
 * What the host and the guests' kits agree on, as data; `abi.md` says it in prose.
 *
 * The block functions are the Extism ABI, so that the kits of that project work here unchanged.
 */

/** Import module of the built-in functions. */
export const envModule = "extism:host/env";

/** Import module of the functions that capabilities provide. */
export const userModule = "extism:host/user";

/** Import module of WASI preview 1. */
export const wasiModule = "wasi_snapshot_preview1";

/** A value type of WebAssembly that crosses the border. */
export type ValueType = "i32" | "i64" | "f32" | "f64";

/** Parameters and results of a function that crosses the border. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const taking = (...params: ValueType[]) => ({
  giving: (...results: ValueType[]): Signature => ({ params, results }),
});

/** Every function of `extism:host/env`. A handle or an offset is an i64; 0 is none. */
export const envFunctions = {
  alloc: taking("i64").giving("i64"),
  free: taking("i64").giving(),
  length: taking("i64").giving("i64"),
  length_unsafe: taking("i64").giving("i64"),
  load_u8: taking("i64").giving("i32"),
  load_u64: taking("i64").giving("i64"),
  store_u8: taking("i64", "i32").giving(),
  store_u64: taking("i64", "i64").giving(),
  input_length: taking().giving("i64"),
  input_offset: taking().giving("i64"),
  input_load_u8: taking("i64").giving("i32"),
  input_load_u64: taking("i64").giving("i64"),
  output_set: taking("i64", "i64").giving(),
  error_set: taking("i64").giving(),
  error_get: taking().giving("i64"),
  config_get: taking("i64").giving("i64"),
  var_get: taking("i64").giving("i64"),
  var_set: taking("i64", "i64").giving(),
  http_request: taking("i64", "i64").giving("i64"),
  http_status_code: taking().giving("i32"),
  http_headers: taking().giving("i64"),
  log_trace: taking("i64").giving(),
  log_debug: taking("i64").giving(),
  log_info: taking("i64").giving(),
  log_warn: taking("i64").giving(),
  log_error: taking("i64").giving(),
  get_log_level: taking().giving("i32"),
} as const satisfies Record<string, Signature>;

/** The name of a function of `extism:host/env`. */
export type EnvFunction = keyof typeof envFunctions;

/** The one signature of every function of `extism:host/user`: a block in, a new block out. */
export const userSignature: Signature = taking("i64").giving("i64");

/** What `get_log_level` answers: a guest logs what is at least as high; `off` is never reached. */
export const logLevels = {
  trace: 0,
  debug: 1,
  info: 2,
  warn: 3,
  error: 4,
  off: 0x7fffffff,
} as const;

/** The name of a log level. */
export type LogLevel = keyof typeof logLevels;

/**
 * What a function of `extism:host/user` answers, as UTF-8 JSON.
 *
 * Bytes too many for JSON travel in blocks: the request and the answer may carry a member `blocks`,
 * a list of handles as decimal strings or safe integers. Blocks of a request stay the guest's,
 * those of an answer become the guest's.
 */
export type Answer =
  | { readonly ok: unknown; readonly blocks?: readonly (string | number)[] }
  | { readonly error: { readonly code: string; readonly message: string } };

/** Bounds of the envelope. */
export const envelope = {
  /** Longest JSON of a request or an answer: 1 MiB; what is longer travels in blocks. */
  jsonBytesMax: 1024 * 1024,
  /** Deepest nesting of that JSON. */
  depthMax: 64,
  /** Most blocks beside one JSON. */
  blocksMax: 16,
  /** Most bytes in all of them: the highest input that an operator can allow. */
  blockBytesMax: 64 * 1024 * 1024,
} as const;

/**
 * The functions of WASI preview 1. All are linked; those for files reach the folders that a manifest asks
 * for, as far as they were granted, and those for sockets refuse.
 *
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 */
export const wasiFunctions: readonly string[] = [
  ...["args_get", "args_sizes_get", "environ_get", "environ_sizes_get"],
  ...["clock_res_get", "clock_time_get", "poll_oneoff", "random_get", "sched_yield"],
  ...["fd_advise", "fd_allocate", "fd_close", "fd_datasync", "fd_fdstat_get"],
  ...["fd_fdstat_set_flags", "fd_fdstat_set_rights", "fd_filestat_get", "fd_filestat_set_size"],
  ...["fd_filestat_set_times", "fd_pread", "fd_prestat_dir_name", "fd_prestat_get", "fd_pwrite"],
  ...["fd_read", "fd_readdir", "fd_renumber", "fd_seek", "fd_sync", "fd_tell", "fd_write"],
  ...["path_create_directory", "path_filestat_get", "path_filestat_set_times", "path_link"],
  ...["path_open", "path_readlink", "path_remove_directory", "path_rename", "path_symlink"],
  ...["path_unlink_file", "proc_exit", "proc_raise"],
  ...["sock_accept", "sock_recv", "sock_send", "sock_shutdown"],
];
