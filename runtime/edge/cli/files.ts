import { mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { bytesText } from "#manifests/units.ts";

/** What is known of a file or a folder without opening it. */
export interface FileFacts {
  /** Absolute. */
  readonly path: string;
  readonly kind: "file" | "folder" | "other";
  readonly bytes: number;
  /** Permission bits. */
  readonly mode: number;
  /** User that owns it. */
  readonly uid: number;
}

/**
 * Returns what a file is.
 *
 * @param named  path as a person wrote it
 * @throws FILE_UNUSABLE
 */
export async function factsOf(named: string): Promise<FileFacts> {
  const path = resolve(named);
  const found = await stat(path).catch((cause) => {
    throw unusable(named, "it cannot be found", cause);
  });
  const kind = found.isFile() ? "file" : found.isDirectory() ? "folder" : "other";
  return { path, kind, bytes: found.size, mode: found.mode & 0o777, uid: found.uid };
}

/**
 * Returns the content of a file.
 *
 * @throws FILE_UNUSABLE when it is larger than `bytesMax`
 */
export async function readBounded(named: string, bytesMax: number): Promise<Uint8Array> {
  const { kind, bytes } = await factsOf(named);
  if (kind === "folder") throw unusable(named, "it is a folder");
  if (bytes > bytesMax) throw unusable(named, `it is larger than ${bytesText(bytesMax)}`);
  const content = await readFile(named).catch((cause) => {
    throw unusable(named, "it cannot be read", cause);
  });
  // A device has no size, and a file may grow.
  if (content.byteLength <= bytesMax) return content;
  throw unusable(named, `it is larger than ${bytesText(bytesMax)}`);
}

/**
 * Writes a file, over one that is there.
 *
 * @throws FILE_UNUSABLE
 */
export async function writeOutput(named: string, content: string | Uint8Array): Promise<void> {
  await writeFile(named, content).catch((cause) => {
    throw unusable(named, "it cannot be written", cause);
  });
}

/**
 * Writes a new file that only its owner can read, as its bytes come. Returns how many came.
 *
 * @throws FILE_UNUSABLE
 */
export async function createOutput(
  named: string,
  content: AsyncIterable<Uint8Array>,
  onWritten: (bytes: number) => void,
): Promise<number> {
  const file = await open(named, "wx", 0o600).catch((cause) => {
    const problem = cause.code === "EEXIST" ? "it is there already" : "it cannot be written";
    throw unusable(named, problem, cause);
  });
  await using _ = file;
  let bytes = 0;
  for await (const chunk of content) {
    await file.writeFile(chunk).catch((cause) => {
      throw unusable(named, "it cannot be written", cause);
    });
    bytes += chunk.byteLength;
    onWritten(bytes);
  }
  return bytes;
}

/**
 * Writes a new file that only its owner can read.
 *
 * Never over one that is there: it may be a link, or readable by others.
 *
 * @throws FILE_UNUSABLE
 */
export async function writeSecret(named: string, secret: string): Promise<void> {
  await writeFile(named, `${secret}\n`, { flag: "wx", mode: 0o600 }).catch((cause) => {
    const problem = cause.code === "EEXIST" ? "it is there already" : "it cannot be written";
    throw unusable(named, problem, cause);
  });
}

/** Returns the failure of a file that a person named. */
export function unusable(named: string, problem: string, cause?: unknown): HostError {
  return new HostError("FILE_UNUSABLE", { file: quote(named, 200), problem }, { cause });
}

/** Makes an empty folder that only its owner can enter, and that goes with all that is in it. */
export async function throwawayFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "convergio-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
