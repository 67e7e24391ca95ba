/**
 * Who attacks: the author of a plugin, with requests that nobody would write by hand.
 *
 * What must not happen: that a request breaks the host, is answered by a fault of it, or reaches a server
 * as something else than one request of the form that was checked.
 */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { errors } from "#manifests/errors.ts";
import { farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";

const far = await farServer((seen, response) => response.end(JSON.stringify(seen)));
const net = openTestNetwork({
  resolve: async () => ["127.0.0.1"],
  settings: {
    ...{ "network.requestsPerCall": "0", "network.requestsPerDay": "0" },
    ...{ "network.headers": "500ms", "network.connect": "300ms" },
  },
});
after(() => net[Symbol.asyncDispose]());
after(() => far[Symbol.asyncDispose]());

const addresses = ["127.0.0.0/8"];
const asker = sendingAsker([
  networkGrantOf({ host: "*", port: far.port, addresses, methods: ["GET", "POST"] }),
  networkGrantOf({ host: "*", port: far.port, scheme: "https", addresses }),
]);

const odd = fc.constantFrom(
  ..."/ // .. %2e %00 %zz % ? ?? # @ : ; & = + ~ ! $ ' ( ) * , [ ] { } | ^ ` < > \" \\ ü \u2028 \ud800 a b".split(
    " ",
  ),
  ...["\r\n", "\t", "\0", "\x7f", " HTTP/1.1\r\nx: y", "\u00a0", "\u200b", "\ufeff"],
);
const path = fc.array(odd, { maxLength: 4 }).map((parts) => parts.join(""));
const host = fc.oneof(
  { arbitrary: fc.domain(), weight: 4 },
  fc
    .array(fc.constantFrom(..."a b _ - . xn-- ü ß ſ K % [ ] : 1 0x7f".split(" ")), { maxLength: 6 })
    .map((parts) => parts.join("")),
);
const header = fc.tuple(
  fc.string({ maxLength: 6, unit: "binary" }),
  fc.string({ maxLength: 6, unit: "binary" }),
);

const known = new Set<string | undefined>([
  undefined,
  ...[
    "HOST_REQUEST_INVALID",
    "JSON_INVALID",
    "CAPABILITY_DENIED",
    "NETWORK_FAILED",
    "NETWORK_TIMEOUT",
  ],
]);

test("whatever a request is made of, it is one request of its own form, or none", async () => {
  const faults: unknown[] = [];
  const note = (fault: unknown) => void faults.push(fault);
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("http", "http", "http", "https"),
        fc.constantFrom("GET", "POST"),
        host,
        path,
        fc.oneof(
          { arbitrary: fc.constant([]), weight: 4 },
          { arbitrary: fc.array(header, { minLength: 1, maxLength: 2 }), weight: 1 },
        ),
        fc.option(fc.string({ maxLength: 5, unit: "binary" }), { nil: undefined }),
        async (scheme, method, name, rest, pairs, body) => {
          const before = far.seen.length;
          const url = `${scheme}://${name}:${far.port}/${rest}`;
          const headers = Object.fromEntries(pairs);
          const request = { url, method, headers, ...(body !== undefined && { body }) };
          const told = await net.ask("network_open", request, asker);
          assert.ok(known.has(told.code), `${told.code}: ${told.message}`);
          assert.ok(told.code === undefined || told.code in errors);
          const seen = far.seen.slice(before);
          assert.ok(seen.length <= 1);
          if (told.code !== undefined) return;
          const { id } = told.ok as { id: number };
          await net.ask("network_close", { id }, asker);
          const [one] = seen;
          const parsed = new URL(url);
          assert.equal(one?.method, method);
          assert.equal(one?.url, parsed.pathname + parsed.search);
          assert.equal(one?.headers.host, `${parsed.hostname}:${far.port}`);
          assert.equal(one?.body, method === "GET" ? "" : Buffer.from(body ?? "").toString());
        },
      ),
      { numRuns: 500 },
    );
  } finally {
    process.off("unhandledRejection", note);
    process.off("uncaughtException", note);
  }
  assert.deepEqual(faults, []);
  assert.ok(far.seen.length > 100, `${far.seen.length} requests arrived`);
});
