import assert from "node:assert/strict";
import { errors, type ErrorCode, type Facts, HostError } from "#manifests/errors.ts";
import type { ExportInfo, ImportInfo, Prepared } from "./module/prepare.ts";
import { startProcess } from "./process.ts";
import { createFrameReader, frame, frameBytesMax, FrameWriter } from "./wire.ts";

/** Longest that checking and metering one module may take: a 64 MiB module needs about 10 s. */
const limitMs = 30_000;
/** MiB of JavaScript heap for it. */
const heapMiB = 2_048;

/** What is to be prepared. */
export interface PrepareJob {
  /** Pages that every memory may have at most. */
  readonly memoryPagesMax: number;
  /** Import module → names that may be linked. */
  readonly imports: Readonly<Record<string, readonly string[]>>;
  /** Author-written schemas to be admitted; untrusted. */
  readonly schemas: readonly unknown[];
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
export async function prepareApart(job: PrepareJob, bytes: Uint8Array): Promise<Prepared> {
  if (bytes.length > frameBytesMax / 2) {
    throw new HostError("MODULE_TOO_LARGE", {
      what: "the module",
      actual: `${bytes.length} bytes`,
      limit: `${frameBytesMax / 2} bytes`,
    });
  }
  const child = startProcess("preparer-main.ts", heapMiB);
  const { stdin, stdout, stderr } = child;
  assert(stdin && stdout && stderr);
  stderr.resume();
  stdin.on("error", () => {});
  const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
  try {
    return await new Promise<Prepared>((resolve, reject) => {
      const startedAt = performance.now();
      child.on("exit", () => reject(endOf(performance.now() - startedAt)));
      child.on("error", reject);
      const read = createFrameReader(frameBytesMax, (_, body) => resolve(answerOf(body)));
      stdout.on("data", (chunk: Buffer) => {
        try {
          read(chunk);
        } catch (error) {
          reject(error);
        }
      });
      const writer = new FrameWriter((chunk) => void stdin.write(chunk));
      const json = Buffer.from(JSON.stringify(job));
      const { buffer, at } = writer.open(frame.prepare, 4 + json.length + bytes.length);
      buffer.writeUInt32LE(json.length, at);
      buffer.set(json, at + 4);
      buffer.set(bytes, at + 4 + json.length);
    });
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}

function endOf(tookMs: number): HostError {
  if (tookMs >= limitMs) return new HostError("PREPARE_TIMEOUT", { limitMs });
  return new HostError("MODULE_INVALID", { reason: "it broke the process that checked it" });
}

/** Reads what the process says: a claim, which is checked as far as the host relies on it. */
function answerOf(body: Buffer): Prepared {
  const jsonEnd = 4 + body.readUInt32LE(0);
  const told = JSON.parse(body.toString("utf8", 4, jsonEnd)) as
    | { ok: Omit<Prepared, "metered"> }
    | { error: { code: ErrorCode; facts: Facts<ErrorCode> } };
  if ("error" in told) {
    const { code, facts } = told.error;
    throw new HostError(Object.hasOwn(errors, code) ? code : "INTERNAL", facts);
  }
  return { ...told.ok, metered: new Uint8Array(body.subarray(jsonEnd)) };
}

export type { ExportInfo, ImportInfo, Prepared };
