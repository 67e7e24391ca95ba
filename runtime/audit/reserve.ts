import { closeSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

/**
 * Room on the disk that is kept for records of what makes room or stops something: revoke, remove, stop,
 * prune. A thousand records and what SQLite writes beside them fit into it.
 */
export interface Reserve {
  /** Gives the room back to the disk. Returns whether there was some. */
  spend(): boolean;
  /** Takes it again, when there is enough. */
  refill(): void;
}

const reserveBytes = 1024 * 1024;
const chunkBytes = 256 * 1024;

/** Keeps a file of the right size in a folder. */
export function createReserve(folder: string): Reserve {
  const path = join(folder, "reserve");
  const isHeld = (): boolean => statSync(path, { throwIfNoEntry: false })?.size === reserveBytes;
  return {
    spend() {
      if (statSync(path, { throwIfNoEntry: false }) === undefined) return false;
      rmSync(path);
      return true;
    },
    refill() {
      if (isHeld()) return;
      try {
        fill(path);
      } catch {
        rmSync(path, { force: true }); // Half of it would be no use, and the next try starts anew.
      }
    },
  };
}

/** Written out, because a file of holes takes no room. */
function fill(path: string): void {
  const file = openSync(path, "w", 0o600);
  try {
    const chunk = Buffer.alloc(chunkBytes, 0x5a);
    for (let at = 0; at < reserveBytes; at += chunkBytes) writeSync(file, chunk, 0, chunkBytes, at);
  } finally {
    closeSync(file);
  }
}
