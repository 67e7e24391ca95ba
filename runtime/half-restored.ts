import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "#manifests/errors.ts";

/** Lies in a home from the moment that a restore begins to replace files until it is done. */
export const markName = "restoring.json";

/** What a restore that was cut short had moved away. */
export interface HalfRestored {
  /** Folder in the home with what was there before. */
  readonly before: string;
}

/** Returns what is known of a restore that was cut short; undefined when there was none. */
export function halfRestored(home: string): HalfRestored | undefined {
  try {
    const { before } = JSON.parse(readFileSync(join(home, markName), "utf8")) as HalfRestored;
    return /^before-restore-[0-9TZ-]{1,32}$/.test(before) ? { before } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new HostError(
      "HOME_UNUSABLE",
      { reason: `${markName} cannot be read` },
      { cause: error },
    );
  }
}

/** Throws when a home is half of one state and half of another. @throws HOME_UNUSABLE */
export function refuseHalfRestored(home: string): void {
  if (halfRestored(home) === undefined) return;
  const reason = "a restore was cut short; run `convergio restore FILE` again";
  throw new HostError("HOME_UNUSABLE", { reason });
}
