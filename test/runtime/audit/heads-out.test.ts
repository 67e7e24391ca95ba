import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { optionSource, resolveConfig } from "#manifests/config.ts";
import { headSender } from "#runtime/audit/heads-out.ts";
import type { SignedHead } from "#runtime/audit/host-key.ts";
import { readHeads } from "#runtime/edge/cli/kept-heads.ts";
import { auditBench } from "#test/support/audit.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { openTestHost } from "#test/support/host.ts";

const { signal } = new AbortController();

async function aHead(): Promise<SignedHead> {
  await using bench = await auditBench();
  bench.audit.append({ kind: "host", act: "start", decision: "allowed" });
  return (await bench.audit.heads()).head;
}

/** What stands in a message after its header, which RFC 5424 gives seven parts. */
function inMessage(message: string): unknown {
  const [, time, , app, , id, , json] =
    /^<109>1 (\S+) (\S+) (convergio) (-) (head) (-) (.*)$/.exec(message) ?? [];
  assert.ok(time !== undefined && app === "convergio" && id === "head", message);
  return JSON.parse(json ?? "");
}

test("headSender() adds heads to a file that audit verify reads", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "heads.jsonl");
  const head = await aHead();
  const send = headSender(`file:${path}`);
  await send?.(head, signal);
  await send?.({ ...head, seq: 2 }, signal);
  assert.deepEqual(await readHeads(path), [head, { ...head, seq: 2 }]);
});

test("headSender() sends a syslog message over UDP", async () => {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const head = await aHead();
  const heard = once(socket, "message");
  await headSender(`syslog:udp://127.0.0.1:${socket.address().port}`)?.(head, signal);
  const [message] = await heard;
  assert.deepEqual(inMessage(String(message)), head);
  socket.close();
});

test("headSender() sends a syslog message over TCP, with its length before it", async () => {
  const heard = Promise.withResolvers<string>();
  const server = createServer((socket) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
    socket.on("end", () => {
      heard.resolve(Buffer.concat(chunks).toString());
      socket.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const head = await aHead();
  await headSender(`syslog:tcp://127.0.0.1:${port}`)?.(head, signal);
  const [, length, message = ""] = /^(\d+) (.*)$/s.exec(await heard.promise) ?? [];
  assert.equal(Number(length), Buffer.byteLength(message));
  assert.deepEqual(inMessage(message), head);
  server.close();
});

test("headSender() rejects when nobody takes the head", async () => {
  const head = await aHead();
  await assert.rejects(async () => headSender("syslog:tcp://127.0.0.1:1")?.(head, signal));
  await assert.rejects(async () => headSender("command:/nowhere/at/all")?.(head, signal));
  await assert.rejects(async () => headSender("file:/nowhere/at/all")?.(head, signal));
  assert.equal(headSender(""), undefined);
});

const places: readonly (readonly [string, boolean])[] = [
  ["file:/var/log/heads.jsonl", true],
  ["syslog:udp://127.0.0.1:514", true],
  ["syslog:tcp://[::1]:514", true],
  ["command:/usr/local/bin/keep-head", true],
  ["", true],
  ["file:relative", false],
  ["http://example.com", false],
  ["syslog:udp://host/path", false],
];
for (const [place, isGood] of places)
  test(`the setting audit.heads ${isGood ? "takes" : "refuses"} "${place}"`, () => {
    const read = () =>
      resolveConfig([optionSource(new Map([["audit.heads", place]]), () => "the test")]).config;
    if (isGood) assert.equal(read().audit.heads, place);
    else assert.throws(read, { code: "SETTINGS_INVALID" });
  });

test("a host sends the end of its audit when it begins and when it ends", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "heads.jsonl");
  {
    await using host = await openTestHost({ settings: { "audit.heads": `file:${path}` } });
    host.host.refused({
      ...{ code: "KEY_UNKNOWN", source: "here", requestId: "r", keyId: null, owner: null },
      target: "GET /",
    });
  }
  const heads = await readHeads(path);
  assert.ok(heads.length >= 1);
  assert.ok((heads.at(-1)?.seq ?? 0) >= 2, JSON.stringify(heads));
});
