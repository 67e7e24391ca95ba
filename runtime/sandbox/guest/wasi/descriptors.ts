import { type Errno, errno } from "./errno.ts";
import type { FolderPorts } from "./folder-ports.ts";
import { type GuestPath, isUnder } from "./guest-path.ts";
import { OpenFile, type Together } from "./open-file.ts";
import { OpenFolder } from "./open-folder.ts";
import { BufferRoom } from "./write-buffer.ts";

/** Descriptors of one instance, more than a program has that closes what it opens. */
const openMax = 128;
/** Files that may hold bytes read ahead. */
const aheadMax = 8;
/** Bytes that all files of one instance hold back: what one operation of the host may move. */
const heldBytesMax = 8 * 1024 * 1024;

/** The first descriptor after those of the standard streams. */
export const firstFolder = 3;

/** What a guest has open: the folders that were granted from 3 on, then what it opened in them. */
export class Descriptors implements Together {
  readonly ports: FolderPorts;
  readonly room: BufferRoom;
  readonly #open = new Map<number, OpenFile | OpenFolder>();
  readonly #ahead = new Set<OpenFile>();

  constructor(ports: FolderPorts) {
    this.ports = ports;
    this.room = new BufferRoom((pages) => ports.reserve(pages), heldBytesMax);
    for (const [index, folder] of ports.folders.entries())
      this.#open.set(firstFolder + index, new OpenFolder(ports, { folder, path: "" }));
  }

  /** Returns the name under which a guest finds a folder that was granted. */
  preopen(fd: number): string | undefined {
    const folder = this.ports.folders[(fd >>> 0) - firstFolder];
    return this.#open.has(fd >>> 0) && folder !== undefined ? `/${folder}` : undefined;
  }

  get(fd: number): OpenFile | OpenFolder | undefined {
    return this.#open.get(fd >>> 0);
  }

  file(fd: number): OpenFile | Errno {
    const found = this.get(fd);
    if (found instanceof OpenFile) return found;
    return found === undefined ? errno.badf : errno.isdir;
  }

  folder(fd: number): OpenFolder | Errno {
    const found = this.get(fd);
    if (found instanceof OpenFolder) return found;
    return found === undefined ? errno.badf : errno.notdir;
  }

  /** Gives a descriptor: the lowest that is free. */
  add(opened: OpenFile | OpenFolder): number | undefined {
    if (!this.hasRoom) return undefined;
    let fd = firstFolder + this.ports.folders.length;
    while (this.#open.has(fd)) fd += 1;
    this.#open.set(fd, opened);
    return fd;
  }

  get hasRoom(): boolean {
    return this.#open.size < openMax;
  }

  /** Closes, and writes what was held back. */
  close(fd: number): Errno | Promise<Errno> {
    const found = this.get(fd);
    this.#open.delete(fd >>> 0);
    if (found === undefined) return errno.badf;
    if (found instanceof OpenFolder) return errno.success;
    this.#ahead.delete(found);
    const flushed = found.flush();
    if (typeof flushed !== "number") return flushed.finally(() => found.dropPending());
    found.dropPending();
    return flushed;
  }

  /** Has one descriptor stand for what another does, which is then closed. */
  async renumber(from: number, to: number): Promise<Errno> {
    const found = this.get(from);
    if (found === undefined || !this.#open.has(to >>> 0)) return errno.badf;
    if (this.preopen(from) !== undefined || this.preopen(to) !== undefined) return errno.notsup;
    if (from === to) return errno.success;
    const closed = await this.close(to);
    this.#open.delete(from >>> 0);
    this.#open.set(to >>> 0, found);
    return closed;
  }

  /** Writes what is held back of a path and what is in it. Returns what failed last. */
  async flushUnder(place: GuestPath): Promise<Errno> {
    let error: Errno = errno.success;
    for (const each of this.#open.values()) {
      if (!(each instanceof OpenFile) || !isUnder(each.place, place)) continue;
      const flushed = await each.flush();
      if (flushed !== errno.success) error = flushed;
    }
    return error;
  }

  /** Hears that a path has another name now. */
  moved(from: GuestPath, to: GuestPath): void {
    for (const each of this.#open.values()) {
      if (!isUnder(each.place, from) || each.place.path === "") continue;
      const rest = each.place.path.slice(from.path.replace(/\/$/, "").length);
      each.moved({ folder: to.folder, path: to.path.replace(/\/$/, "") + rest });
    }
  }

  holdsAhead(file: OpenFile): void {
    this.#ahead.delete(file);
    this.#ahead.add(file);
    const [oldest] = this.#ahead;
    if (this.#ahead.size <= aheadMax || oldest === undefined) return;
    oldest.dropAhead();
    this.#ahead.delete(oldest);
  }

  wrote(file: OpenFile): void {
    for (const each of this.#open.values()) {
      if (each === file || !(each instanceof OpenFile)) continue;
      if (isUnder(each.place, file.place)) each.forget();
    }
  }

  /** Whether anything is held back. */
  get isDirty(): boolean {
    return [...this.#open.values()].some((each) => each instanceof OpenFile && each.isDirty);
  }

  /** Writes all that is held back, and forgets what belonged to the call that ends. */
  async settle(): Promise<void> {
    for (const each of this.#open.values()) if (each instanceof OpenFile) await each.flush();
    this.forget();
  }

  /** Forgets what was learned in a call, and drops what was not written: another caller may come. */
  forget(): void {
    for (const each of this.#open.values()) {
      each.forget();
      if (each instanceof OpenFile) each.dropPending();
    }
    this.#ahead.clear();
  }
}
