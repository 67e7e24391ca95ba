import { type Frame, type FrameWriter, frame } from "./wire.ts";

/** What a runner must know of one version of a plugin to run it. */
export interface GuestPlan {
  /** For messages; authority never rests on it. */
  readonly plugin: string;
  readonly version: string;
  readonly tools: readonly ToolPlan[];
  readonly config: Readonly<Record<string, string>>;
  /** Host functions that the plugin imports, `module.name`; their place is their number on the wire. */
  readonly functions: readonly string[];
  /** Purposes of folders that the manifest asks for: a module that imports WASI sees them. */
  readonly folders: readonly string[];
  readonly limits: GuestLimits;
  /** Pages that its memory has from the start. */
  readonly memoryPagesMin: number;
  readonly exports: readonly {
    name: string;
    params: readonly string[];
    results: readonly string[];
  }[];
  readonly logLevel: number;
}

/** How one tool is called. */
export interface ToolPlan {
  readonly name: string;
  readonly export: string;
  /** `raw` is a module without a manifest: text if it is a string, else JSON. */
  readonly encoding: "json" | "text" | "bytes" | "raw";
  /** Author-written JSON Schemas, admitted at install. */
  readonly input?: unknown;
  readonly output?: unknown;
}

/** Bounds of one instance and of one call. */
export interface GuestLimits {
  readonly memoryBytes: number;
  readonly outputBytes: number;
  readonly logBytes: number;
  readonly hostCalls: number;
}

/** Flags of an invoke frame. */
export const invokeFlag = { rawInput: 1, rawOutput: 2, discardAfter: 4 } as const;

/** One call as it goes to a runner. */
export interface Invoke {
  readonly call: number;
  readonly module: number;
  readonly tool: number;
  readonly instance: number;
  readonly flags: number;
  /** Milliseconds from now. */
  readonly deadlineMs: number;
  readonly fuel: number;
}

const invokeBytes = 5 * 4 + 8 + 8;

/** Writes a call and its input. */
export function writeInvoke(
  writer: FrameWriter,
  call: number,
  invoke: Omit<Invoke, "call">,
  input: Uint8Array,
): void {
  const { buffer, at } = writer.open(frame.invoke, invokeBytes + input.length);
  buffer.writeUInt32LE(call, at);
  buffer.writeUInt32LE(invoke.module, at + 4);
  buffer.writeUInt32LE(invoke.tool, at + 8);
  buffer.writeUInt32LE(invoke.instance, at + 12);
  buffer.writeUInt32LE(invoke.flags, at + 16);
  buffer.writeDoubleLE(invoke.deadlineMs, at + 20);
  buffer.writeDoubleLE(invoke.fuel, at + 28);
  buffer.set(input, at + invokeBytes);
}

/** Reads what `writeInvoke` wrote; the input is a view into the body. */
export function readInvoke(body: Buffer): { invoke: Invoke; input: Buffer } {
  const invoke = {
    call: body.readUInt32LE(0),
    module: body.readUInt32LE(4),
    tool: body.readUInt32LE(8),
    instance: body.readUInt32LE(12),
    flags: body.readUInt32LE(16),
    deadlineMs: body.readDoubleLE(20),
    fuel: body.readDoubleLE(28),
  };
  return { invoke, input: body.subarray(invokeBytes) };
}

/** How a call ended, as a runner tells it. */
export interface Result {
  readonly call: number;
  readonly ok: boolean;
  /** False when the instance is gone. */
  readonly alive: boolean;
  /** True when the payload is raw bytes and not JSON text. */
  readonly raw: boolean;
  readonly fuel: number;
  readonly memoryBytes: number;
  readonly hostCalls: number;
}

const resultBytes = 4 + 4 + 8 + 8 + 4;

/** Writes a result; the payload is the output, or JSON `{code, facts}` of a failure. */
export function writeResult(writer: FrameWriter, result: Result, payload: Uint8Array): void {
  const { buffer, at } = writer.open(frame.result, resultBytes + payload.length);
  buffer.writeUInt32LE(result.call, at);
  buffer[at + 4] = result.ok ? 1 : 0;
  buffer[at + 5] = result.alive ? 1 : 0;
  buffer[at + 6] = result.raw ? 1 : 0;
  buffer[at + 7] = 0;
  buffer.writeDoubleLE(result.fuel, at + 8);
  buffer.writeDoubleLE(result.memoryBytes, at + 16);
  buffer.writeUInt32LE(result.hostCalls, at + 24);
  buffer.set(payload, at + resultBytes);
}

/** Reads a result; undefined when the body is too short or a number is none. */
export function readResult(body: Buffer): (Result & { readonly payload: Buffer }) | undefined {
  if (body.length < resultBytes) return undefined;
  const fuel = body.readDoubleLE(8);
  const memoryBytes = body.readDoubleLE(16);
  if (!(fuel >= 0 && fuel < Infinity && memoryBytes >= 0 && memoryBytes < Infinity))
    return undefined;
  return {
    call: body.readUInt32LE(0),
    ok: body[4] === 1,
    alive: body[5] === 1,
    raw: body[6] === 1,
    fuel,
    memoryBytes,
    hostCalls: body.readUInt32LE(24),
    payload: body.subarray(resultBytes),
  };
}

/** A guest's question to the host, or the host's answer: JSON and up to 16 blocks of bytes. */
export interface Exchange {
  readonly json: Uint8Array;
  readonly blocks: readonly Uint8Array[];
}

/** Longest line of a log that travels, in bytes of UTF-8; of a longer one the rest is dropped. */
export const lineBytesMax = 64 * 1024;

/** Most blocks that travel with one question or answer. */
export const blocksMax = 16;

/** Fuel that travels with questions and answers is counted in so many units. */
export const fuelGrain = 1024;

const exchangeBytes = 20;

/** A question or an answer as it came. */
export interface ReadExchange {
  readonly call: number;
  readonly request: number;
  readonly number: number;
  /** A claim of whoever runs the guest. */
  readonly burntGrains: number;
  readonly exchange: Exchange;
}

/**
 * Writes a question (`number` is the function) or an answer (`number` is what it charges, in
 * `fuelGrain`s). A question says what its call has burnt so far, in the same unit.
 */
export function writeExchange(
  writer: FrameWriter,
  type: number,
  call: number,
  request: number,
  number: number,
  exchange: Exchange,
  burntGrains = 0,
): void {
  const parts = [exchange.json, ...exchange.blocks];
  const bytes = parts.reduce((sum, part) => sum + 4 + part.length, exchangeBytes);
  const { buffer, at }: Frame = writer.open(type, bytes);
  buffer.writeUInt32LE(call, at);
  buffer.writeUInt32LE(request, at + 4);
  buffer.writeUInt32LE(number, at + 8);
  buffer.writeUInt32LE(parts.length, at + 12);
  buffer.writeUInt32LE(Math.min(burntGrains, 0xffff_ffff), at + 16);
  let end = at + exchangeBytes;
  for (const part of parts) {
    buffer.writeUInt32LE(part.length, end);
    buffer.set(part, end + 4);
    end += 4 + part.length;
  }
}

/** Reads a question or an answer, copied out of the pipe's buffer; undefined when it does not add up. */
export function readExchange(body: Buffer): ReadExchange | undefined {
  if (body.length < exchangeBytes) return undefined;
  const count = body.readUInt32LE(12);
  if (count < 1 || count > blocksMax + 1) return undefined;
  const parts: Uint8Array[] = [];
  let at = exchangeBytes;
  for (let index = 0; index < count; index++) {
    if (at + 4 > body.length) return undefined;
    const length = body.readUInt32LE(at);
    at += 4;
    if (at + length > body.length) return undefined;
    parts.push(new Uint8Array(body.subarray(at, at + length)));
    at += length;
  }
  const [json, ...blocks] = parts;
  if (at !== body.length || json === undefined) return undefined;
  return {
    call: body.readUInt32LE(0),
    request: body.readUInt32LE(4),
    number: body.readUInt32LE(8),
    burntGrains: body.readUInt32LE(16),
    exchange: { json, blocks },
  };
}

/** Writes a frame of a few numbers and some text or bytes. */
export function writeNumbers(
  writer: FrameWriter,
  type: number,
  numbers: readonly number[],
  payload: Uint8Array = new Uint8Array(),
): void {
  const { buffer, at } = writer.open(type, numbers.length * 4 + payload.length);
  numbers.forEach((number, index) => {
    buffer.writeUInt32LE(number, at + index * 4);
  });
  buffer.set(payload, at + numbers.length * 4);
}
