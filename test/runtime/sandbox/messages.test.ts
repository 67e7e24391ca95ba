import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  readExchange,
  readInvoke,
  readResult,
  writeExchange,
  writeInvoke,
  writeResult,
} from "#runtime/sandbox/messages.ts";
import { createFrameReader, FrameWriter, frame } from "#runtime/sandbox/wire.ts";

/** Returns the body of the one frame that is written. */
function bodyOf(type: number, write: (writer: FrameWriter) => void): Buffer {
  const bodies: Buffer[] = [];
  const read = createFrameReader(1 << 20, (found, body) => {
    assert.equal(found, type);
    bodies.push(Buffer.from(body));
  });
  const writer = new FrameWriter(read);
  write(writer);
  writer.flush();
  assert.equal(bodies.length, 1);
  return bodies[0] ?? Buffer.of();
}

const number = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each));
const amount = fc.double({ min: 0, max: 1e15, noNaN: true });

test("readInvoke() reads what writeInvoke() wrote", () => {
  const numbers = fc.tuple(number, number, number, number, number, amount, amount);
  fc.assert(
    fc.property(
      numbers,
      bytes,
      ([call, module, tool, instance, flags, deadlineMs, fuel], input) => {
        const invoke = { call, module, tool, instance, flags, deadlineMs, fuel };
        const body = bodyOf(frame.invoke, (writer) => writeInvoke(writer, call, invoke, input));
        assert.deepEqual(readInvoke(body), { invoke, input });
      },
    ),
  );
});

test("readResult() reads what writeResult() wrote", () => {
  const flags = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
  fc.assert(
    fc.property(
      number,
      number,
      flags,
      amount,
      amount,
      bytes,
      (call, hostCalls, is, fuel, memoryBytes, payload) => {
        const [ok, alive, raw] = is;
        const result = { call, ok, alive, raw, fuel, memoryBytes, hostCalls };
        const body = bodyOf(frame.result, (writer) => writeResult(writer, result, payload));
        assert.deepEqual(readResult(body), { ...result, payload });
      },
    ),
  );
});

for (const [what, fuel, memoryBytes] of [
  ["negative fuel", -1, 0],
  ["fuel that is no number", Number.NaN, 0],
  ["endless fuel", Number.POSITIVE_INFINITY, 0],
  ["negative memory", 0, -1],
  ["memory that is no number", 0, Number.NaN],
  ["endless memory", 0, Number.POSITIVE_INFINITY],
] as const)
  test(`readResult() refuses ${what}`, () => {
    const result = { call: 1, ok: true, alive: true, raw: false, fuel, memoryBytes, hostCalls: 0 };
    const body = bodyOf(frame.result, (writer) => writeResult(writer, result, Buffer.of()));
    assert.equal(readResult(body), undefined);
  });

test("readExchange() reads what writeExchange() wrote, in bytes of its own", () => {
  const parts = fc.tuple(bytes, fc.array(bytes, { maxLength: 16 }));
  fc.assert(
    fc.property(
      fc.tuple(number, number, number, number),
      parts,
      ([call, request, count, burntGrains], [json, blocks]) => {
        const body = bodyOf(frame.ask, (writer) =>
          writeExchange(writer, frame.ask, call, request, count, { json, blocks }, burntGrains),
        );
        const read = readExchange(body);
        body.fill(0xff);
        assert.deepEqual(
          { ...read, exchange: read && [read.exchange.json, ...read.exchange.blocks].map(hex) },
          { call, request, number: count, burntGrains, exchange: [json, ...blocks].map(hex) },
        );
      },
    ),
  );
});

function hex(each: Uint8Array): string {
  return Buffer.from(each).toString("hex");
}

for (const [what, change] of [
  ["no part at all", (body: Buffer) => body.writeUInt32LE(0, 12)],
  ["more parts than there are", (body: Buffer) => body.writeUInt32LE(3, 12)],
  ["fewer parts than there are", (body: Buffer) => body.writeUInt32LE(1, 12)],
  ["4 billion parts", (body: Buffer) => body.writeUInt32LE(0xffff_ffff, 12)],
  ["a part that is longer than the frame", (body: Buffer) => body.writeUInt32LE(0xffff_ffff, 20)],
  ["a part that is shorter than it says", (body: Buffer) => body.writeUInt32LE(1, 20)],
] as const)
  test(`readExchange() refuses ${what}`, () => {
    const exchange = { json: Buffer.from("{}"), blocks: [Buffer.from("block")] };
    const body = bodyOf(frame.ask, (writer) => writeExchange(writer, frame.ask, 1, 1, 0, exchange));
    assert.notEqual(readExchange(body), undefined);
    change(body);
    assert.equal(readExchange(body), undefined);
  });

test("readExchange() refuses what is cut off anywhere", () => {
  const exchange = { json: Buffer.from("{}"), blocks: [Buffer.from("block")] };
  const body = bodyOf(frame.ask, (writer) => writeExchange(writer, frame.ask, 1, 1, 0, exchange));
  for (let end = 0; end < body.length; end++)
    assert.equal(readExchange(body.subarray(0, end)), undefined);
  assert.equal(readExchange(Buffer.concat([body, Buffer.of(0)])), undefined);
});
