import { readdirSync, statSync } from "node:fs";
import { open, unlink } from "node:fs/promises";
import { join } from "node:path";

/** One file of the audit. */
export interface Segment {
  /** Number of its first record. */
  readonly first: number;
  readonly path: string;
}

/** A number as names of files have it, so that their order is that of the records. */
const digits = 16;
const form = /^(\d{16})\.jsonl$/;

/** The files of the audit in the order of their records; the last one is being written. */
export class Segments {
  readonly #folder: string;
  #all: Segment[];

  /** @param folder  absolute; it is there, and holds other files too */
  constructor(folder: string) {
    this.#folder = folder;
    this.#all = readdirSync(folder)
      .sort()
      .flatMap((name) => {
        const first = Number(form.exec(name)?.[1] ?? Number.NaN);
        return Number.isSafeInteger(first) ? [{ first, path: join(folder, name) }] : [];
      });
  }

  get all(): readonly Segment[] {
    return this.#all;
  }

  get last(): Segment | undefined {
    return this.#all.at(-1);
  }

  /** Names the file that begins with a record; nothing is made yet. */
  begin(first: number): Segment {
    const name = `${String(first).padStart(digits, "0")}.jsonl`;
    const segment = { first, path: join(this.#folder, name) };
    this.#all = [...this.#all.filter((one) => one.first !== first), segment];
    return segment;
  }

  /** Removes the oldest file. */
  async dropFirst(): Promise<void> {
    const [oldest, ...rest] = this.#all;
    if (oldest === undefined) return;
    await unlink(oldest.path);
    this.#all = rest;
    await this.sync();
  }

  /** Resolves when the names of the files survive a power cut. */
  async sync(): Promise<void> {
    await using folder = await open(this.#folder, "r");
    await folder.sync();
  }
}

/** Returns the bytes of a file; 0 when it is not there. */
export function sizeOf({ path }: Segment): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
