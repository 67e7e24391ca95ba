import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const program = "/usr/bin/taskset";

/**
 * Holds this process, and all that it starts from now on, to one of the cores that it may use.
 *
 * @returns whether it is held; where the system offers no way, drills only come one after the other
 */
export async function holdToOneCore(): Promise<boolean> {
  const status = await readFile("/proc/self/status", "latin1").catch(() => "");
  const core = /^Cpus_allowed_list:\s*(\d+)/m.exec(status)?.[1];
  if (core === undefined) return false;
  try {
    // All its threads: each of them could run on a core of its own.
    await promisify(execFile)(program, ["-apc", core, `${process.pid}`], { env: {} });
    return true;
  } catch {
    return false; // It is not installed, or not allowed here.
  }
}
