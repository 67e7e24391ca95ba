/** A runner that plays tricks: it loads whatever it is given, then does what its argument says. */
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { readInvoke, writeExchange, writeNumbers, writeResult } from "#runtime/sandbox/messages.ts";
import { createFrameReader, FrameWriter, frame, frameBytesMax } from "#runtime/sandbox/wire.ts";

const input = new Socket({ fd: 0, readable: true, writable: false });
const output = new Socket({ fd: 1, readable: false, writable: true });
const writer = new FrameWriter((chunk) => output.write(chunk));
const [, , trick = ""] = process.argv;
const heard = { answers: 0 };
const question = { json: Buffer.from("{}"), blocks: [] };

function result(call: number, own: { fuel?: number; memoryBytes?: number } = {}): void {
  const told = { call, ok: true, alive: true, raw: false, fuel: 1, memoryBytes: 1, hostCalls: 0 };
  writeResult(writer, { ...told, ...own }, Buffer.from('"done"'));
}

function ask(call: number, request: number, number: number): void {
  writeExchange(writer, frame.ask, call, request, number, question);
}

function log(call: number, text: string, level = 2): void {
  writeNumbers(writer, frame.log, [call, level], Buffer.from(text));
}

function raw(bytes: readonly number[] | Buffer): void {
  writer.flush();
  output.write(Buffer.from(bytes));
}

/** What it does when it is called. */
const tricks: Record<string, (call: number) => void> = {
  honest: (call) => result(call),
  "foreign result": (call) => result(call + 1_000),
  "second result": (call) => {
    result(call);
    result(call);
  },
  "foreign question": (call) => ask(call + 1_000, 1, 0),
  "question out of order": (call) => ask(call, 2, 0),
  "question asked twice": (call) => {
    ask(call, 1, 0);
    ask(call, 1, 0);
  },
  "function beyond the plan": (call) => ask(call, 1, 1),
  "too many questions": (call) => {
    for (let request = 1; request <= 6; request++) ask(call, request, 0);
  },
  "question that does not add up": (call) =>
    writeNumbers(writer, frame.ask, [call, 1, 0, 2, 4_000_000]),
  "foreign log": (call) => log(call + 1_000, "psst"),
  "unknown level": (call) => log(call, "psst", 5),
  "flood of logs": (call) => {
    for (let count = 0; count < 10_000; count++) log(call, "again and again");
  },
  "flood of empty logs": (call) => {
    for (let count = 0; count < 10_000; count++) log(call, "");
  },
  "endless line": (call) => log(call, "x".repeat(100_000)),
  "unknown type": () => writeNumbers(writer, 99, [1]),
  "frame of the host": (call) => writeNumbers(writer, frame.invoke, [call]),
  "answer of its own": (call) => writeExchange(writer, frame.answer, call, 1, 0, question),
  "over-long frame": () => raw([0xff, 0xff, 0xff, 0xff, frame.result]),
  "empty frame": () => raw([0, 0, 0, 0, frame.result]),
  "short result": (call) => writeNumbers(writer, frame.result, [call]),
  "empty log": () => writeNumbers(writer, frame.log, []),
  garbage: () => raw(Buffer.from("HTTP/1.1 200 OK\r\n\r\n")),
  "unasked loaded": () => writeNumbers(writer, frame.loaded, [77]),
  "unasked refusal": () => writeNumbers(writer, frame.refused, [77]),
  "negative fuel": (call) => result(call, { fuel: -1 }),
  "fuel that is no number": (call) => result(call, { fuel: Number.NaN }),
  "endless memory": (call) => result(call, { memoryBytes: Number.POSITIVE_INFINITY }),
  "its own end": () => process.exit(7),
  mute: () => {},
  "half a frame": () => raw([200, 0, 0, 0, frame.result, 1, 2, 3]),
  "question, then its own end": (call) => {
    ask(call, 1, 0);
    setTimeout(() => process.exit(7), 50);
  },
};

/** What it does when its call was ended. */
const lateTricks: Record<string, (call: number) => void> = {
  "late question": async (call) => {
    ask(call, 1, 0);
    await sleep(20);
    if (heard.answers > 0) process.exit(9);
    result(call);
  },
  "late log": (call) => {
    log(call, "after the end");
    result(call);
  },
  "late result": (call) => result(call),
  "endless chatter": (call) => {
    setInterval(() => log(call, ""), 1);
  },
  "a frame byte by byte": () => {
    raw([255, 255, 255, 0]);
    setInterval(() => raw([0]), 1);
  },
  "late result twice": (call) => {
    result(call);
    result(call);
  },
};

function receive(type: number, body: Buffer): void {
  if (type === frame.load) writeNumbers(writer, frame.loaded, [body.readUInt32LE(0)]);
  if (type === frame.invoke) tricks[trick]?.(readInvoke(body).invoke.call);
  if (type === frame.answer) heard.answers += 1;
  if (type === frame.cancel) lateTricks[trick]?.(body.readUInt32LE(0));
}

input.on("data", createFrameReader(frameBytesMax, receive));
input.on("end", () => process.exit(0));
writeNumbers(writer, frame.ready, []);
