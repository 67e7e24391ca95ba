import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { createFrameReader, FrameError, FrameWriter } from "#runtime/sandbox/wire.ts";

interface Sent {
  readonly type: number;
  readonly body: Buffer;
}

function write(writer: FrameWriter, { type, body }: Sent): void {
  const { buffer, at } = writer.open(type, body.length);
  buffer.set(body, at);
}

/** Everything that a writer hands on for these frames. */
function bytesOf(frames: readonly Sent[]): Buffer {
  const chunks: Buffer[] = [];
  const writer = new FrameWriter((chunk) => void chunks.push(chunk));
  for (const each of frames) write(writer, each);
  writer.flush();
  return Buffer.concat(chunks);
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length];
  ends.sort((a, b) => a - b);
  // Copied: a pipe hands out memory of its own for each chunk.
  return ends.map((end, index) => Buffer.from(bytes.subarray(ends[index - 1] ?? 0, end)));
}

function readAll(chunks: readonly Buffer[], bytesMax = 1 << 20): Sent[] {
  const found: Sent[] = [];
  const read = createFrameReader(bytesMax, (type, body) => {
    found.push({ type, body: Buffer.from(body) });
  });
  for (const chunk of chunks) read(chunk);
  return found;
}

const sent = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 }))
  .map(([type, bytes]) => ({ type, body: Buffer.from(bytes) }));

test("createFrameReader() gives the same frames however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(sent, { maxLength: 20 }),
      fc.array(fc.nat(), { maxLength: 30 }),
      (frames, places) => {
        assert.deepEqual(readAll(cut(bytesOf(frames), places)), frames);
      },
    ),
    { numRuns: 300 },
  );
});

test("createFrameReader() gives the same frames byte by byte", () => {
  const frames = [0, 1, 5, 4096].map((bytes) => ({ type: 7, body: Buffer.alloc(bytes, bytes) }));
  const bytes = bytesOf(frames);
  const single = [...bytes].map((byte) => Buffer.of(byte));
  assert.deepEqual(readAll(single), frames);
});

test("createFrameReader() hands on a frame as soon as it is whole, and not before", () => {
  const bytes = bytesOf([{ type: 3, body: Buffer.from("abc") }]);
  assert.deepEqual(readAll([bytes.subarray(0, -1)]), []);
  assert.equal(readAll([bytes.subarray(0, -1), bytes.subarray(-1)]).length, 1);
});

test("createFrameReader() takes a frame of exactly the longest length and none that is longer", () => {
  const fits = bytesOf([{ type: 1, body: Buffer.alloc(99) }]);
  assert.equal(readAll([fits], 100).length, 1);
  const over = bytesOf([{ type: 1, body: Buffer.alloc(100) }]);
  assert.throws(() => readAll([over], 100), FrameError);
  assert.throws(() => readAll([over.subarray(0, 5)], 100), FrameError);
  assert.throws(() => readAll([over.subarray(0, 3), over.subarray(3, 5)], 100), FrameError);
});

test("createFrameReader() refuses a length of zero, also in the middle of a stream", () => {
  const good = bytesOf([{ type: 1, body: Buffer.from("x") }]);
  const zero = Buffer.alloc(5);
  assert.throws(() => readAll([zero]), FrameError);
  assert.throws(() => readAll([Buffer.concat([good, zero])]), FrameError);
  assert.throws(() => readAll([good, zero.subarray(0, 2), zero.subarray(2)]), FrameError);
});

test("createFrameReader() passes on what its listener throws", () => {
  const read = createFrameReader(100, () => assert.fail("heard"));
  assert.throws(() => read(bytesOf([{ type: 1, body: Buffer.alloc(1) }])), { message: "heard" });
});

test("FrameWriter hands on the frames of one turn together, and many in small groups", async () => {
  const chunks: Buffer[] = [];
  const writer = new FrameWriter((chunk) => void chunks.push(chunk));
  const frames = Array.from({ length: 20 }, (_, index) => ({
    type: index,
    body: Buffer.of(index),
  }));
  for (const each of frames) write(writer, each);
  // What the other side can begin with is on its way, what is not whole yet is not.
  assert.equal(chunks.length, 2);
  assert.deepEqual(readAll(chunks), frames.slice(0, 16));
  await nextTurn();
  assert.equal(chunks.length, 3);
  write(writer, { type: 99, body: Buffer.of(1) });
  await nextTurn();
  assert.equal(chunks.length, 4);
  assert.deepEqual(readAll(chunks), [...frames, { type: 99, body: Buffer.of(1) }]);
});

test("FrameWriter keeps order and bytes when frames outgrow what it collects", () => {
  const sizes = [10, 65_000, 2_000, 300_000, 0, 65_536, 7];
  const frames = sizes.map((bytes, type) => ({ type, body: Buffer.alloc(bytes, type + 1) }));
  assert.deepEqual(readAll([bytesOf(frames)]), frames);
});

test("FrameWriter.flush() hands on at once, and nothing twice", async () => {
  const chunks: Buffer[] = [];
  const writer = new FrameWriter((chunk) => void chunks.push(Buffer.from(chunk)));
  write(writer, { type: 1, body: Buffer.from("now") });
  writer.flush();
  assert.equal(chunks.length, 1);
  writer.flush();
  await nextTurn();
  assert.equal(chunks.length, 1);
});

test("FrameWriter never changes bytes that it has handed on", () => {
  const chunks: Buffer[] = [];
  const copies: Buffer[] = [];
  const writer = new FrameWriter((chunk) => {
    chunks.push(chunk);
    copies.push(Buffer.from(chunk));
  });
  for (let turn = 0; turn < 40; turn++) {
    write(writer, { type: turn, body: Buffer.alloc(5_000, turn) });
    writer.flush();
  }
  assert.deepEqual(chunks, copies);
});
