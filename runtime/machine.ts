import { readFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { type MachineCaps, machineCaps } from "./sandbox/caps.ts";

/** What this process and its machine offer a host. */
export interface MachineFacts {
  /** Version of the running Node, without the `v`. */
  readonly nodeVersion: string;
  /** Options that this Node was started with. */
  readonly nodeFlags: readonly string[];
  /** Whether this Node can suspend a guest in a host function. */
  readonly suspends: boolean;
  readonly memoryBytes: number;
  readonly processors: number;
  readonly caps: MachineCaps;
  /** Files that this process may have open; null where it cannot be read. */
  readonly openFilesMax: number | null;
  /** Whether a crash leaves the memory of the process on disk; null where it cannot be read. */
  readonly dumpsCore: boolean | null;
}

/** Returns what this process and its machine offer. */
export async function machineFacts(): Promise<MachineFacts> {
  const limits = await readLimits();
  const files = limits.get("Max open files");
  const core = limits.get("Max core file size");
  return {
    nodeVersion: process.versions.node,
    nodeFlags: process.execArgv,
    suspends: "Suspending" in WebAssembly,
    memoryBytes: totalmem(),
    processors: availableParallelism(),
    caps: machineCaps(),
    openFilesMax: files === undefined ? null : Number(files),
    dumpsCore: core === undefined ? null : core !== "0",
  };
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html */
async function readLimits(): Promise<ReadonlyMap<string, string>> {
  // Only Linux has it; elsewhere nothing is known.
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const rows = text.matchAll(/^(Max [a-z ]+?) {2,}(\S+)/gm);
  return new Map([...rows].map(([, name = "", soft = ""]) => [name, soft]));
}
