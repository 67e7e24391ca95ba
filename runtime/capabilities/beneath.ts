import assert from "node:assert/strict";
import { constants, existsSync } from "node:fs";
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  opendir,
  readlink,
  realpath,
  rename,
  rmdir,
  unlink,
} from "node:fs/promises";
import { HostError } from "#manifests/errors.ts";
import { errnoOf, faultOf, linkRefused, refused } from "./beneath/faults.ts";
import { checkFile, type Found, foundOf } from "./beneath/found.ts";
import { isHidden } from "./beneath/path.ts";

/** Linux: a handle that names a file without opening it, so that no device or pipe is woken. */
const pathOnly = 0x200000;
/** macOS: no link in any part of the path; Node has no name for it. */
const noFollowAny = 0x20000000;

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_CREAT, O_EXCL, O_WRONLY } = constants;
const isLinux = process.platform === "linux";
const folderFlags = isLinux ? pathOnly | O_DIRECTORY | O_NOFOLLOW : O_DIRECTORY | noFollowAny;

/** One name in a folder. */
export interface Named {
  readonly name: string;
  readonly kind: Found["kind"];
}

/** Throws when this system has no way to hold a path inside a folder. @throws FILES_UNSUPPORTED */
export function checkSupported(): void {
  if (process.platform === "darwin") return;
  const reason = isLinux ? "/proc is not mounted" : `${process.platform} has no safe way for it`;
  if (!isLinux || !existsSync("/proc/self/fd"))
    throw new HostError("FILES_UNSUPPORTED", { reason });
}

/**
 * A folder that is held open, and the only way to what is in it: one name a step, none of them a link.
 *
 * On Linux a name is reached through the handle of its folder (`/proc/self/fd/3/name`), so that it does
 * not matter what becomes of the path meanwhile. macOS has no such path: there opens refuse every link,
 * and before all else the folder is opened anew and compared; between that and the act a moment is left
 * in which somebody who can write beside the folder could turn the path elsewhere.
 */
export class HeldFolder implements AsyncDisposable {
  readonly #handle: FileHandle;
  /** What a name is put behind to reach it. */
  readonly #place: string;
  readonly #acts = new Set<Promise<unknown>>();
  #isOpen = true;
  /** Its purpose, for errors: no error names a path of the host. */
  readonly purpose: string;

  private constructor(handle: FileHandle, path: string, purpose: string) {
    this.#handle = handle;
    this.#place = isLinux ? `/proc/self/fd/${handle.fd}` : path;
    this.purpose = purpose;
  }

  /**
   * Holds a folder by its path, in which no part is a link.
   *
   * @param path  absolute, as `realpath` gave it
   * @throws FOLDER_UNUSABLE
   */
  static async at(path: string, purpose: string): Promise<HeldFolder> {
    checkSupported();
    const unusable = (reason: string, cause?: unknown): HostError =>
      new HostError("FOLDER_UNUSABLE", { folder: purpose, reason }, { cause });
    const handle = await open(path, folderFlags).catch((error: unknown) => {
      throw unusable(`it cannot be opened (${errnoOf(error)})`, error);
    });
    const held = new HeldFolder(handle, path, purpose);
    try {
      const real = isLinux ? await readlink(`/proc/self/fd/${handle.fd}`) : await realpath(path);
      if (real === path) return held;
      throw unusable("it is reached by a link by now, or was moved");
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Returns a folder in this one. @throws PATH_NOT_FOUND, PATH_NOT_FOLDER, PATH_REFUSED */
  async enter(name: string): Promise<HeldFolder> {
    const path = this.#reach(name);
    const handle = await this.#act(async () => {
      try {
        return await open(path, folderFlags);
      } catch (error) {
        // A link is answered as if it were a file.
        if (errnoOf(error) !== "ENOTDIR") throw error;
        const found = await this.find(name);
        throw found?.kind === "other" ? linkRefused(this.purpose) : error;
      }
    });
    return new HeldFolder(handle, path, this.purpose);
  }

  /** Returns the folder itself. */
  async self(): Promise<Found> {
    return foundOf(await this.#handle.stat({ bigint: true }));
  }

  /** Returns what has a name; undefined when nothing has. */
  find(name: string): Promise<Found | undefined> {
    return this.#act(async () => {
      try {
        return foundOf(await lstat(this.#reach(name), { bigint: true }));
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return undefined;
        throw error;
      }
    });
  }

  /**
   * Opens a file, and never a link, a pipe, a socket or a device.
   *
   * @param flags  how, without what makes or cuts it
   * @throws PATH_NOT_FOUND, PATH_NOT_FILE, PATH_REFUSED
   */
  file(name: string, flags: number): Promise<FileHandle> {
    return this.#act(async () => {
      if (!isLinux)
        return await this.#checked(
          await open(this.#reach(name), flags | noFollowAny | O_NONBLOCK),
          flags,
        );
      await using named = await open(this.#reach(name), pathOnly | O_NOFOLLOW);
      checkFile(foundOf(await named.stat({ bigint: true })), flags, this.purpose);
      // Through its handle it is the file that was looked at, whatever has its name now.
      return await open(`/proc/self/fd/${named.fd}`, flags | O_NONBLOCK);
    });
  }

  /** Makes a file that only the host's own user can read. @throws PATH_EXISTS */
  create(name: string): Promise<FileHandle> {
    const flags = O_CREAT | O_EXCL | O_WRONLY | (isLinux ? O_NOFOLLOW : noFollowAny);
    return this.#act(() => open(this.#reach(name), flags, 0o600));
  }

  /** Makes a folder that only the host's own user can enter. @throws PATH_EXISTS */
  makeFolder(name: string): Promise<void> {
    return this.#act(() => mkdir(this.#reach(name), 0o700));
  }

  /** Takes the name of a file away. @throws PATH_NOT_FOUND, PATH_NOT_FILE */
  removeFile(name: string): Promise<void> {
    return this.#act(() => unlink(this.#reach(name)));
  }

  /** Removes an empty folder. @throws PATH_NOT_FOUND, PATH_NOT_FOLDER, FOLDER_NOT_EMPTY */
  removeFolder(name: string): Promise<void> {
    return this.#act(() => rmdir(this.#reach(name)));
  }

  /** Gives a name's bearer another name, in place of whoever has it, in one step. */
  async rename(name: string, to: HeldFolder, toName: string): Promise<void> {
    await to.#act(() => this.#act(() => rename(this.#reach(name), to.#reach(toName))));
  }

  /** Gives a file a second name, in one step; false when the file system has no such thing. */
  link(name: string, toName: string): Promise<boolean> {
    return this.#act(async () => {
      try {
        await link(this.#reach(name), this.#reach(toName));
        return true;
      } catch (error) {
        if (["EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK"].includes(errnoOf(error))) return false;
        throw error;
      }
    });
  }

  /** Gives what is in it, in no order; names that are no UTF-8 cannot be asked for and are left out. */
  async *names(): AsyncGenerator<Named & { readonly isHidden: boolean }> {
    // As Latin-1 every byte is a letter, so that nothing is lost.
    const options = { encoding: "latin1", bufferSize: 512 } as const;
    const folder = await this.#act(() => opendir(this.#place, options));
    for await (const entry of folder) {
      const name = utf8(entry.name);
      if (name === undefined) continue;
      const kind = await this.#kindOf(entry, name);
      if (kind !== undefined) yield { name, kind, isHidden: isHidden(name) };
    }
  }

  /** Waits for what is under way: a number of a handle that was let go may be that of another file. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    await Promise.allSettled(this.#acts);
    await this.#handle.close();
  }

  /** Some file systems do not say with a name what has it. */
  async #kindOf(
    entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean },
    name: string,
  ): Promise<Found["kind"] | undefined> {
    if (entry.isFile()) return "file";
    if (entry.isDirectory()) return "folder";
    if (entry.isSymbolicLink()) return "other";
    return (await this.find(name))?.kind;
  }

  #reach(name: string): string {
    return `${this.#place}/${name}`;
  }

  async #checked(handle: FileHandle, flags: number): Promise<FileHandle> {
    try {
      checkFile(foundOf(await handle.stat({ bigint: true })), flags, this.purpose);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Does something by the number of the handle, which stays the folder's until that is done. */
  async #act<Result>(act: () => Promise<Result>): Promise<Result> {
    assert(this.#isOpen);
    const doing = this.#do(act);
    this.#acts.add(doing);
    try {
      return await doing;
    } catch (error) {
      throw faultOf(error, this.purpose);
    } finally {
      this.#acts.delete(doing);
    }
  }

  async #do<Result>(act: () => Promise<Result>): Promise<Result> {
    if (!isLinux) await this.#compare();
    return await act();
  }

  /** @throws PATH_REFUSED */
  async #compare(): Promise<void> {
    await using again = await open(this.#place, folderFlags);
    const [now, held] = [await again.stat({ bigint: true }), await this.self()];
    if (foundOf(now).inode !== held.inode) throw refused(this.purpose, "was moved meanwhile");
  }
}

function utf8(latin1: string): string | undefined {
  if (!/[\x80-\xff]/.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, "latin1");
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : undefined;
}
