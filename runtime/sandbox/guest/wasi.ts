import { callBytes } from "./price.ts";
import { clockStepNs, clockTime } from "./wasi/clocks.ts";
import { type Errno, errno } from "./wasi/errno.ts";
import type { FolderPorts } from "./wasi/folder-ports.ts";
import { createFolders, type Phased } from "./wasi/folders.ts";
import { GuestMemory } from "./wasi/memory.ts";
import { createPoll, type PollPorts } from "./wasi/poll.ts";
import { createStdio, type StdioPorts } from "./wasi/stdio.ts";

/** What WASI does outside the guest. */
export interface WasiPorts extends PollPorts, StdioPorts, FolderPorts {
  /** Fills an array of at most 64 KiB with random bytes. */
  random(bytes: Uint8Array<ArrayBuffer>): void;
  /** Ends the guest with a code, by an error that it cannot catch. */
  exit(code: number): never;
  /** What the functions of folders stand behind; undefined for a guest without folders. */
  readonly gate: Phased | undefined;
}

/** WASI preview 1 for one instance. */
export interface Wasi {
  /** All 46 functions. `poll_oneoff` suspends, and those of files where there are folders. */
  readonly imports: WebAssembly.ModuleImports;
  /**
   * Takes the memory that the guest exports. Until then, as in a start section, and without one,
   * every function that needs it answers EFAULT.
   */
  bind(memory: WebAssembly.Memory | undefined): void;
  /**
   * Writes files that the guest left open, when its call has ended well; undefined when there is nothing
   * to write. Rejects with what ends the guest meanwhile.
   */
  settle(): Promise<void> | undefined;
  /**
   * Logs what the guest wrote without ending the line, and forgets what it knew of files; to be called
   * when a call ends, however it did.
   */
  flush(): void;
}

/** What one `random_get` gives at most; libraries ask for 256 bytes, and no seed is as long. */
const randomBytesMax = 1024 * 1024;
const randomChunkBytes = 64 * 1024;
/** Making a random byte takes about as long as copying so many. */
const randomPrice = 8;

/**
 * Creates WASI preview 1 for an instance: clocks, random, standard streams to the log, the folders that
 * its manifest asks for, no arguments, no environment, no sockets. All else is refused with the number
 * for it.
 *
 * @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 */
export function createWasi(ports: WasiPorts): Wasi {
  const memory = new GuestMemory();
  const stdio = createStdio(memory, ports);
  // Without folders nothing of files ever waits, and nothing is suspendable.
  const exit = (code: number): never => ports.exit(code);
  const folders = ports.gate && createFolders(memory, ports, ports.gate, stdio.functions, exit);
  return {
    imports: {
      ...stdio.functions,
      ...listFunctions(memory),
      ...clockFunctions(memory, ports),
      ...refusals(),
      poll_oneoff: createPoll(memory, ports),
      random_get: (pointer: number, length: number) => random(memory, ports, pointer, length),
      proc_exit: exit,
      sched_yield: (): Errno => errno.success,
      ...folders?.imports,
    },
    bind: (exported) => memory.bind(exported),
    settle: () => folders?.settle(),
    flush() {
      stdio.flush();
      folders?.forget();
    },
  };
}

/** Arguments and environment, of which there are none. */
function listFunctions(memory: GuestMemory): WebAssembly.ModuleImports {
  const get = (): Errno => errno.success;
  const sizes = (count: number, bytes: number): Errno =>
    memory.setU32(count, 0) && memory.setU32(bytes, 0) ? errno.success : errno.fault;
  return { args_get: get, args_sizes_get: sizes, environ_get: get, environ_sizes_get: sizes };
}

function clockFunctions(memory: GuestMemory, ports: WasiPorts): WebAssembly.ModuleImports {
  return {
    clock_res_get(id: number, pointer: number): Errno {
      if (clockTime(ports, id) === undefined) return errno.inval;
      return memory.setU64(pointer, clockStepNs) ? errno.success : errno.fault;
    },
    clock_time_get(id: number, _precision: bigint, pointer: number): Errno {
      ports.charge(callBytes);
      const time = clockTime(ports, id);
      if (time === undefined) return errno.inval;
      return memory.setU64(pointer, time) ? errno.success : errno.fault;
    },
  };
}

function random(memory: GuestMemory, ports: WasiPorts, pointer: number, length: number): Errno {
  if (length >>> 0 > randomBytesMax) return errno.tooBig;
  const bytes = memory.bytes(pointer, length);
  if (bytes === undefined) return errno.fault;
  ports.charge(callBytes + randomPrice * bytes.length);
  for (let at = 0; at < bytes.length; at += randomChunkBytes)
    ports.random(bytes.subarray(at, at + randomChunkBytes));
  return errno.success;
}

/** Without a directory no path can be named; without a socket none can be used. */
function refusals(): WebAssembly.ModuleImports {
  const answering = (answer: Errno) => () => answer;
  const onSocket = (fd: number): Errno => (fd >>> 0 < 3 ? errno.notsup : errno.badf);
  return {
    path_create_directory: answering(errno.notcapable),
    path_filestat_get: answering(errno.notcapable),
    path_filestat_set_times: answering(errno.notcapable),
    path_link: answering(errno.notcapable),
    path_open: answering(errno.notcapable),
    path_readlink: answering(errno.notcapable),
    path_remove_directory: answering(errno.notcapable),
    path_rename: answering(errno.notcapable),
    path_symlink: answering(errno.notcapable),
    path_unlink_file: answering(errno.notcapable),
    proc_raise: answering(errno.notsup),
    sock_accept: onSocket,
    sock_recv: onSocket,
    sock_send: onSocket,
    sock_shutdown: onSocket,
  };
}
