import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eventsOf, type StreamEvent } from "#runtime/edge/cli/events.ts";

async function read(pieces: readonly Uint8Array[]): Promise<StreamEvent[]> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  return Array.fromAsync(eventsOf(body()));
}

const stream =
  ': still here\n\nevent: log\ndata: {"text":"größe 😀"}\n\ndata: a\ndata: b\n\n\n\nevent: output\ndata: 1\n\n';
const expected = [
  { event: "log", data: '{"text":"größe 😀"}' },
  { event: "message", data: "a\nb" },
  { event: "output", data: "1" },
];

test("eventsOf() gives the same events however the bytes are cut", async () => {
  const bytes = Buffer.from(stream);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 20 }), async (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
      assert.deepEqual(await read(pieces), expected);
    }),
  );
});

test("eventsOf() leaves out an event that the stream ended within", async () => {
  assert.deepEqual(await read([Buffer.from("data: 1\n\nevent: output\ndata: 2\n")]), [
    { event: "message", data: "1" },
  ]);
});

test("eventsOf() reads a long line in one go, and not once a piece", {
  timeout: 20_000,
}, async () => {
  const piece = Buffer.alloc(16_384, "x");
  const pieces = [Buffer.from("data: "), ...Array<Buffer>(2_000).fill(piece), Buffer.from("\n\n")];
  const [event] = await read(pieces);
  assert.equal(event?.data.length, 2_000 * 16_384);
});

test("eventsOf() leaves a stream whose event never ends", async () => {
  const piece = Buffer.alloc(2 ** 20, "x");
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield piece;
  }
  await assert.rejects(Array.fromAsync(eventsOf(endless())), { code: "ANSWER_INVALID" });
});
