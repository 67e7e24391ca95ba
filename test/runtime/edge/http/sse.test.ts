import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { createFakeHost } from "#test/support/fake-host.ts";
import { openTestDoor } from "#test/support/http-door.ts";

test("a reader that stops reading costs a bounded amount of memory, and is told what it missed", async () => {
  const says = Promise.withResolvers<(text: string) => void>();
  const gate = Promise.withResolvers<void>();
  const fake = createFakeHost(["vowels"], async ({ onEvent }) => {
    says.resolve((text) => onEvent?.({ kind: "progress", text }));
    await gate.promise;
    return { output: { encoding: "json", bytes: Buffer.from('"done"') } };
  });
  await using door = await openTestDoor({}, fake);
  const key = fake.keyWith(["invoke"]);
  const body = '{"input":1}';
  const socket = connect(door.port, "127.0.0.1");
  socket.write(
    `POST /plugins/vowels/invoke HTTP/1.1\r\nhost: localhost:${door.port}\r\nauthorization: Bearer ${key}\r\naccept: text/event-stream\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  socket.pause();
  const say = await says.promise;
  const before = process.memoryUsage().rss;
  const event = "x".repeat(100_000);
  for (let turn = 0; turn < 1_000; turn++) {
    say(event);
    if (turn % 100 === 0) await new Promise(setImmediate);
  }
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 60_000_000, `${grown} bytes for 100 MB of events`);
  gate.resolve();
  let text = "";
  socket.setEncoding("utf8");
  for await (const chunk of socket) text += chunk;
  assert.match(text, /event: dropped\ndata: \{"events":\d+\}/);
  assert.match(text, /event: output\ndata: \{"output":"done"/);
});
