/** The program that takes one module through the pipeline and ends: killed when it takes too long. */
import { Socket } from "node:net";
import { HostError } from "#manifests/errors.ts";
import { prepare } from "./module/prepare.ts";
import { writeNumbers } from "./messages.ts";
import type { Job, PrepareJob, ValueFault, ValueJob } from "./preparer.ts";
import { admitSchema } from "./schema/admit.ts";
import { compileSchema } from "./schema/compile.ts";
import { createFrameReader, frame, frameBytesMax, FrameWriter } from "./wire.ts";

/** Steps that checking one configuration may take. */
const checkSteps = 2_000_000;
/**
 * Milliseconds of the processor that compiling a module may take: so many, and as many again as honest
 * code of its size takes on a slow day. In a runner nothing can interrupt it.
 */
const compileMs = 300;
const compileBytesAMs = 10_000;
/** What a frame has room for besides what is told of a module: its names are in the module too. */
const meteredBytesMax = frameBytesMax - 32 * 1024 * 1024;

const input = new Socket({ fd: 0, readable: true, writable: false });
const output = new Socket({ fd: 1, readable: false, writable: true });
const writer = new FrameWriter((chunk) => output.write(chunk));

input.on("end", () => process.exit(0));
input.on(
  "data",
  createFrameReader(frameBytesMax, (_, body) => answer(body)),
);
process.permission.drop("fs.read");

function answer(body: Buffer): void {
  const jobEnd = 4 + body.readUInt32LE(0);
  const job = JSON.parse(body.toString("utf8", 4, jobEnd)) as Job;
  try {
    if ("check" in job) write({ ok: { fault: faultOf(job.check) } }, new Uint8Array());
    else prepareModule(job.prepare, new Uint8Array(body.subarray(jobEnd)));
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    write({ error: { code: error.code, facts: error.facts } }, new Uint8Array());
  }
}

/** Checks and meters a module, and writes what came of it. @throws MODULE_TOO_LARGE */
function prepareModule(job: PrepareJob, bytes: Uint8Array): void {
  for (const { place, schema } of job.schemas) admitSchema(schema, place);
  const { metered, ...told } = prepare(bytes, {
    memoryPagesMax: job.memoryPagesMax,
    // Any name may be asked for, also one that every object has.
    admits: (module, name) =>
      Object.hasOwn(job.imports, module) && (job.imports[module] ?? []).includes(name),
  });
  const actual = metered.length;
  if (actual > meteredBytesMax) {
    const what = "the module with its metering, in bytes,";
    throw new HostError("MODULE_TOO_LARGE", { what, actual, limit: meteredBytesMax });
  }
  checkCompiles(metered);
  write({ ok: told }, metered);
}

/** @throws PREPARE_TIMEOUT */
function checkCompiles(metered: Uint8Array): void {
  const before = process.cpuUsage();
  new WebAssembly.Module(metered as Uint8Array<ArrayBuffer>);
  const { user, system } = process.cpuUsage(before);
  const limitMs = compileMs + Math.round(metered.length / compileBytesAMs);
  if ((user + system) / 1_000 > limitMs) throw new HostError("PREPARE_TIMEOUT", { limitMs });
}

function faultOf({ schema, value }: ValueJob): ValueFault | undefined {
  const failure = compileSchema(schema).validate(value, { steps: checkSteps });
  if (failure === undefined) return undefined;
  const { path, expected, found } = failure;
  return { path, problem: `must be ${expected}, found ${found}` };
}

function write(told: unknown, metered: Uint8Array): void {
  const json = Buffer.from(JSON.stringify(told));
  writeNumbers(writer, frame.prepared, [json.length], Buffer.concat([json, metered]));
}
