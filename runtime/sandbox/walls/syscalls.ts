/** What an argument of a system call must be; only its low 32 bits are looked at. */
export interface Condition {
  /** Position, 0 to 5. */
  readonly argument: number;
  /** Bits that count; all of them when left out. */
  readonly mask?: number;
  /** What those bits may be. */
  readonly oneOf: readonly number[];
}

/** A system call with its numbers on x86-64 and on arm64, null where it does not exist. */
export type Syscall = readonly [
  name: string,
  x64: number | null,
  arm64: number | null,
  onlyWhen?: readonly Condition[],
];

/** System calls that are there for one reason. */
export interface SyscallGroup {
  readonly why: string;
  readonly calls: readonly Syscall[];
}

const thread = 0x0001_0000;
/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const namespaces = 0x7e02_0080 | 0;
/** A thread of this process, in the namespaces of this process. */
const onlyThreads: readonly Condition[] = [
  { argument: 0, mask: (thread | namespaces) >>> 0, oneOf: [thread] },
];

/** O_ACCMODE, O_CREAT, O_TRUNC, and the bit of O_TMPFILE. */
const writing = 0o3 | 0o100 | 0o1000 | 0o20000000;
const onlyReading = (argument: number): readonly Condition[] => [
  { argument, mask: writing, oneOf: [0] },
];

const itself: readonly Condition[] = [{ argument: 0, oneOf: [0] }];
/** PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_VMA, PR_CAPBSET_READ. */
const harmlessControls: readonly Condition[] = [
  { argument: 0, oneOf: [15, 16, 3, 0x53564d41, 23] },
];
/** FIONBIO, FIOCLEX, FIONREAD, TCGETS: what asks whether a pipe is a terminal, and what sets it up. */
const harmlessRequests: readonly Condition[] = [
  { argument: 1, oneOf: [0x5421, 0x5451, 0x541b, 0x5401] },
];
/** ARCH_SET_FS, which the loader needs, and two questions about shadow stacks. */
const loaderRequests: readonly Condition[] = [{ argument: 0, oneOf: [0x1002, 0x3001, 0x5005] }];

/**
 * What a runner may ask of the kernel: what Node and V8 need to run guests between three pipes.
 *
 * Nothing here makes a process, a socket or a file, or reaches another process. What is not in this
 * table answers ENOSYS, as a kernel without it would, so that libraries try the older way.
 *
 * @see https://github.com/torvalds/linux/blob/master/arch/x86/entry/syscalls/syscall_64.tbl
 * @see https://github.com/torvalds/linux/blob/master/include/uapi/asm-generic/unistd.h
 */
export const allowed: readonly SyscallGroup[] = [
  {
    why: "memory of its own, and the code that V8 makes in it",
    calls: [
      ["mmap", 9, 222],
      ["munmap", 11, 215],
      ["mremap", 25, 216],
      ["mprotect", 10, 226],
      ["madvise", 28, 233],
      ["brk", 12, 214],
      ["membarrier", 324, 283],
      ["pkey_alloc", 330, 289],
      ["pkey_free", 331, 290],
      ["pkey_mprotect", 329, 288],
    ],
  },
  {
    why: "threads of its own, as V8 needs them for compiling and collecting",
    calls: [
      ["clone", 56, 220, onlyThreads],
      ["futex", 202, 98],
      ["set_robust_list", 273, 99],
      ["get_robust_list", 274, 100],
      ["set_tid_address", 218, 96],
      ["rseq", 334, 293],
      ["arch_prctl", 158, null, loaderRequests],
      ["prctl", 157, 167, harmlessControls],
      ["sched_yield", 24, 124],
      ["sched_getaffinity", 204, 123],
      ["sched_getparam", 143, 121],
      ["sched_getscheduler", 145, 120],
      ["sched_get_priority_max", 146, 125],
      ["sched_get_priority_min", 147, 126],
      ["getpriority", 140, 141],
      ["getcpu", 309, 168],
      ["gettid", 186, 178],
      ["exit", 60, 93],
      ["exit_group", 231, 94],
    ],
  },
  {
    why: "signals inside its own process: traps of guests arrive as such",
    calls: [
      ["rt_sigaction", 13, 134],
      ["rt_sigprocmask", 14, 135],
      ["rt_sigreturn", 15, 139],
      ["rt_sigpending", 127, 136],
      ["sigaltstack", 131, 132],
      ["tgkill", 234, 131],
      ["restart_syscall", 219, 128],
    ],
  },
  {
    why: "time",
    calls: [
      ["clock_gettime", 228, 113],
      ["clock_getres", 229, 114],
      ["clock_nanosleep", 230, 115],
      ["nanosleep", 35, 101],
      ["gettimeofday", 96, 169],
      ["time", 201, null],
      ["times", 100, 153],
    ],
  },
  {
    why: "the event loop",
    calls: [
      ["epoll_create1", 291, 20],
      ["epoll_ctl", 233, 21],
      ["epoll_wait", 232, null],
      ["epoll_pwait", 281, 22],
      ["epoll_pwait2", 441, 441],
      ["eventfd2", 290, 19],
      ["pipe2", 293, 59],
      ["poll", 7, null],
      ["ppoll", 271, 73],
    ],
  },
  {
    why: "the three pipes to the host, and descriptors that are open already",
    calls: [
      ["read", 0, 63],
      ["write", 1, 64],
      ["readv", 19, 65],
      ["writev", 20, 66],
      ["close", 3, 57],
      ["close_range", 436, 436],
      ["dup3", 292, 24],
      ["fcntl", 72, 25],
      ["ioctl", 16, 29, harmlessRequests],
      ["shutdown", 48, 210],
      ["getsockname", 51, 204],
      ["getpeername", 52, 205],
      ["getsockopt", 55, 209],
    ],
  },
  {
    why: "its own sources and libraries, to be read",
    calls: [
      ["open", 2, null, onlyReading(1)],
      ["openat", 257, 56, onlyReading(2)],
      ["pread64", 17, 67],
      ["lseek", 8, 62],
      ["stat", 4, null],
      ["lstat", 6, null],
      ["fstat", 5, 80],
      ["newfstatat", 262, 79],
      ["statx", 332, 291],
      ["statfs", 137, 43],
      ["fstatfs", 138, 44],
      ["access", 21, null],
      ["faccessat", 269, 48],
      ["faccessat2", 439, 439],
      ["readlink", 89, null],
      ["readlinkat", 267, 78],
      ["getdents64", 217, 61],
      ["getcwd", 79, 17],
      ["fadvise64", 221, 223],
    ],
  },
  {
    why: "who and where it is",
    calls: [
      ["getpid", 39, 172],
      ["getppid", 110, 173],
      ["getuid", 102, 174],
      ["geteuid", 107, 175],
      ["getgid", 104, 176],
      ["getegid", 108, 177],
      ["getresuid", 118, 148],
      ["getresgid", 120, 150],
      ["capget", 125, 90],
      ["uname", 63, 160],
      ["sysinfo", 99, 179],
      ["getrlimit", 97, 163],
      ["prlimit64", 302, 261, itself],
      ["getrusage", 98, 165],
      ["getrandom", 318, 278],
    ],
  },
  {
    why: "being started: the filter stands before Node does, and there is no other program to start",
    calls: [["execve", 59, 221]],
  },
];

/**
 * What Node and its libraries ask for now and then and are refused with EPERM: nothing of the host,
 * no guest and no library needs it to work.
 */
export const refused: readonly SyscallGroup[] = [
  {
    why: "the network, and other processes",
    calls: [
      ["socket", 41, 198],
      ["socketpair", 53, 199],
      ["connect", 42, 203],
      ["bind", 49, 200],
      ["listen", 50, 201],
      ["accept", 43, 202],
      ["accept4", 288, 242],
      ["kill", 62, 129],
      ["tkill", 200, 130],
      ["fork", 57, null],
      ["vfork", 58, null],
    ],
  },
  {
    why: "queues of work for the kernel, which do it past this filter",
    calls: [["io_uring_setup", 425, 425]],
  },
];

/** What no runner that is still ours ever asks for: the kernel ends the process at once. */
export const deadly: readonly SyscallGroup[] = [
  {
    why: "other processes, from outside",
    calls: [
      ["ptrace", 101, 117],
      ["process_vm_readv", 310, 270],
      ["process_vm_writev", 311, 271],
      ["process_madvise", 440, 440],
      ["pidfd_open", 434, 434],
      ["pidfd_getfd", 438, 438],
      ["pidfd_send_signal", 424, 424],
      ["kcmp", 312, 272],
    ],
  },
  {
    why: "the file tree, and other namespaces",
    calls: [
      ["mount", 165, 40],
      ["umount2", 166, 39],
      ["pivot_root", 155, 41],
      ["chroot", 161, 51],
      ["setns", 308, 268],
      ["unshare", 272, 97],
      ["open_tree", 428, 428],
      ["move_mount", 429, 429],
      ["fsopen", 430, 430],
      ["fsmount", 432, 432],
      ["mount_setattr", 442, 442],
      ["name_to_handle_at", 303, 264],
      ["open_by_handle_at", 304, 265],
    ],
  },
  {
    why: "wide parts of the kernel, where its faults are found",
    calls: [
      ["bpf", 321, 280],
      ["perf_event_open", 298, 241],
      ["userfaultfd", 323, 282],
      ["add_key", 248, 217],
      ["request_key", 249, 218],
      ["keyctl", 250, 219],
      ["io_uring_enter", 426, 426],
      ["io_uring_register", 427, 427],
      ["init_module", 175, 105],
      ["finit_module", 313, 273],
      ["delete_module", 176, 106],
      ["kexec_load", 246, 104],
      ["kexec_file_load", 320, 294],
      ["reboot", 169, 142],
      ["swapon", 167, 224],
      ["quotactl", 179, 60],
      ["acct", 163, 89],
      ["iopl", 172, null],
      ["ioperm", 173, null],
      ["modify_ldt", 154, null],
      ["memfd_create", 319, 279],
    ],
  },
];
