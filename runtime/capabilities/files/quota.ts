import { HostError } from "#manifests/errors.ts";
import { bytesWords } from "#manifests/units.ts";
import type { HeldFolder } from "../beneath.ts";
import { isLeftover } from "../beneath/path.ts";
import { within } from "./walk.ts";

/** How much a folder may hold. */
export interface Quota {
  readonly quotaBytes: number;
  /** Files and folders, those in its folders too. */
  readonly entriesMax: number;
}

/** Folders whose content is known at a time; the others are counted again when they are used. */
const knownMax = 1_000;
/** How long a count is believed when it says that a folder is full: somebody else may have made room. */
const believedMs = 5_000;
/** What is of no use to anybody after this long, in a folder where other hosts may write too. */
const leftoverMs = 10 * 60_000;

/** Deeper than any path reaches: to count there would take longer with every folder. */
const countedDepthMax = 128;

interface Count {
  bytes: number;
  entries: number;
  countedAt: number;
}

/** Knows what folders hold: counted on the disk at their first use, and kept up to date from then on. */
export class Quotas {
  readonly #now: () => number;
  readonly #counts = new Map<string, Count>();

  /** @param now  milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Returns the books of a folder. To be asked by one writer at a time.
   *
   * @param isOwn  whether nobody but this host writes into it
   */
  async of(root: HeldFolder, quota: Quota, isOwn: boolean): Promise<Books> {
    const key = (await root.self()).inode;
    const known = this.#counts.get(key);
    const count = async (): Promise<Count> => {
      const found = await this.#count(root, quota.entriesMax, isOwn);
      this.#counts.delete(key);
      this.#counts.set(key, found);
      const [oldest] = this.#counts.keys();
      if (this.#counts.size > knownMax && oldest !== undefined) this.#counts.delete(oldest);
      return found;
    };
    return new Books(
      root.purpose,
      quota,
      known ?? (await count()),
      async (held) => {
        if (this.#now() - held.countedAt < believedMs) return held;
        return count();
      },
      () => this.#counts.delete(key),
    );
  }

  /** Counts what a folder holds, and removes what killed writers left. */
  async #count(root: HeldFolder, entriesMax: number, isOwn: boolean): Promise<Count> {
    const count: Count = { bytes: 0, entries: 0, countedAt: this.#now() };
    const waiting: string[][] = [[]];
    for (let names = waiting.pop(); names; names = waiting.pop()) {
      const path = names;
      // Folders that were moved into each other until no path is long enough to count what is in them.
      if (path.length > countedDepthMax) count.entries = Number.POSITIVE_INFINITY;
      if (count.entries > entriesMax) break;
      await within(root, path, async (folder) => {
        for await (const { name, kind, isHidden } of folder.names()) {
          if (kind === "folder" && !isHidden) waiting.push([...path, name]);
          if (!isHidden) count.entries += 1;
          if (kind === "file") count.bytes += await this.#weigh(folder, name, isHidden, isOwn);
          // More than may be there: how much more does not matter.
          if (count.entries > entriesMax) return;
        }
      });
    }
    return count;
  }

  async #weigh(
    folder: HeldFolder,
    name: string,
    isHidden: boolean,
    isOwn: boolean,
  ): Promise<number> {
    const found = await folder.find(name);
    if (found === undefined) return 0;
    if (!isHidden) return found.bytes;
    const isOld = isOwn || this.#now() - found.modifiedMs > leftoverMs;
    if (isOld && isLeftover(name)) await folder.removeFile(name);
    return 0;
  }
}

/** What one folder holds, for one writer. */
class Books {
  readonly #purpose: string;
  readonly #quota: Quota;
  #count: Count;
  readonly #recount: (held: Count) => Promise<Count>;
  readonly #forget: () => void;

  constructor(
    purpose: string,
    quota: Quota,
    count: Count,
    recount: (held: Count) => Promise<Count>,
    forget: () => void,
  ) {
    this.#purpose = purpose;
    this.#quota = quota;
    this.#count = count;
    this.#recount = recount;
    this.#forget = forget;
  }

  /**
   * Books what an act adds, which may be less than nothing, before it is done; when it fails, the folder
   * is counted anew at its next use.
   *
   * @throws FILES_FULL, and what the act throws
   */
  async add<Result>(bytes: number, entries: number, act: () => Promise<Result>): Promise<Result> {
    if (!this.#fits(bytes, entries)) this.#count = await this.#recount(this.#count);
    if (!this.#fits(bytes, entries)) throw this.#full(bytes);
    this.#count.bytes += bytes;
    this.#count.entries += entries;
    try {
      return await act();
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  #fits(bytes: number, entries: number): boolean {
    const { quotaBytes, entriesMax } = this.#quota;
    const isRoomy = bytes <= 0 || this.#count.bytes + bytes <= quotaBytes;
    return isRoomy && (entries <= 0 || this.#count.entries + entries <= entriesMax);
  }

  #full(bytes: number): HostError {
    const { quotaBytes, entriesMax } = this.#quota;
    const isHeavy = bytes > 0 && this.#count.bytes + bytes > quotaBytes;
    const limit = isHeavy ? bytesWords(quotaBytes) : `${entriesMax} files and folders`;
    return new HostError("FILES_FULL", { folder: this.#purpose, limit });
  }
}

export type { Books };
