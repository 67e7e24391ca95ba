import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { writeNumbers } from "#runtime/sandbox/messages.ts";
import { Peer, type PeerEnd } from "#runtime/sandbox/peer.ts";
import { FrameError, FrameWriter } from "#runtime/sandbox/wire.ts";

/** A frame of type 9 with a number, as text of a program that writes it. */
function frameText(number: number): string {
  const chunks: Buffer[] = [];
  const writer = new FrameWriter((chunk) => void chunks.push(chunk));
  writeNumbers(writer, 9, [number]);
  writer.flush();
  return `process.stdout.write(Buffer.from("${Buffer.concat(chunks).toString("hex")}", "hex"));`;
}

/** Starts a program, and hears of its frames and its ends. */
function open(program: string, onFrame: (number: number, peer: Peer) => void = () => {}) {
  const heard: number[] = [];
  const ends: PeerEnd[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<PeerEnd>();
  const peer: Peer = new Peer(() => spawn(process.execPath, ["-e", program], { env: {} }), {
    onFrame: (type, body) => {
      assert.equal(type, 9);
      heard.push(body.readUInt32LE(0));
      onFrame(body.readUInt32LE(0), peer);
    },
    onEnd: (end) => {
      ends.push(end);
      resolve(end);
    },
  });
  return { peer, heard, ends, ended };
}

const waits = "setInterval(() => {}, 1000);";

test("a peer is ready when it was said to be, and ends for the first reason that was given", async () => {
  const { peer, ended, ends } = open(`${frameText(1)} ${waits}`, (_, { ready }) =>
    assert.ok(ready),
  );
  assert.equal(peer.isReady, false);
  peer.ready();
  await peer.started;
  assert.equal(peer.isReady, true);
  peer.stop("nobody needs it");
  peer.kill("it is late");
  assert.equal(peer.ended, true);
  assert.deepEqual(await ended, { reason: "nobody needs it", wanted: true });
  assert.deepEqual(ends.length, 1);
});

test("what a peer says after its end is decided is not heard", async () => {
  const { heard, ended } = open(`${[1, 2, 3].map(frameText).join("")} ${waits}`, (number, peer) => {
    if (number === 2) peer.kill("the second is one too many");
  });
  assert.equal((await ended).reason, "the second is one too many");
  assert.deepEqual(heard, [1, 2]);
});

test("a listener that refuses a frame kills the peer in its words, one that fails in no words of its own", async () => {
  const refused = open(`${frameText(1)} ${waits}`, () => {
    throw new FrameError("not that");
  });
  assert.deepEqual(await refused.ended, { reason: "not that", wanted: false });
  const failed = open(`${frameText(1)} ${waits}`, () => assert.fail("/home/ada"));
  assert.doesNotMatch((await failed.ended).reason, /ada/);
});

test("last words go to who waits for the start, and never into the reason", async () => {
  const { peer, ended } = open('process.stderr.write("no memory left"); process.exitCode = 9;');
  await assert.rejects(peer.started, /ended by itself \(9\) no memory left/);
  assert.deepEqual(await ended, { reason: "it ended by itself (9)", wanted: false });
});

test("a peer that writes without end to its error output is never held up by it", async () => {
  const flood = `process.stderr.write("x".repeat(4000000), () => { ${frameText(7)} });`;
  const { peer, heard } = open(`${flood} ${waits}`, (_, { stop }) => assert.ok(stop));
  for (let tries = 0; tries < 400 && heard.length === 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 25));
  peer.stop("the test is over");
  assert.deepEqual(heard, [7]);
});
