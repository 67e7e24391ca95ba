import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A process that lives now or did once: its number is used again, with another start. */
export interface Owner {
  readonly pid: number;
  /** When it started, in words that only this machine compares. */
  readonly startedAt: string;
}

/** Returns this process. */
export async function ownProcess(): Promise<Owner> {
  return { pid: process.pid, startedAt: (await startOf(process.pid)) ?? "unknown" };
}

/** Returns whether a process still runs, and is not another one under the same number. */
export async function runs(owner: Owner): Promise<boolean> {
  return (await startOf(owner.pid)) === owner.startedAt;
}

/** Returns when a process started, or undefined when none has this number. */
async function startOf(pid: number): Promise<string | undefined> {
  return process.platform === "linux" ? startOnLinux(pid) : startElsewhere(pid);
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function startOnLinux(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => undefined);
  if (stat === undefined) return undefined;
  // The name stands in brackets and may hold anything; the fields after it begin with the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z") return undefined;
  // Ticks count from the start of the machine, so they mean something only together with it.
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "latin1").catch(() => "");
  return `${boot.trim()} ${fields[19]}`;
}

async function startElsewhere(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)], {
      env: { LC_ALL: "C", TZ: "UTC", PATH: "/bin:/usr/bin" },
    });
    return stdout.trim() || undefined;
  } catch {
    // `ps` fails when there is no such process.
    return undefined;
  }
}
