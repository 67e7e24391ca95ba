/** The attacker writes the bytes of a runner's pipe. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readExchange, readResult, writeExchange } from "#runtime/sandbox/messages.ts";
import { createFrameReader, FrameError, FrameWriter, frame } from "#runtime/sandbox/wire.ts";

const bytesMax = 4_096;
const runs = { numRuns: 2_000 };

/** Feeds a stream to the reader; every frame is read as each kind of message. */
function feed(chunks: readonly Uint8Array[]): "read" | "refused" {
  const read = createFrameReader(bytesMax, (type, body) => {
    assert.ok(type >= 0 && type <= 255);
    assert.ok(body.length < bytesMax);
    const result = readResult(body);
    if (result) {
      assert.ok(Number.isFinite(result.fuel) && result.fuel >= 0);
      assert.ok(Number.isFinite(result.memoryBytes) && result.memoryBytes >= 0);
      assert.ok(result.payload.length <= body.length);
    }
    const asked = readExchange(body);
    if (asked) {
      const { json, blocks } = asked.exchange;
      const bytes = [json, ...blocks].reduce((sum, part) => sum + part.length, 0);
      assert.ok(bytes <= body.length && blocks.length <= 16);
    }
  });
  try {
    for (const chunk of chunks) read(Buffer.from(chunk));
    return "read";
  } catch (error) {
    assert.ok(error instanceof FrameError, String(error));
    return "refused";
  }
}

test("random bytes do nothing to the frame reader but a FrameError", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 12 }), (chunks) => {
      seen.add(feed(chunks));
    }),
    runs,
  );
  assert.deepEqual([...seen].sort(), ["read", "refused"]);
});

test("frames of random bytes do nothing to the readers of messages", () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 });
  fc.assert(
    fc.property(bodies, fc.integer({ min: 0, max: 255 }), (parts, type) => {
      const chunks: Buffer[] = [];
      const writer = new FrameWriter((chunk) => void chunks.push(chunk));
      for (const part of parts) {
        const { buffer, at } = writer.open(type, part.length);
        buffer.set(part, at);
      }
      writer.flush();
      assert.equal(feed(chunks), "read");
    }),
    runs,
  );
});

test("an exchange with some bytes changed is read or refused, and never reaches beyond its frame", () => {
  const honest = exchangeBytes();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(honest.length - 1), fc.integer({ min: 0, max: 255 })), {
        maxLength: 6,
      }),
      (changes) => {
        const bytes = Buffer.from(honest);
        for (const [at, byte] of changes) bytes[at] = byte;
        feed([bytes]);
      },
    ),
    runs,
  );
});

function exchangeBytes(): Buffer {
  const chunks: Buffer[] = [];
  const writer = new FrameWriter((chunk) => void chunks.push(chunk));
  const exchange = { json: Buffer.from('{"key":"a"}'), blocks: [Buffer.alloc(20, 1), Buffer.of()] };
  writeExchange(writer, frame.ask, 7, 1, 0, exchange);
  writer.flush();
  return Buffer.concat(chunks);
}
