import assert from "node:assert/strict";
import { after, test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { Held } from "#runtime/capabilities/network/held.ts";
import { farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";
import { refusalOf } from "#test/support/refusal.ts";

const codeOf = (act: () => unknown): string => refusalOf(act).code;

test("a plugin holds at most half, and all together no more than there is", () => {
  const held = new Held(() => 100);
  using one = held.room("one");
  one.take("a", 50);
  assert.equal(
    codeOf(() => one.take("a", 1)),
    "NETWORK_FAILED",
  );
  using more = held.room("one");
  assert.equal(
    codeOf(() => more.take("a", 1)),
    "NETWORK_FAILED",
  );
  using two = held.room("two");
  two.take("a", 50);
  using three = held.room("three");
  assert.equal(
    codeOf(() => three.take("a", 1)),
    "NETWORK_FAILED",
  );
  two.give(10);
  three.take("a", 10);
  assert.equal(held.bytes, 100);
});

test("all that a room took goes with it, and nothing comes into it after that", () => {
  const held = new Held(() => 100);
  const room = held.room("one");
  room.take("a", 40);
  room.give(15);
  room[Symbol.dispose]();
  assert.equal(held.bytes, 0);
  room.take("a", 10);
  room.give(10);
  room[Symbol.dispose]();
  assert.equal(held.bytes, 0);
});

const far = await farServer(async (seen, response) => {
  if (seen.url === "/br") {
    response.setHeader("content-encoding", "br");
    response.end(brotliCompressSync("text"));
  } else if (seen.url === "/slow") {
    response.write("x".repeat(300_000));
    setTimeout(() => response.end(), 150);
  } else response.end("x".repeat(300_000));
});
after(() => far[Symbol.asyncDispose]());
const asker = sendingAsker([networkGrantOf({ port: far.port })]);
const at = (path: string) => ({ url: far.origin + path });

test("answers that do not fit the memory of the host are errors, and what was held is given back", async () => {
  await using net = openTestNetwork({ settings: { "network.memory": "1MiB" } });
  const both = await Promise.all(
    ["/slow", "/slow"].map((path) => net.ask("http_request", at(path), asker)),
  );
  const codes = both.map(({ code }) => code ?? "ok").sort();
  assert.deepEqual(codes, ["NETWORK_FAILED", "ok"]);
  for (let times = 0; times < 5; times++)
    assert.equal((await net.ask("http_request", at("/"), asker)).code, undefined);
});

test("a coding that takes much memory is counted with it", async () => {
  await using small = openTestNetwork({ settings: { "network.memory": "16MiB" } });
  assert.equal((await small.ask("http_request", at("/br"), asker)).code, "NETWORK_FAILED");
  await using large = openTestNetwork({ settings: { "network.memory": "40MiB" } });
  for (let times = 0; times < 3; times++)
    assert.equal((await large.ask("http_request", at("/br"), asker)).code, undefined);
});

test("open bodies give back what they took when they are closed", async () => {
  await using net = openTestNetwork({ settings: { "network.memory": "40MiB" } });
  for (let times = 0; times < 3; times++) {
    const { ok } = await net.ask("network_open", at("/br"), asker);
    const { id } = ok as { id: number };
    assert.equal((await net.ask("network_read", { id }, asker)).code, undefined);
    assert.equal((await net.ask("network_close", { id }, asker)).code, undefined);
  }
});
