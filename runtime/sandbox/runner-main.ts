/** The program of a runner process: guests on one side, three pipes to the host on the other. */
import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { kernelModule } from "./guest/kernel.ts";
import { createRunner } from "./guest/runner.ts";
import { createFrameReader, FrameWriter, frameBytesMax } from "./wire.ts";

const input = new Socket({ fd: 0, readable: true, writable: false });
const output = new Socket({ fd: 1, readable: false, writable: true });
const writer = new FrameWriter((chunk) => output.write(chunk));
const kernel = readFileSync(new URL("../../build/kernel.wasm", import.meta.url));
const runner = createRunner(writer, kernelModule(kernel));

// The host is gone: nobody is left to run anything for.
input.on("end", () => process.exit(0));
input.on("error", () => process.exit(0));
output.on("error", () => process.exit(0));
input.on(
  "data",
  createFrameReader(frameBytesMax, (type, body) => runner.receive(type, body)),
);

// Everything that a runner ever reads has been read.
process.permission.drop("fs.read");
runner.ready();
