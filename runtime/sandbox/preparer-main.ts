/** The program that takes one module through the pipeline and ends: killed when it takes too long. */
import { Socket } from "node:net";
import { HostError } from "#manifests/errors.ts";
import { prepare } from "./module/prepare.ts";
import type { PrepareJob } from "./preparer.ts";
import { admitSchema } from "./schema/admit.ts";
import { createFrameReader, frame, frameBytesMax, FrameWriter } from "./wire.ts";

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
  const job = JSON.parse(body.toString("utf8", 4, jobEnd)) as PrepareJob;
  try {
    for (const schema of job.schemas) admitSchema(schema);
    const { metered, ...told } = prepare(new Uint8Array(body.subarray(jobEnd)), {
      memoryPagesMax: job.memoryPagesMax,
      admits: (module, name) => job.imports[module]?.includes(name) ?? false,
    });
    write({ ok: told }, metered);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    write({ error: { code: error.code, facts: error.facts } }, new Uint8Array());
  }
}

function write(told: unknown, metered: Uint8Array): void {
  const json = Buffer.from(JSON.stringify(told));
  const { buffer, at } = writer.open(frame.prepared, 4 + json.length + metered.length);
  buffer.writeUInt32LE(json.length, at);
  buffer.set(json, at + 4);
  buffer.set(metered, at + 4 + json.length);
}
