import assert from "node:assert/strict";
import type { Asker } from "#runtime/capabilities/capability.ts";
import type { TestFolders } from "#test/support/folders.ts";
import { TestGuest } from "./wasi-guest.ts";

const pathAt = 16_384;
const bytesAt = 32_768;
const resultAt = 512;
const vectorAt = 1_024;

/** Ways to open, by the numbers of WASI. */
export const oflags = { create: 1, folder: 2, exclusive: 4, cut: 8 } as const;
const rights = { read: 2n, write: 64n } as const;

/** A guest that uses real folders of a host through WASI, as a C library would. */
export class FolderGuest {
  readonly guest: TestGuest;

  /** @param folders  whose host answers; nobody does without one */
  constructor(purposes: readonly string[], folders?: Pick<TestFolders, "ask">, asker?: Asker) {
    this.guest = new TestGuest(true, purposes, (name, { json, blocks }) => {
      if (folders === undefined) return undefined;
      const [block] = blocks;
      const options = { ...(asker && { asker }), ...(block && { block }) };
      return folders.ask(name, JSON.parse(Buffer.from(json).toString()), options).then((told) => {
        const answer = told.code === undefined ? { ok: told.ok } : { error: told };
        return { json: Buffer.from(JSON.stringify(answer)), blocks: told.blocks };
      });
    });
  }

  /** Calls a function whose arguments end with a path. */
  async onPath(name: string, fd: number, path: string, ...more: number[]): Promise<number> {
    const length = this.guest.bytes.write(path, pathAt);
    const flags = name === "path_filestat_get" ? [0] : [];
    return Number(await this.guest.call(name, fd, ...flags, pathAt, length, ...more));
  }

  async rename(fd: number, from: string, toFd: number, to: string): Promise<number> {
    const length = this.guest.bytes.write(from, pathAt);
    const toLength = this.guest.bytes.write(to, pathAt + 8_192);
    const next = [toFd, pathAt + 8_192, toLength];
    return Number(await this.guest.call("path_rename", fd, pathAt, length, ...next));
  }

  /** Opens a path. Returns the descriptor, or the error below 0. */
  async open(path: string, how: OpenHow = {}): Promise<number> {
    const { flags = 0, mode = "rw", append = false, fd = 3 } = how;
    const length = this.guest.bytes.write(path, pathAt);
    const wanted =
      (mode.includes("r") ? rights.read : 0n) | (mode.includes("w") ? rights.write : 0n);
    const rest = [wanted, wanted, append ? 1 : 0, resultAt];
    const error = await this.guest.call("path_open", fd, 0, pathAt, length, flags, ...rest);
    return error === 0 ? this.guest.bytes.readUInt32LE(resultAt) : -Number(error);
  }

  /** Writes bytes, at a place when one is given. Returns how many were taken, or the error below 0. */
  async write(fd: number, bytes: Uint8Array | string, at?: number): Promise<number> {
    const data = Buffer.from(bytes);
    data.copy(this.guest.bytes, bytesAt);
    return this.#move(at === undefined ? "fd_write" : "fd_pwrite", fd, data.length, at);
  }

  /** Reads at most so many bytes. Returns them, or the error below 0. */
  async read(fd: number, length: number, at?: number): Promise<Buffer | number> {
    const count = await this.#move(at === undefined ? "fd_read" : "fd_pread", fd, length, at);
    return count < 0 ? count : Buffer.from(this.guest.bytes.subarray(bytesAt, bytesAt + count));
  }

  /** Reads until the end from where the descriptor is. */
  async readAll(fd: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (;;) {
      const piece = await this.read(fd, 4_096);
      assert(typeof piece !== "number", `error ${piece}`);
      if (piece.length === 0) return Buffer.concat(pieces);
      pieces.push(piece);
    }
  }

  async seek(fd: number, by: number, whence: number): Promise<number> {
    const error = await this.guest.call("fd_seek", fd, BigInt(by), whence, resultAt);
    return error === 0 ? Number(this.guest.bytes.readBigUInt64LE(resultAt)) : -Number(error);
  }

  async size(fd: number): Promise<number> {
    const error = await this.guest.call("fd_filestat_get", fd, resultAt);
    return error === 0 ? Number(this.guest.bytes.readBigUInt64LE(resultAt + 32)) : -Number(error);
  }

  /** Returns the names in a folder, with the numbers of what they are, through a buffer of so many bytes. */
  async list(fd: number, bufferBytes = 256): Promise<string[]> {
    const names: string[] = [];
    for (let cookie = 0n; ; ) {
      const listed = ["fd_readdir", fd, bytesAt, bufferBytes, cookie, resultAt] as const;
      const [name, ...values] = listed;
      assert.equal(await this.guest.call(name, ...values), 0);
      const used = this.guest.bytes.readUInt32LE(resultAt);
      const before = names.length;
      for (let at = bytesAt; at + 24 <= bytesAt + used; ) {
        const length = this.guest.bytes.readUInt32LE(at + 16);
        if (at + 24 + length > bytesAt + used) break;
        const text = this.guest.bytes.toString("utf8", at + 24, at + 24 + length);
        names.push(`${text} ${this.guest.bytes[at + 20]}`);
        cookie = this.guest.bytes.readBigUInt64LE(at);
        at += 24 + length;
      }
      if (used < bufferBytes) return names;
      assert(names.length > before, "the buffer is too small for one name");
    }
  }

  close(fd: number): Promise<number> {
    return this.guest.call("fd_close", fd) as Promise<number>;
  }

  async #move(name: string, fd: number, length: number, at?: number): Promise<number> {
    this.guest.bytes.writeUInt32LE(bytesAt, vectorAt);
    this.guest.bytes.writeUInt32LE(length, vectorAt + 4);
    const place = at === undefined ? [] : [BigInt(at)];
    const error = await this.guest.call(name, fd, vectorAt, 1, ...place, resultAt);
    return error === 0 ? this.guest.bytes.readUInt32LE(resultAt) : -Number(error);
  }
}

/** How a path is to be opened. */
export interface OpenHow {
  readonly flags?: number;
  readonly mode?: "r" | "w" | "rw";
  readonly append?: boolean;
  readonly fd?: number;
}
