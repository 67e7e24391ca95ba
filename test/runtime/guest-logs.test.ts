import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createGuestLogs, type GuestLogs, type LogBounds } from "#runtime/guest-logs.ts";
import { fakeClock } from "#test/support/clock.ts";
import { type TemporaryFolder, temporaryFolder } from "#test/support/home.ts";

const plugin = "acme/weather";

function open(folder: TemporaryFolder, own: Partial<LogBounds> = {}) {
  const clock = fakeClock();
  const bounds = { fileBytes: 1_000_000, filesMax: 3, linesPerSecond: 100, ...own };
  return { clock, logs: createGuestLogs(folder.path, clock, bounds) };
}

const line = (text: string) => ({ callId: "c1", level: "info", text });

async function textsOf(logs: GuestLogs, limit = 1_000): Promise<string[]> {
  return (await logs.read(plugin, limit)).map(({ text }) => text);
}

test("write() keeps a line with its time, its call and its level", async () => {
  await using folder = await temporaryFolder();
  const { logs, clock } = open(folder);
  logs.write(plugin, line("hello"));
  logs.write(plugin, { callId: null, level: "warn", text: "from a hook" });
  const at = new Date(clock.now()).toISOString();
  assert.deepEqual(await logs.read(plugin, 10), [
    { at, callId: "c1", level: "info", text: "hello" },
    { at, callId: null, level: "warn", text: "from a hook" },
  ]);
});

test("read() gives the newest lines, oldest first, over files and over a restart", async () => {
  await using folder = await temporaryFolder();
  const first = open(folder, { fileBytes: 200, linesPerSecond: 1_000 });
  for (let index = 0; index < 8; index++) {
    first.logs.write(plugin, line(`line ${index}`));
    await first.logs.read(plugin, 1);
  }
  await first.logs[Symbol.asyncDispose]();
  const { logs } = open(folder, { fileBytes: 200 });
  assert.deepEqual(await textsOf(logs, 4), ["line 4", "line 5", "line 6", "line 7"]);
  assert.deepEqual(await textsOf(logs, 1), ["line 7"]);
  assert.deepEqual(await logs.read("local/other", 10), []);
});

test("a line is one line, whatever is in it", async () => {
  await using folder = await temporaryFolder();
  const { logs } = open(folder);
  const text = 'a\nb\r\u2028c"\\ {"at":"forged"} \u0000 \ud800';
  logs.write(plugin, line(text));
  logs.write(plugin, line("after"));
  assert.deepEqual((await textsOf(logs)).length, 2);
  assert.equal((await textsOf(logs))[0]?.startsWith("a\nb\r\u2028c"), true);
});

test("files have a bound in bytes and in number, and the oldest go first", async () => {
  await using folder = await temporaryFolder();
  const { logs } = open(folder, { fileBytes: 1_000, filesMax: 3, linesPerSecond: 1_000_000 });
  for (let index = 0; index < 200; index++) {
    logs.write(plugin, line(`line ${index} ${"x".repeat(100)}`));
    await logs.read(plugin, 1);
  }
  const own = join(folder.path, plugin);
  const names = (await readdir(own)).sort();
  assert.deepEqual(names, ["log.1.jsonl", "log.2.jsonl", "log.jsonl"]);
  for (const name of names) assert.ok((await stat(join(own, name))).size <= 1_200);
  const texts = await textsOf(logs);
  assert.equal(texts.at(-1)?.startsWith("line 199"), true);
  assert.ok(texts.length < 30 && !texts.some((text) => text.startsWith("line 0 ")));
});

test("lines beyond the rate are dropped and counted, in the log and to those who follow", async () => {
  await using folder = await temporaryFolder();
  const { logs, clock } = open(folder, { linesPerSecond: 10 });
  const heard: string[] = [];
  using _ = logs.follow(plugin, ({ text }) => void heard.push(text));
  for (let index = 0; index < 1_000; index++) logs.write(plugin, line(`line ${index}`));
  assert.equal(heard.length, 10);
  clock.advance(1_000);
  logs.write(plugin, line("next second"));
  assert.deepEqual(heard.slice(10), [
    "990 lines were dropped: too many in a second",
    "next second",
  ]);
  assert.deepEqual(await textsOf(logs), heard);
});

test("one plugin that says too much takes nothing from another", async () => {
  await using folder = await temporaryFolder();
  const { logs } = open(folder, { linesPerSecond: 5 });
  for (let index = 0; index < 100; index++) logs.write("local/loud", line("noise"));
  logs.write(plugin, line("heard"));
  assert.deepEqual(await textsOf(logs), ["heard"]);
});

test("follow() ends when it is disposed, and each hears its own plugin only", async () => {
  await using folder = await temporaryFolder();
  const { logs } = open(folder);
  const heard: string[] = [];
  const follow = logs.follow(plugin, ({ text }) => void heard.push(text));
  logs.write(plugin, line("one"));
  logs.write("local/other", line("two"));
  follow[Symbol.dispose]();
  logs.write(plugin, line("three"));
  assert.deepEqual(heard, ["one"]);
});

test("a listener that fails takes nothing from the log, nor from other listeners", async () => {
  await using folder = await temporaryFolder();
  const { logs } = open(folder);
  const heard: string[] = [];
  using _failing = logs.follow(plugin, () => assert.fail("on purpose"));
  using _ = logs.follow(plugin, ({ text }) => void heard.push(text));
  logs.write(plugin, line("one"));
  assert.deepEqual(heard, ["one"]);
  assert.deepEqual(await textsOf(logs), ["one"]);
});

test("read() passes over what a power cut left half written", async () => {
  await using folder = await temporaryFolder();
  const { logs } = open(folder);
  logs.write(plugin, line("before"));
  await logs.read(plugin, 1);
  const file = join(folder.path, plugin, "log.jsonl");
  await appendFile(file, '{"at":"2027-01-01T00:00:00.000Z","callId":null,"lev');
  const again = open(folder).logs;
  assert.deepEqual(await textsOf(again), ["before"]);
  again.write(plugin, line("after"));
  again.write(plugin, line("later"));
  assert.deepEqual(
    (await textsOf(again)).filter((text) => text !== "after"),
    ["before", "later"],
  );
});

test("a log that cannot be written loses its lines and nothing else", async () => {
  await using folder = await temporaryFolder();
  const { logs } = open(folder);
  await mkdir(join(folder.path, "acme"), { recursive: true });
  await writeFile(join(folder.path, plugin), "a file in the place of the folder");
  logs.write(plugin, line("lost"));
  assert.deepEqual(await textsOf(logs), []);
  logs.write("local/other", line("kept"));
  assert.equal((await logs.read("local/other", 1))[0]?.text, "kept");
});

test("remove() takes the files of one plugin", async () => {
  await using folder = await temporaryFolder();
  const { logs } = open(folder);
  logs.write(plugin, line("one"));
  logs.write("acme/other", line("two"));
  await logs.remove(plugin);
  assert.deepEqual(await textsOf(logs), []);
  assert.equal((await logs.read("acme/other", 1)).length, 1);
  logs.write(plugin, line("new"));
  assert.deepEqual(await textsOf(logs), ["new"]);
});

test("disposing waits until every line is in its file", async () => {
  await using folder = await temporaryFolder();
  const { logs } = open(folder);
  for (let index = 0; index < 50; index++) logs.write(plugin, line(`${index}`));
  await logs[Symbol.asyncDispose]();
  const text = await readFile(join(folder.path, plugin, "log.jsonl"), "utf8");
  assert.equal(text.split("\n").length, 51);
});
