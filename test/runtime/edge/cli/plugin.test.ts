import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { errors, HostError } from "#manifests/errors.ts";
import type { CallRequest } from "#runtime/call.ts";
import { runInside, temporaryHome } from "#test/support/cli.ts";
import { createFakeHost } from "#test/support/fake-host.ts";

const home = "/nowhere-at-all";

test("plugin list shows a line a plugin, in columns", async () => {
  const { host } = createFakeHost(["vowels", "acme/weather"]);
  const { code, out, err } = await runInside(["plugin", "list"], { home, host });
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  const [head = "", ...rows] = out.trimEnd().split("\n");
  assert.match(head, /^ID +VERSION +STATE +SIGNER +TOOLS +INSTALLED +NAME$/);
  assert.equal(rows.length, 2);
  const column = head.indexOf("VERSION");
  assert.deepEqual(
    rows.map((row) => row.slice(column, column + 5)),
    ["1.0.0", "1.0.0"],
  );
});

test("plugin list says how to begin when there is no plugin", async () => {
  const { host } = createFakeHost([]);
  const { out } = await runInside(["plugin", "list"], { home, host });
  assert.match(out, /convergio plugin install/);
});

for (const words of [
  ["plugin", "list"],
  ["plugin", "info", "vowels"],
  ["plugin", "logs", "vowels"],
  ["plugin", "config", "get", "vowels"],
  ["plugin", "invoke", "vowels", "echo", "1"],
  ["plugin", "stop", "vowels"],
  ["plugin", "stop", "--all"],
  ["key", "list"],
  ["calls"],
  ["audit"],
])
  test(`${words.join(" ")} --json prints one line of JSON and nothing beside it`, async () => {
    const { host } = createFakeHost();
    const { code, out, err } = await runInside([...words, "--json"], { home, host });
    assert.deepEqual({ code, err }, { code: 0, err: "" });
    assert.equal(out.trimEnd().split("\n").length, 1);
    assert.ok(JSON.parse(out));
  });

test("plugin info shows the tools of one plugin", async () => {
  const { host } = createFakeHost();
  const { out } = await runInside(["plugin", "info", "acme/weather"], { home, host });
  assert.match(out, /^id +acme\/weather$/m);
  assert.match(out, /^echo +json +"Gives back what it gets"$/m);
});

test("plugin info of a plugin that is not there exits 1 with the code and a hint", async () => {
  const { host } = createFakeHost();
  const { code, out, err } = await runInside(["plugin", "info", "none"], { home, host });
  assert.deepEqual({ code, out }, { code: 1, out: "" });
  assert.match(err, /^error PLUGIN_NOT_FOUND: .+\nhint: .+\n$/);
});

test("a failure under --json is one line of JSON beside the results", async () => {
  const { host } = createFakeHost();
  const { code, out, err } = await runInside(["--json", "plugin", "info", "none"], { home, host });
  assert.deepEqual({ code, out }, { code: 1, out: "" });
  assert.equal(JSON.parse(err).error.code, "PLUGIN_NOT_FOUND");
});

test("plugin stop, start, disable, enable and remove do that, as the home's owner", async () => {
  const { host, acts } = createFakeHost(["vowels", "acme/weather"]);
  for (const words of [
    ["stop", "vowels"],
    ["start", "vowels"],
    ["disable", "vowels"],
    ["enable", "vowels"],
    ["stop", "--all"],
    ["remove", "vowels"],
    ["remove", "acme/weather", "--purge"],
  ])
    assert.equal((await runInside(["plugin", ...words], { home, host })).code, 0);
  assert.deepEqual(
    acts.filter((act) => !act.startsWith("drain")),
    [
      "stop vowels by owner",
      "start vowels by owner",
      "disable vowels by owner",
      "enable vowels by owner",
      "stop vowels by owner",
      "stop acme/weather by owner",
      "remove vowels by owner",
      "remove acme/weather and its data by owner",
    ],
  );
});

test("plugin config set changes one value and keeps the others", async () => {
  const { host } = createFakeHost();
  const words = ["plugin", "config", "set", "vowels", "units", "metric", "--json"];
  const { out } = await runInside(words, { home, host });
  assert.deepEqual(JSON.parse(out), { of: "vowels", units: "metric" });
});

test("plugin config set takes a whole configuration from the standard input", async () => {
  const { host } = createFakeHost();
  const words = ["plugin", "config", "set", "vowels", "-", "--json"];
  const { out } = await runInside(words, { home, host, input: '{"a":[1]}' });
  assert.deepEqual(JSON.parse(out), { a: [1] });
});

test("plugin config set of a value that the plugin refuses exits 1", async () => {
  const { host } = createFakeHost();
  const words = ["plugin", "config", "set", "vowels", "units", "wrong"];
  const { code, err } = await runInside(words, { home, host });
  assert.equal(code, 1);
  assert.match(err, /^error CONFIG_INVALID:/);
});

test("plugin config get of a value that is not there exits 2", async () => {
  const { host } = createFakeHost();
  const { code } = await runInside(["plugin", "config", "get", "vowels", "x"], { home, host });
  assert.equal(code, 2);
});

/** What the tool got, as JSON text or as the text of its bytes. */
function inputOf(request: CallRequest | undefined): string | undefined {
  if (request === undefined) return undefined;
  return "json" in request.input
    ? request.input.json
    : Buffer.from(request.input.bytes).toString("utf8");
}

for (const [what, words, input, expected] of [
  ["text that is JSON as its value", ["echo", '{"a":1}'], "", '{"a":1}'],
  ["text that is no JSON as a string", ["echo", "Hello you"], "", '"Hello you"'],
  ["nothing as an empty object", ["echo"], "", "{}"],
  ["the standard input", ["echo", "-"], "[1, 2]\n", "[1,2]"],
  ["a text that begins with @", ["echo", "@@ada"], "", '"@ada"'],
  ["raw bytes to a tool that takes them", ["bytes", "-"], "raw", "raw"],
] as const)
  test(`plugin invoke gives the tool ${what}`, async () => {
    const { host, calls } = createFakeHost();
    const ran = await runInside(["plugin", "invoke", "vowels", ...words], { home, host, input });
    assert.equal(ran.code, 0, ran.err);
    assert.equal(inputOf(calls[0]), expected);
    assert.equal(calls[0]?.tool, words[0]);
  });

test("plugin invoke gives the tool the content of a file", async () => {
  await using folder = await temporaryHome();
  const file = join(dirname(folder.home), "in.json");
  await writeFile(file, '{"city": "Bern"}');
  const { host, calls } = createFakeHost();
  await runInside(["plugin", "invoke", "vowels", "echo", `@${file}`], { home, host });
  assert.equal(inputOf(calls[0]), '{"city":"Bern"}');
});

test("plugin invoke of a file that is not there exits 1 and calls nothing", async () => {
  const { host, calls } = createFakeHost();
  const words = ["plugin", "invoke", "vowels", "echo", "@/nowhere/at/all"];
  const { code, err } = await runInside(words, { home, host });
  assert.deepEqual({ code, calls: calls.length }, { code: 1, calls: 0 });
  assert.match(err, /^error FILE_UNUSABLE:/);
});

test("plugin invoke --json-input refuses what is no JSON, and calls nothing", async () => {
  const { host, calls } = createFakeHost();
  const words = ["plugin", "invoke", "vowels", "echo", "Hello", "--json-input"];
  assert.equal((await runInside(words, { home, host })).code, 2);
  assert.equal(calls.length, 0);
});

test("plugin invoke of one word that is no tool of several names the tools and exits 2", async () => {
  const { host } = createFakeHost();
  const { code, err } = await runInside(["plugin", "invoke", "vowels", "ehco"], { home, host });
  assert.equal(code, 2);
  assert.match(err, /it has echo, bytes/);
});

test("plugin invoke prints the bare output where no person reads, and its cost beside it", async () => {
  const { host } = createFakeHost();
  const words = ["plugin", "invoke", "vowels", "echo", '{"b":[1,"x"]}', "--usage"];
  const { out, err } = await runInside(words, { home, host });
  assert.equal(out, '{"b":[1,"x"]}\n');
  assert.match(err, /^fuel 12 · time 1\.5 ms · memory 64 KiB · host calls 0 · call call-1\n$/);
});

test("plugin invoke prints text as text, and values over lines, on a screen", async () => {
  const { host } = createFakeHost();
  const invoke = ["plugin", "invoke", "vowels", "echo"];
  const on = { home, host, isTerminal: true };
  assert.equal((await runInside([...invoke, "Hello"], on)).out, "Hello\n");
  assert.equal((await runInside([...invoke, '{"a":1}'], on)).out, '{\n  "a": 1\n}\n');
});

test("plugin invoke gives raw bytes as they are to a pipe or a file, and not to a screen", async () => {
  await using folder = await temporaryHome();
  const file = join(dirname(folder.home), "out.bin");
  const { host } = createFakeHost();
  const invoke = ["plugin", "invoke", "vowels", "bytes", "a\u001b[2Jb"];
  assert.equal((await runInside(invoke, { home, host })).out, "a\u001b[2Jb");
  await runInside([...invoke, "--out", file], { home, host });
  assert.equal(await readFile(file, "utf8"), "a\u001b[2Jb");
  const screen = await runInside(invoke, { home, host, isTerminal: true });
  assert.equal(screen.out, "");
  assert.match(screen.err, /6B of output; write it with --out FILE/);
});

test("plugin invoke --logs prints what the plugin says beside the output", async () => {
  const { host } = createFakeHost(["vowels"], async ({ onEvent }) => {
    onEvent?.({ kind: "log", level: "warn", text: "low \u001b[2Jdisk" });
    onEvent?.({ kind: "progress", text: "half" });
    return { output: { encoding: "json", bytes: Buffer.from("[1]") } };
  });
  const words = ["plugin", "invoke", "vowels", "echo", "1", "--logs"];
  const { code, out, err } = await runInside(words, { home, host });
  assert.deepEqual({ code, out }, { code: 0, out: "[1]\n" });
  assert.equal(err, "warn low \\u{1b}[2Jdisk\nprogress half\n");
});

test("plugin invoke --logs of a call that fails after its first line exits as it would", async () => {
  const { host } = createFakeHost(["vowels"], async ({ onEvent }) => {
    onEvent?.({ kind: "log", level: "info", text: "begun" });
    throw new HostError("CALL_CANCELLED", { plugin: "vowels" });
  });
  const words = ["plugin", "invoke", "vowels", "echo", "1", "--logs"];
  const { code, out, err } = await runInside(words, { home, host });
  assert.deepEqual({ code, out }, { code: errors.CALL_CANCELLED.status < 500 ? 1 : 3, out: "" });
  assert.match(err, /^info begun\nerror CALL_CANCELLED: /);
});

test("plugin invoke of a call that the host ended exits 3 or 1 as its status says", async () => {
  const { host } = createFakeHost(["vowels"], async () => {
    throw new TypeError("a bug of the test's host");
  });
  const { code, err } = await runInside(["plugin", "invoke", "vowels", "echo"], { home, host });
  assert.equal(code, 3);
  assert.match(err, /error INTERNAL: /);
});

test("plugin logs shows level and text of each line", async () => {
  const { host } = createFakeHost();
  const { out } = await runInside(["plugin", "logs", "vowels", "--limit", "2"], { home, host });
  assert.equal(out, "2026-01-01T00:00:00Z info  said\n".repeat(2));
});

test("calls says when no call is running", async () => {
  const { host } = createFakeHost();
  assert.equal((await runInside(["calls"], { home, host })).out, "No call is running\n");
});

test("calls cancel of a call that is over exits 1", async () => {
  const { host } = createFakeHost();
  const { code, err } = await runInside(["calls", "cancel", "call-9"], { home, host });
  assert.equal(code, 1);
  assert.match(err, /^error CALL_NOT_FOUND:/);
});

test("audit passes its filter on and shows each fact of a record", async () => {
  const { host } = createFakeHost();
  const words = ["audit", "--plugin", "acme/weather", "--limit", "5"];
  const { out } = await runInside(words, { home, host });
  assert.equal(out, "2026-01-01T00:00:00Z  asked  plugin=acme/weather  limit=5\n");
});
