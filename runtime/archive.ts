import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { Header } from "tar";
import { HostError } from "#manifests/errors.ts";

const blockBytes = 512;

/** A file on its way into an archive. */
export interface Packed {
  readonly name: string;
  readonly bytes: number;
  /** Exactly so many bytes. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** A file on its way out of one; its bytes are read before the next one comes. */
export interface Unpacked {
  readonly name: string;
  readonly bytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Writes a `.tgz` file by file, on the disk when the promise resolves; only its owner can read it.
 *
 * @param path  of a file that is not there yet
 * @throws FILE_UNUSABLE, STORAGE_FULL
 */
export async function writeArchive(path: string, files: AsyncIterable<Packed>): Promise<void> {
  try {
    // Little is gained by more: modules hardly shrink, and the host has calls to answer.
    const gzip = createGzip({ level: 1 });
    const out = createWriteStream(path, { flags: "wx", mode: 0o600 });
    await pipeline(Readable.from(blocksOf(files)), gzip, out);
    await using file = await open(path, "r");
    await file.sync();
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOSPC") throw new HostError("STORAGE_FULL", {}, { cause });
    if (code === undefined || code.startsWith("ERR_")) throw cause;
    const problem = "it cannot be written";
    throw new HostError("FILE_UNUSABLE", { file: "the backup", problem }, { cause });
  }
}

async function* blocksOf(files: AsyncIterable<Packed>): AsyncGenerator<Uint8Array> {
  for await (const { name, bytes, chunks } of files) {
    yield headerOf(name, bytes);
    yield* chunks;
    yield new Uint8Array(-bytes & (blockBytes - 1));
  }
  yield new Uint8Array(2 * blockBytes);
}

function headerOf(path: string, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  new Header({ path, size, type: "File", mode: 0o600, mtime: new Date(0) }).encode(block);
  return block;
}

/**
 * Reads an archive file by file.
 *
 * @param path  untrusted
 * @throws BACKUP_INVALID when it is none, or cut short; FILE_UNUSABLE
 */
export async function* readArchive(path: string): AsyncGenerator<Unpacked> {
  const raw = createReadStream(path);
  const unzipped = createGunzip();
  raw.on("error", (error) => unzipped.destroy(error));
  raw.pipe(unzipped);
  const source = new Source(unzipped);
  try {
    for (;;) {
      const block = await source.take(blockBytes);
      if (block.every((byte) => byte === 0)) return;
      const header = new Header(block);
      const { path: name = "", size: bytes = -1, type } = header;
      if (!header.cksumValid || type !== "File" || bytes < 0) throw invalid("a header is wrong");
      yield { name, bytes, chunks: source.chunks(bytes) };
      await source.take(-bytes & (blockBytes - 1));
    }
  } finally {
    raw.destroy();
    unzipped.destroy();
  }
}

/** The bytes of a stream in pieces of a wanted length. */
class Source {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes, few. @throws BACKUP_INVALID */
  async take(bytes: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const chunk of this.chunks(bytes)) parts.push(chunk);
    return Buffer.concat(parts);
  }

  /** So many bytes as they come. @throws BACKUP_INVALID, FILE_UNUSABLE */
  async *chunks(bytes: number): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0; ) {
      if (this.#rest.length === 0) await this.#fill();
      const chunk = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }

  /** Here, for whoever reads the chunks of a file is told as well. */
  async #fill(): Promise<void> {
    const { value, done } = await this.#chunks.next().catch((cause: NodeJS.ErrnoException) => {
      if (cause.code?.startsWith("Z_")) throw invalid("it is no archive, or damaged", cause);
      const problem = "it cannot be read";
      throw new HostError("FILE_UNUSABLE", { file: "the backup", problem }, { cause });
    });
    if (done) throw invalid("it is cut short");
    this.#rest = value;
  }
}

function invalid(reason: string, cause?: unknown): HostError {
  return new HostError("BACKUP_INVALID", { reason }, { cause });
}
