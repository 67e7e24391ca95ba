import { readFileSync, writeFileSync } from "node:fs";
import { totalmem } from "node:os";

/** Address space of a process, 127 TiB, over the 8 GiB that each memory reserves. */
const memoriesMax = 16_300;
/** Mappings that one suspended instance takes: two a memory, its stack, and room to spare. */
const mapsAnInstance = 10;
/** What Linux allows a process where nobody has changed it. */
const mapsDefault = 65_530;

/** The most that one runner may have of the memory, however much there is, and its share of it. */
const runnerBytesMost = 4 * 1024 ** 3;
const runnerShare = 1 / 2;
/** What all runners may have of it together: the rest is the host's and the machine's own. */
const runnersShare = 3 / 4;

/** What this machine lets one runner hold. */
export interface MachineCaps {
  /** `vm.max_map_count`, or null where there is no such limit. */
  readonly maps: number | null;
  /** Instances a runner may hold at once; beyond it the engine would end the whole process. */
  readonly instancesMax: number;
}

/** What of the memory of this machine runners may have: resident bytes. */
export interface MemoryCaps {
  readonly runnerBytesMax: number;
  /** All of them together. */
  readonly runnersBytesMax: number;
}

/** Returns the caps of this machine. */
export function machineCaps(): MachineCaps {
  const maps = mapCount();
  const byMaps = Math.floor((maps ?? mapsDefault) / mapsAnInstance);
  return { maps, instancesMax: Math.min(byMaps, Math.floor(memoriesMax / 2)) };
}

/** Returns what runners may have of the memory of this machine. */
export function memoryCaps(): MemoryCaps {
  // A container may have less than its machine; where nothing constrains it, this is 0 or far more.
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return {
    runnerBytesMax: Math.min(runnerBytesMost, memoryBytes * runnerShare),
    runnersBytesMax: memoryBytes * runnersShare,
  };
}

function mapCount(): number | null {
  if (process.platform !== "linux") return null;
  try {
    return Number(readFileSync("/proc/sys/vm/max_map_count", "utf8")) || mapsDefault;
  } catch {
    return mapsDefault; // Not to be read here: what every Linux starts with.
  }
}

/** How the main thread of a process is: what it has used the processor for, in ms, and whether it sleeps. */
export interface ThreadState {
  /** In steps of 10. */
  readonly usedMs: number;
  readonly isAsleep: boolean;
}

/** Returns how the main thread of a process is, or undefined where that cannot be read. */
export function threadState(pid: number): ThreadState | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/stat`, "latin1");
    // The name before may hold anything, but no parenthesis comes after it.
    const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { usedMs: (Number(fields[10]) + Number(fields[11])) * 10, isAsleep: state === "S" };
  } catch {
    return undefined; // It has just ended.
  }
}

/** How likely the kernel is to end a runner when memory runs out, from -1000 to 1000; a host has 0. */
const outOfMemoryScore = 500;

/**
 * Sees to it that the kernel, when memory runs out, ends this process before the host, and that no
 * memory of guests is written to disk when it crashes.
 *
 * @see https://man7.org/linux/man-pages/man5/core.5.html
 */
export function tame(pid: number): void {
  if (process.platform !== "linux") return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, `${outOfMemoryScore}`);
    writeFileSync(`/proc/${pid}/coredump_filter`, "0");
  } catch {
    // It has just ended, or the files are closed here: the host watches what runners have anyway.
  }
}

/** Returns the resident bytes of a process, or undefined where that cannot be read. */
export function residentBytes(pid: number): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const pages = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1];
    return Number(pages) * 4096;
  } catch {
    return undefined; // It has just ended.
  }
}
