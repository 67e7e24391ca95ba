import { type Errno, errno } from "./errno.ts";
import { askHost, type FolderPorts } from "./folder-ports.ts";
import type { GuestPath } from "./guest-path.ts";

/** One thing in a folder. */
export interface Entry {
  readonly name: string;
  readonly kind: "file" | "folder" | "other";
}

interface Page {
  readonly entries: readonly Entry[];
  readonly cursor: string | null;
}

/** Entries asked for at once. */
const pageEntries = 500;

/** A folder that a guest has open, and where it is in listing it. */
export class OpenFolder {
  readonly #ports: FolderPorts;
  #place: GuestPath;
  /** The page at hand, and how many entries came before it. */
  #page: Page = { entries: [], cursor: "" };
  #before = 0;

  constructor(ports: FolderPorts, place: GuestPath) {
    this.#ports = ports;
    this.#place = place;
  }

  get place(): GuestPath {
    return this.#place;
  }

  /** Hears that the guest gave its path another name. */
  moved(place: GuestPath): void {
    this.#place = place;
  }

  /** Lets go of what it knew. */
  forget(): void {
    this.#page = { entries: [], cursor: "" };
    this.#before = 0;
  }

  /** Returns an entry by its number, counted from 0; undefined beyond the last. */
  async entry(index: number): Promise<Entry | undefined | Errno> {
    // Whoever begins anew wants to see what is there now.
    if (index === 0 || index < this.#before) this.forget();
    while (index >= this.#before + this.#page.entries.length) {
      const { entries, cursor } = this.#page;
      if (cursor === null) return undefined;
      const page = await askHost<Page>(this.#ports, "files_list", {
        ...this.#place,
        ...(cursor !== "" && { after: cursor }),
        limit: pageEntries,
        details: false,
      });
      if (typeof page === "number") return page;
      this.#before += entries.length;
      this.#page = page.ok;
    }
    return this.#page.entries[index - this.#before];
  }

  /** Whether this and the next entries are at hand, so that they cost the host nothing. */
  holds(index: number): boolean {
    return index > 0 && index >= this.#before && index < this.#before + this.#page.entries.length;
  }
}

/** Returns the number of a kind. @see https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#filetype */
export function filetypeOf(kind: Entry["kind"]): number {
  return { file: 4, folder: 3, other: 0 }[kind];
}

/** Whether an answer is a refusal. */
export function isErrno(answer: unknown): answer is Errno {
  return typeof answer === "number" && answer !== errno.success;
}
