import type { NativeCall } from "./native.ts";
import { deadly, refused, type SyscallGroup } from "./syscalls.ts";
import type { WallName } from "./wall.ts";

/** What an attacker inside a runner would like to reach. */
export interface Prey {
  /** Process number of the host. */
  readonly pid: number;
  /** Port on 127.0.0.1 where the host listens. */
  readonly port: number;
  /** A file and a folder of the host, absolute. */
  readonly file: string;
  readonly folder: string;
}

/** One attempt to break out of a runner, as arbitrary code in it would make it. */
export interface Attempt {
  /** What it tries, in the form "…to read a file". */
  readonly name: string;
  /** The walls that each hold it alone. */
  readonly heldBy: readonly WallName[];
  /** Throws, or ends its process, where it is held. */
  readonly act: (prey: Prey, native: () => Promise<NativeCall>) => Promise<void> | void;
}

const files = ["node-permission", "namespaces", "seatbelt"] as const;
const writes = ["node-permission", "namespaces", "seccomp", "seatbelt"] as const;
const ptraceSeize = 0x4206;
const newUserNamespace = 0x1000_0000;
const machineSockets = 40;

/**
 * What is tried, from inside.
 *
 * None of it does harm where it works: signals are number 0, and calls have arguments that the kernel
 * complains about when it is ready to do them.
 */
export const attempts: readonly Attempt[] = [
  {
    name: "read a file of the machine",
    heldBy: files,
    act: async () => void (await import("node:fs")).readFileSync("/etc/passwd"),
  },
  {
    name: "read a file of the host",
    heldBy: files,
    act: async ({ file }) => void (await import("node:fs")).readFileSync(file),
  },
  {
    name: "list the host's folder",
    heldBy: files,
    act: async ({ folder }) => void (await import("node:fs")).readdirSync(folder),
  },
  {
    name: "look at processes",
    heldBy: files,
    act: async ({ pid }) => void (await import("node:fs")).readFileSync(`/proc/${pid}/environ`),
  },
  {
    name: "write into the host's folder",
    heldBy: writes,
    act: async ({ folder }) => (await import("node:fs")).writeFileSync(`${folder}/broken-out`, "x"),
  },
  {
    name: "write its own sources",
    heldBy: writes,
    act: async () => {
      const { closeSync, openSync } = await import("node:fs");
      closeSync(openSync(import.meta.filename, "r+"));
    },
  },
  {
    name: "connect to the host",
    heldBy: writes,
    act: ({ port }) => connect(port),
  },
  {
    name: "listen on a port",
    heldBy: ["node-permission", "seccomp", "seatbelt"],
    act: () => listen(),
  },
  {
    name: "send a signal to the host",
    heldBy: ["namespaces", "seccomp", "seatbelt"],
    act: ({ pid }) => void process.kill(pid, 0),
  },
  {
    name: "start a program",
    heldBy: ["node-permission", "seccomp", "seatbelt"],
    act: async () => {
      const { error, status } = (await import("node:child_process")).spawnSync(process.execPath, [
        "--version",
      ]);
      if (error !== undefined) throw error;
      if (status !== 0) throw new TypeError("it did not run");
    },
  },
  kernel("trace the host", "ptrace", ["namespaces", "seccomp"], ({ pid }) => [ptraceSeize, pid]),
  kernel("read the host's memory", "process_vm_readv", ["seccomp"], ({ pid }) => [pid]),
  kernel("take a descriptor of the host", "pidfd_open", ["namespaces", "seccomp"], ({ pid }) => [
    pid,
  ]),
  kernel("make a namespace of its own", "unshare", ["seccomp"], () => [newUserNamespace]),
  kernel("mount a file system", "mount", ["seccomp"]),
  kernel("open files by handle", "open_by_handle_at", ["seccomp"]),
  kernel("load a program into the kernel", "bpf", ["seccomp"]),
  kernel("watch the processor's counters", "perf_event_open", ["seccomp"]),
  kernel("handle page faults itself", "userfaultfd", ["seccomp"]),
  kernel("read the kernel's keys", "keyctl", ["seccomp"], () => [0, -3]),
  kernel("queue work for the kernel", "io_uring_setup", ["seccomp"]),
  kernel("make a file in memory", "memfd_create", ["seccomp"]),
  kernel("talk to the hypervisor", "socket", ["seccomp"], () => [machineSockets, 1]),
];

/** An attempt by a system call alone. */
function kernel(
  name: string,
  call: string,
  heldBy: readonly WallName[],
  given: (prey: Prey) => readonly number[] = () => [],
): Attempt {
  return {
    name,
    heldBy,
    act: async (prey, native) => (await native())(numberOf(call), ...given(prey)),
  };
}

function numberOf(name: string): number {
  const groups: readonly SyscallGroup[] = [...refused, ...deadly];
  const found = groups.flatMap(({ calls }) => calls).find((call) => call[0] === name);
  const number = found?.[process.arch === "arm64" ? 2 : 1];
  if (typeof number !== "number") throw new TypeError(`no number for ${name}`);
  return number;
}

async function connect(port: number): Promise<void> {
  const net = await import("node:net");
  const socket = net.connect(port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject);
  });
}

async function listen(): Promise<void> {
  const net = await import("node:net");
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
}
