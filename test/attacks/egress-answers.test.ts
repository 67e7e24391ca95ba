/**
 * Who attacks: whoever runs the server that a plugin was granted. What they hold: every byte of its
 * answers, and when it comes.
 *
 * What must not happen: that an answer takes the host's memory or time, outlives its bounds or its call,
 * or reaches the guest as something else than it is.
 */

import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import type { AddressInfo } from "node:net";
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";

const net = openTestNetwork({
  settings: {
    "network.headers": "300ms",
    "network.idle": "200ms",
    "network.total": "1s",
    "network.body": "256KiB",
  },
});
after(() => net[Symbol.asyncDispose]());

/** A server that says what it likes, byte for byte. */
async function rawServer(say: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => say(socket));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    asker: sendingAsker([networkGrantOf({ port })]),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const head = "HTTP/1.1 200 OK\r\n";
const drip = (socket: Socket, text: string, everyMs: number) => {
  const timer = setInterval(() => socket.write(text), everyMs);
  socket.on("close", () => clearInterval(timer));
};

for (const [what, say, code] of [
  ["that says nothing", () => {}, "NETWORK_TIMEOUT"],
  ["whose status never ends", (socket) => drip(socket, "H", 20), "NETWORK_FAILED"],
  [
    "whose headers come a byte at a time",
    (socket) => {
      socket.write(`${head}x: `);
      drip(socket, "y", 20);
    },
    "NETWORK_TIMEOUT",
  ],
  [
    "that says for ever that it is about to answer",
    (socket) => drip(socket, "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n", 5),
    "NETWORK_TIMEOUT",
  ],
  [
    "whose body never ends",
    (socket) => {
      socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
      drip(socket, "1\r\nx\r\n", 20);
    },
    "NETWORK_TIMEOUT",
  ],
  [
    "whose body stops",
    (socket) => void socket.write(`${head}content-length: 10\r\n\r\nx`),
    "NETWORK_TIMEOUT",
  ],
  [
    "that closes before its body ends",
    (socket) => void socket.end(`${head}content-length: 10\r\n\r\nx`),
    "NETWORK_FAILED",
  ],
  ["that closes at once", (socket) => void socket.destroy(), "NETWORK_FAILED"],
  ["that is no HTTP", (socket) => void socket.write("SSH-2.0-x\r\n"), "NETWORK_FAILED"],
  [
    "with two lengths",
    (socket) => void socket.write(`${head}content-length: 1\r\ncontent-length: 2\r\n\r\nxx`),
    "NETWORK_FAILED",
  ],
  [
    "with a length and chunks",
    (socket) =>
      void socket.write(
        `${head}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
      ),
    "NETWORK_FAILED",
  ],
  [
    "with 101 headers",
    (socket) =>
      void socket.write(
        `${head}${Array.from({ length: 100 }, (_, index) => `x${index}: y\r\n`).join("")}content-length: 0\r\n\r\n`,
      ),
    "NETWORK_ANSWER_REFUSED",
  ],
  [
    "with one name a hundred and one times",
    (socket) => void socket.write(`${head}${"x: y\r\n".repeat(101)}content-length: 0\r\n\r\n`),
    "NETWORK_ANSWER_REFUSED",
  ],
  [
    "with headers without end",
    (socket) => {
      socket.write(head);
      drip(socket, `x: ${"y".repeat(8_000)}\r\n`, 1);
    },
    "NETWORK_FAILED",
  ],
  [
    "that changes the protocol",
    (socket) =>
      void socket.write("HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    "NETWORK_FAILED",
  ],
  [
    "with a body that is larger than may be",
    (socket) => void socket.write(`${head}content-length: 300000\r\n\r\n${"x".repeat(300_000)}`),
    "NETWORK_ANSWER_REFUSED",
  ],
] as const satisfies readonly (readonly [string, (socket: Socket) => void, string])[])
  test(`an answer ${what} is ended with ${code}`, async () => {
    await using server = await rawServer(say);
    const told = await net.ask("http_request", { url: server.url }, server.asker);
    assert.equal(told.code, code, told.message ?? "");
  });

/** Serves one body with codings named. */
async function served(coding: string, body: Uint8Array, method = "GET") {
  await using far = await farServer((_, response) => {
    response.setHeader("content-encoding", coding);
    response.end(method === "HEAD" ? undefined : body);
  });
  const asker = sendingAsker([networkGrantOf({ port: far.port, methods: ["GET", "HEAD"] })]);
  return await net.ask("http_request", { url: `${far.origin}/`, method }, asker);
}

const text = Buffer.from("the quick brown fox ".repeat(50));
for (const [coding, body] of [
  ["gzip", gzipSync(text)],
  ["GZIP", gzipSync(text)],
  ["x-gzip", gzipSync(text)],
  ["deflate", deflateSync(text)],
  ["deflate", deflateRawSync(text)],
  ["br", brotliCompressSync(text)],
  ["zstd", zstdCompressSync(text)],
  ["identity", text],
  ["gzip, br", brotliCompressSync(gzipSync(text))],
  ["br,gzip", gzipSync(brotliCompressSync(text))],
  ["identity, gzip", gzipSync(text)],
] as const)
  test(`a body with the coding ${coding} arrives without it (${body.length} bytes)`, async () => {
    const told = await served(coding, body);
    assert.equal(told.code, undefined, told.message ?? "");
    assert.deepEqual(Buffer.from(told.blocks[0] ?? []), text);
    const { headers } = told.ok as { headers: Record<string, string> };
    if (coding !== "identity") {
      assert.equal(headers["content-encoding"], undefined);
      assert.equal(headers["content-length"], undefined);
    }
  });

const zeros = Buffer.alloc(64 * 1024 * 1024);
for (const [what, coding, body] of [
  ["unpacks to 64 MiB by gzip", "gzip", gzipSync(zeros)],
  ["unpacks to 64 MiB by deflate", "deflate", deflateSync(zeros)],
  ["unpacks to 64 MiB by br", "br", brotliCompressSync(zeros)],
  ["unpacks to 64 MiB by zstd", "zstd", zstdCompressSync(zeros)],
  ["is packed twice", "gzip, gzip", gzipSync(gzipSync(zeros))],
  ["is packed twice by two", "gzip, zstd", zstdCompressSync(gzipSync(zeros))],
  ["has three codings", "gzip, gzip, gzip", gzipSync(gzipSync(gzipSync(text)))],
  ["has a coding that nobody knows", "compress", text],
  ["has a coding that is a name of every object", "constructor", text],
  ["is not what its coding says", "gzip", text],
  ["is not br", "br", text],
  ["is not zstd", "zstd", text],
  ["is cut short", "gzip", gzipSync(text).subarray(0, 20)],
] as const)
  test(`a body that ${what} is refused`, async () => {
    const told = await served(coding, body);
    assert.equal(told.code, "NETWORK_ANSWER_REFUSED", told.message ?? "");
  });

test("an answer to HEAD keeps its silence about a coding that it names", async () => {
  const told = await served("gzip", text, "HEAD");
  assert.equal(told.code, undefined, told.message ?? "");
  assert.equal(told.blocks.length, 0);
});

test("headers of the connection do not reach the guest, also those that it names itself", async () => {
  await using far = await farServer((_, response) => {
    response.setHeader("connection", "x-hop");
    response.setHeader("x-hop", "1");
    response.setHeader("proxy-authenticate", "Basic");
    response.setHeader("x-end", "2");
    response.setHeader("set-cookie", ["a=1", "b=2"]);
    response.end("ok");
  });
  const told = await net.ask(
    "http_request",
    { url: `${far.origin}/` },
    sendingAsker([networkGrantOf({ port: far.port })]),
  );
  const { headers } = told.ok as { headers: Record<string, string> };
  assert.deepEqual(
    ["connection", "x-hop", "proxy-authenticate", "transfer-encoding", "keep-alive"].filter(
      (name) => headers[name] !== undefined,
    ),
    [],
  );
  assert.equal(headers["x-end"], "2");
  assert.equal(headers["set-cookie"], "a=1, b=2");
});

test("an answer ends with its call, and so does the connection", async () => {
  const call = new AbortController();
  await using far = await farServer((_, response) => {
    response.write("x");
    setTimeout(() => call.abort(), 20);
  });
  const asker = sendingAsker([networkGrantOf({ port: far.port })], { signal: call.signal });
  const told = await net.ask("http_request", { url: `${far.origin}/` }, asker);
  assert.equal(told.code, "NETWORK_FAILED");
  while (far.open > 0) await new Promise((done) => setTimeout(done, 5));
});

test("no wait outlives the deadline of the call", async () => {
  await using server = await rawServer(() => {});
  const asker = { ...server.asker, deadlineAt: performance.now() + 50 };
  const told = await net.ask("http_request", { url: server.url }, asker);
  assert.equal(told.code, "NETWORK_TIMEOUT");
  const limitMs = Number(/within ([0-9]+) ms/.exec(told.message ?? "")?.[1]);
  assert.ok(limitMs <= 50, told.message ?? "");
});
