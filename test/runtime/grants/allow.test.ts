import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifest } from "#manifests/manifest.ts";
import type { HostEvent } from "#manifests/events.ts";
import { createEvents } from "#runtime/events.ts";
import type { Manner } from "#runtime/grants/narrow.ts";
import { allowWords } from "#runtime/grants/allow.ts";
import { createDeniedTelling } from "#runtime/grants/denied.ts";
import { askerWith } from "#test/support/asker.ts";
import { fakeClock } from "#test/support/clock.ts";
import { pino } from "pino";

const { uses } = parseManifest(
  Buffer.from(
    JSON.stringify({
      manifest: 1,
      id: "it",
      version: "1.0.0",
      provides: { tools: [{ name: "a" }] },
      uses: {
        network: [
          { host: "api.example.com", path: "/v1/", reason: "x" },
          { host: "*.example.com", methods: ["POST"], reason: "x" },
          { host: "api.example.com", scheme: "http", port: 8080, reason: "x" },
        ],
        secrets: [{ name: "TOKEN", reveal: true, reason: "x" }],
        files: [{ name: "cache", access: "write", reason: "x" }],
        kv: { quota: "1MiB" },
        tools: [{ alias: "it", plugin: "acme/b", tools: ["a"], reason: "x" }],
      },
    }),
  ),
);
const plainly: Manner = { chain: [], readOnly: false };
const words = (capability: string, target: string, asked = plainly) =>
  allowWords(uses, { plugin: "acme/a", capability, target }, asked);
const command = "convergio plugin grants acme/a --allow";
const unasked = /its manifest does not ask for it/;

test("allowWords() gives the command for the entry that covers what was named", () => {
  for (const [capability, target, entry] of [
    ["network", "GET https://api.example.com:443/v1/x", "network[0]"],
    ["network", "POST https://api.example.com:443/v1/x", "network[1]"],
    ["network", "GET http://api.example.com:8080/", "network[2]"],
    ["files", "cache:a/b.txt", "files.cache"],
    ["kv", "own", "kv"],
    ["tools", "it/a", "tools.it"],
    ["tools", "it", "tools.it"],
  ] as const)
    assert.equal(words(capability, target), `${command} ${entry}`);
  assert.equal(words("secrets", "TOKEN"), `${command} secrets.TOKEN --secret TOKEN=NAME`);
});

test("allowWords() says that nothing can be granted which nobody asks for", () => {
  for (const [capability, target] of [
    ["network", "GET https://other.example/"],
    ["network", "GET https://api.example.com/v2"],
    ["network", "GET http://api.example.com/v1/"],
    ["network", "DELETE https://api.example.com/v1/"],
    ["network", "nonsense \u0000"],
    ["files", "other:x"],
    ["secrets", "OTHER"],
    ["tools", "other/a"],
    ["shell", "rm"],
  ] as const)
    assert.match(words(capability, target), unasked);
});

test("allowWords() names the plugins through which it was asked, and what readOnly forbids", () => {
  const through = { chain: ["acme/x", "acme/y", "acme/x"], readOnly: false };
  assert.equal(words("kv", "own", through), `${command} kv --via acme/x,acme/y`);
  assert.match(words("kv", "own", { ...plainly, readOnly: true }), /marked readOnly/);
});

test("a denial is told to the log once a minute and to the events, with the command", () => {
  const clock = fakeClock();
  const lines: { readonly allow?: string }[] = [];
  const log = pino({ level: "warn" }, { write: (line) => void lines.push(JSON.parse(line)) });
  const heard: HostEvent[] = [];
  const events = createEvents(clock);
  events.follow((event) => void heard.push(event));
  const tell = createDeniedTelling({ log, events, clock });
  const asker = askerWith({}, { uses });
  const denied = { asker, capability: "kv", act: "kv_set", target: "own", allowed: false };
  for (let turn = 0; turn < 50; turn++) tell(denied);
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.allow, "convergio plugin grants acme/weather --allow kv");
  assert.match(heard[0]?.text ?? "", /convergio plugin grants acme\/weather --allow kv/);
  clock.advance(60_000);
  tell({ ...denied, target: "own\n\u001b[2J" });
  tell(denied);
  assert.equal(lines.length, 3);
  assert.doesNotMatch(JSON.stringify(lines), /\\u001b/);
});
