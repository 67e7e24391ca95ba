import { crc32, gzip as gzipAnyhow, inflateRaw, type InflateRaw } from "node:zlib";
import { HostError } from "#manifests/errors.ts";
import { packageLimits } from "./limits.ts";

const headerBytes = 10;
const trailerBytes = 8;
const flagName = 0x08;
/** Where the header says on which system it was made, and the value for "unknown". */
const systemAt = 9;
const systemUnknown = 255;

/**
 * Returns bytes packed by gzip, the same on every system: the header holds no name, time or system.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1952#section-2.3
 */
export function gzip(bytes: Uint8Array): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  gzipAnyhow(bytes, (error, packed) => {
    if (error !== null) return reject(error);
    packed[systemAt] = systemUnknown;
    resolve(packed);
  });
  return promise;
}

/**
 * Returns what one gzip member holds.
 *
 * It is taken apart by hand, because Node's own reader passes over what follows the first member.
 *
 * @param bytes           untrusted
 * @param outputBytesMax  unpacking ends there
 * @throws PACKAGE_INVALID, PACKAGE_TOO_LARGE
 */
export async function gunzip(bytes: Uint8Array, outputBytesMax: number): Promise<Buffer> {
  const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bodyStart(packed);
  const { output, readBytes } = await inflate(packed.subarray(start), outputBytesMax);
  const end = start + readBytes;
  if (packed.length < end + trailerBytes) throw invalid("it is cut short");
  if (packed.length > end + trailerBytes) throw invalid("something follows its gzip stream");
  if (packed.readUInt32LE(end) !== crc32(output) || packed.readUInt32LE(end + 4) !== output.length)
    throw invalid("its gzip checksum is not that of its content");
  return output;
}

function bodyStart(packed: Buffer): number {
  const flags = packed[3];
  if (packed.length < headerBytes || packed.readUIntBE(0, 3) !== 0x1f8b08)
    throw invalid("it is not a gzip file");
  if (flags === 0) return headerBytes;
  if (flags !== flagName) throw invalid("its gzip header has fields that packages do not have");
  const end = packed.indexOf(0, headerBytes);
  if (end < 0 || end > headerBytes + packageLimits.pathCharsMax)
    throw invalid("the name in its gzip header does not end");
  return end + 1;
}

interface Inflated {
  readonly output: Buffer;
  /** Bytes up to the end of the stream. */
  readonly readBytes: number;
}

function inflate(body: Buffer, outputBytesMax: number): Promise<Inflated> {
  const { promise, resolve, reject } = Promise.withResolvers<Inflated>();
  const options = { maxOutputLength: outputBytesMax, info: true };
  inflateRaw(body, options, (error, result) => {
    if (error === null) {
      // With `info` the engine comes along; the types do not know.
      const { buffer, engine } = result as unknown as { buffer: Buffer; engine: InflateRaw };
      return resolve({ output: buffer, readBytes: engine.bytesWritten });
    }
    if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE")
      return reject(invalid("its gzip stream is damaged or cut short", error));
    const limit = `${outputBytesMax} bytes`;
    reject(new HostError("PACKAGE_TOO_LARGE", { what: "it unpacks to", limit }, { cause: error }));
  });
  return promise;
}

function invalid(reason: string, cause?: unknown): HostError {
  return new HostError("PACKAGE_INVALID", { reason }, { cause });
}
