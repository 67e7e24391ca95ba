import { statfs } from "node:fs/promises";
import { HostError } from "#manifests/errors.ts";
import type { Config } from "#manifests/config.ts";

/** What a disk has left. */
export interface Room {
  readonly freeBytes: number;
  readonly allBytes: number;
}

/** How full the disk of the home is: `low` stops installs, `full` stops calls and effects as well. */
export type Fullness = "ample" | "low" | "full";

/**
 * The room that is left on the disk of the home.
 *
 * What makes room or stops something goes on however full it is: list, revoke, remove, stop, prune.
 */
export interface Storage {
  readonly fullness: Fullness;
  readonly room: Room;
  /** Looks again. A disk that cannot be looked at keeps what is known of it. */
  look(): Promise<void>;
  /** Says that a write has just failed for want of room. */
  ranFull(): void;
  /** Before something is installed or recorded. @throws STORAGE_FULL */
  checkInstall(): void;
  /** Before a call or an effect. @throws STORAGE_FULL */
  checkEffect(): void;
}

/** What a storage needs. */
export interface StorageParts {
  readonly limits: () => Config["storage"];
  /** Reads off what the disk has left. */
  readonly readRoom: () => Promise<Room>;
  /** Hears that the disk has become fuller, or emptier. */
  readonly onChange: (fullness: Fullness, room: Room) => void;
}

/** Returns what reads the room of the disk with a folder on it. */
export function roomOf(folder: string): () => Promise<Room> {
  return async () => {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { freeBytes: bavail * bsize, allBytes: blocks * bsize };
  };
}

/** Creates the watch over a disk; it knows nothing before the first look. */
export function createStorage(parts: StorageParts): Storage {
  return new WatchedDisk(parts);
}

class WatchedDisk implements Storage {
  readonly #parts: StorageParts;
  #fullness: Fullness = "ample";
  #room: Room = { freeBytes: 0, allBytes: 0 };

  constructor(parts: StorageParts) {
    this.#parts = parts;
  }

  get fullness(): Fullness {
    return this.#fullness;
  }

  get room(): Room {
    return this.#room;
  }

  async look(): Promise<void> {
    try {
      this.#room = await this.#parts.readRoom();
    } catch {
      return;
    }
    this.#become(fullnessOf(this.#room, this.#parts.limits()));
  }

  ranFull(): void {
    this.#become("full");
  }

  /** @throws STORAGE_FULL */
  checkInstall(): void {
    if (this.#fullness !== "ample") throw new HostError("STORAGE_FULL", {});
  }

  /** @throws STORAGE_FULL */
  checkEffect(): void {
    if (this.#fullness === "full") throw new HostError("STORAGE_FULL", {});
  }

  #become(fullness: Fullness): void {
    if (fullness === this.#fullness) return;
    this.#fullness = fullness;
    this.#parts.onChange(fullness, this.#room);
  }
}

function fullnessOf({ freeBytes, allBytes }: Room, limits: Config["storage"]): Fullness {
  const percent = (100 * freeBytes) / allBytes;
  if (percent < limits.fullPercent) return "full";
  return percent < limits.lowPercent || freeBytes < limits.lowBytes ? "low" : "ample";
}
