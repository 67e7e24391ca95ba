import assert from "node:assert/strict";
import { errors, type ErrorCode, type Facts, HostError } from "#manifests/errors.ts";
import { residentBytes } from "./caps.ts";
import type { Prepared } from "./module/prepare.ts";
import { writeNumbers } from "./messages.ts";
import { type SandboxedProcess, startProcess } from "./process.ts";
import type { Wall } from "./walls/wall.ts";
import { createFrameReader, FrameError, frame, frameBytesMax, FrameWriter } from "./wire.ts";

/** Longest that checking and metering one module may take: a 64 MiB module needs about 10 s. */
const preparingMs = 30_000;
/** MiB of JavaScript heap for it. */
const heapMiB = 2_048;
/** Resident bytes at which it is killed: buffers and the engine's own memory are beside the heap. */
const residentBytesMax = 4 * 1024 ** 3;
/** How often they are looked at, in milliseconds. */
const watchMs = 250;

/** How the process is run. */
export interface ApartOptions {
  /** Milliseconds after which it is killed. */
  readonly limitMs?: number;
  /** Starts it; the sandbox's own when left out. */
  readonly start?: () => SandboxedProcess;
  /** Ends it when it fires: nobody waits for its answer any more. */
  readonly signal?: AbortSignal;
}

/** What is to be prepared. */
export interface PrepareJob {
  /** Pages that every memory may have at most. */
  readonly memoryPagesMax: number;
  /** Import module → names that may be linked. */
  readonly imports: Readonly<Record<string, readonly string[]>>;
  /** Author-written schemas to be admitted, untrusted, and where each stands in the manifest. */
  readonly schemas: readonly { readonly place: string; readonly schema: unknown }[];
}

/** A value that is to be checked against an author's schema, both untrusted. */
export interface ValueJob {
  readonly schema: unknown;
  readonly value: unknown;
}

/** A job as it goes to the process: one of the two. */
export type Job = { readonly prepare: PrepareJob } | { readonly check: ValueJob };

/** Where and why a value does not fit a schema. */
export interface ValueFault {
  readonly path: string;
  readonly problem: string;
}

/**
 * Checks and meters a module in a process of its own.
 *
 * One process a module: whatever a hostile module does to it, no other module passes through it.
 *
 * @param bytes the module; untrusted
 * @throws MODULE_INVALID, MODULE_TOO_LARGE, MODULE_FEATURE_REFUSED, IMPORT_REFUSED, SCHEMA_REFUSED,
 *         PREPARE_TIMEOUT
 */
export async function prepareApart(
  job: PrepareJob,
  bytes: Uint8Array,
  options: ApartOptions = {},
): Promise<Prepared> {
  if (bytes.length > frameBytesMax / 2) {
    const limit = `${frameBytesMax / 2} bytes`;
    const actual = `${bytes.length} bytes`;
    throw new HostError("MODULE_TOO_LARGE", { what: "the module", actual, limit });
  }
  const { told, rest } = await askApart({ prepare: job }, bytes, options);
  return { ...(told as Omit<Prepared, "metered">), metered: rest };
}

/**
 * Checks a value against an author's schema in a process of its own; undefined when it fits.
 *
 * @throws SCHEMA_REFUSED, PREPARE_TIMEOUT
 */
export async function checkApart(
  job: ValueJob,
  options: ApartOptions = {},
): Promise<ValueFault | undefined> {
  const { told } = await askApart({ check: job }, new Uint8Array(), options);
  return (told as { readonly fault?: ValueFault }).fault;
}

/** What the process says, and the bytes behind it. */
interface Told {
  readonly told: unknown;
  readonly rest: Uint8Array<ArrayBuffer>;
}

async function askApart(job: Job, bytes: Uint8Array, options: ApartOptions): Promise<Told> {
  const { limitMs = preparingMs, start = () => startPreparer(), signal } = options;
  const child = start();
  const end = (): void => void child.kill("SIGKILL");
  signal?.addEventListener("abort", end);
  const late = AbortSignal.timeout(limitMs);
  late.addEventListener("abort", () => child.kill("SIGKILL"));
  const watcher = setInterval(() => killLarge(child), watchMs);
  try {
    return answerOf(await answerTo(job, bytes, child));
  } catch (error) {
    if (error instanceof HostError) throw error;
    if (late.aborted) throw new HostError("PREPARE_TIMEOUT", { limitMs });
    // It may say anything: it has seen hostile bytes.
    const reason = "it broke the process that checked it";
    throw new HostError("MODULE_INVALID", { reason }, { cause: error });
  } finally {
    clearInterval(watcher);
    signal?.removeEventListener("abort", end);
    end();
    // A child of its wall may hold the other ends: nobody waits for that.
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy();
  }
}

/** Starts the process that checks modules, behind a wall; behind Node's own alone when left out. */
export function startPreparer(wall?: Wall): SandboxedProcess {
  // Every function at once, so that one which takes long is met here and not at its first call.
  const engineFlags = ["--no-wasm-lazy-compilation"];
  return startProcess("preparer-main.ts", heapMiB, { ...(wall && { wall }), engineFlags });
}

function killLarge(child: SandboxedProcess): void {
  const pid = child.innerPid ?? child.pid;
  const bytes = pid === undefined ? undefined : residentBytes(pid);
  if (bytes !== undefined && bytes > residentBytesMax) child.kill("SIGKILL");
}

/** The first frame of the process; whatever it writes after that is not read. */
function answerTo(job: Job, bytes: Uint8Array, child: SandboxedProcess): Promise<Buffer> {
  const { stdin, stdout, stderr } = child;
  assert(stdin && stdout && stderr);
  stderr.resume();
  for (const pipe of [stdin, stdout, stderr]) pipe.on("error", () => {});
  return new Promise((resolve, reject) => {
    child.on("exit", (code, signal) => reject(new FrameError(`it ended (${signal ?? code})`)));
    child.on("error", reject);
    const read = createFrameReader(frameBytesMax, (_, answer) => {
      stdout.destroy();
      resolve(answer);
    });
    stdout.on("data", (chunk: Buffer) => {
      try {
        read(chunk);
      } catch (error) {
        reject(error);
      }
    });
    const writer = new FrameWriter((chunk) => void stdin.write(chunk));
    const json = Buffer.from(JSON.stringify(job));
    writeNumbers(writer, frame.prepare, [json.length], Buffer.concat([json, bytes]));
  });
}

/** Reads what the process says: a claim of a process that has seen hostile bytes. */
function answerOf(body: Buffer): Told {
  const jsonEnd = 4 + body.readUInt32LE(0);
  const told = JSON.parse(body.toString("utf8", 4, jsonEnd)) as
    | { ok: unknown }
    | { error: { code: ErrorCode; facts: Facts<ErrorCode> } };
  if ("error" in told) {
    const { code, facts } = told.error;
    throw new HostError(Object.hasOwn(errors, code) ? code : "INTERNAL", facts);
  }
  return { told: told.ok, rest: new Uint8Array(body.subarray(jsonEnd)) };
}
