/**
 * Who attacks: a plugin that wants a secret which the host sends for it, together with a server that it
 * may reach, which gives back what it gets. What they hold: everything of the request but the secret, and
 * everything of the answer.
 *
 * What must not happen: that the value comes to the guest in any of its usual encodings, in whatever part
 * of an answer, in whatever pieces; that it goes to another host; or that the guest's own bytes say where
 * it goes.
 */

import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { farServer, type Seen } from "#test/support/far-server.ts";
import { tell } from "#test/support/granted.ts";
import { installHolder, loopback } from "#test/support/holder.ts";
import { openTestHost } from "#test/support/host.ts";
import { setSecret, strongValue } from "#test/support/vault.ts";

/** Gives an answer to what was seen. */
type Answering = (seen: Seen, response: ServerResponse) => unknown;
const tokenOf = ({ headers }: Seen) => String(headers["x-key"]);

/** How the server gives back what it got, by the path that it is asked for. */
const answers: Readonly<Record<string, Answering>> = {
  "/plain": (seen, response) => response.end(tokenOf(seen)),
  "/base64": (seen, response) =>
    response.end(Buffer.from(`key=${tokenOf(seen)};`).toString("base64")),
  "/hex": (seen, response) => response.end(Buffer.from(tokenOf(seen)).toString("hex")),
  "/json": (seen, response) =>
    response.end(
      JSON.stringify(tokenOf(seen)).replace(
        /[^"]/g,
        (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`,
      ),
    ),
  "/percent": (seen, response) =>
    response.end([...Buffer.from(tokenOf(seen))].map((byte) => `%${byte.toString(16)}`).join("")),
  "/reversed": (seen, response) => response.end([...tokenOf(seen)].reverse().join("")),
  "/utf16": (seen, response) => response.end(Buffer.from(tokenOf(seen), "utf16le")),
  "/header": (seen, response) => response.setHeader("x-back", `a ${tokenOf(seen)} b`).end("ok"),
  "/reason": (seen, response) => {
    response.statusMessage = tokenOf(seen);
    response.end("ok");
  },
  "/status": (seen, response) => response.writeHead(500).end(tokenOf(seen)),
  "/gzip": (seen, response) =>
    response.setHeader("content-encoding", "gzip").end(gzipSync(`<p>${tokenOf(seen)}</p>`)),
  "/brotli": (seen, response) =>
    response.setHeader("content-encoding", "br").end(brotliCompressSync(tokenOf(seen))),
  "/pieces": async (seen, response) => {
    response.setHeader("content-type", "text/plain");
    for (const letter of `before ${tokenOf(seen)} after`) {
      response.write(letter);
      await new Promise((done) => setImmediate(done));
    }
    response.end();
  },
  "/trailer": (seen, response) => {
    response.setHeader("trailer", "x-late");
    response.write("ok");
    response.addTrailers({ "x-late": tokenOf(seen) });
    response.end();
  },
  "/onward": (seen, response) =>
    response.writeHead(302, { location: `${other.origin}/?got=${tokenOf(seen)}` }).end(),
  "/aside": (_, response) => response.writeHead(302, { location: `${other.origin}/` }).end(),
  "/again": (_, response) => response.writeHead(307, { location: "/plain" }).end(),
};

const other = await farServer();
const far = await farServer((seen, response) => {
  const answer = answers[seen.url.split("?", 1)[0] ?? ""];
  if (answer === undefined) response.end("none");
  else void answer(seen, response);
});
const host = await openTestHost();
after(() => host[Symbol.asyncDispose]());
after(() => far[Symbol.asyncDispose]());
after(() => other[Symbol.asyncDispose]());
await setSecret(host.host.secrets, "mine", { audience: [far.origin] });
await installHolder(host, "it", {
  network: [loopback(far.port), loopback(other.port)],
  secrets: [{ name: "KEY", inject: { header: "X-Key" }, hosts: ["127.0.0.1"] }],
  granted: { KEY: { secret: "mine" } },
});

/** All that the guest was told, as text, with bytes in them readable. */
async function toldFor(request: object): Promise<string> {
  const told = await tell(host, "it", "network_fetch", { requests: [request] });
  return JSON.stringify(told);
}

/** Forms in which the value would be of use to a guest. */
const forms: readonly string[] = [
  strongValue,
  [...strongValue].reverse().join(""),
  Buffer.from(strongValue).toString("hex"),
  Buffer.from(strongValue).toString("base64").slice(0, 20),
  Buffer.from(`key=${strongValue};`).toString("base64").slice(8, 28),
  [...Buffer.from(strongValue)].map((byte) => `%${byte.toString(16)}`).join(""),
];

for (const path of Object.keys(answers))
  test(`a server that echoes by ${path} gives the guest no value`, async () => {
    const text = await toldFor({ url: `${far.origin}${path}` });
    assert(far.seen.some((seen) => seen.url === path && tokenOf(seen) === strongValue));
    for (const form of forms) assert.equal(text.includes(form), false, `${path}: ${text}`);
    const escaped = JSON.parse(text.replaceAll("\\\\u", "\\u"));
    assert.equal(JSON.stringify(escaped).includes(strongValue), false);
  });

test("a redirect takes the secret to no other host, and not in its address either", async () => {
  for (const path of ["/aside", "/onward"]) {
    await toldFor({ url: `${far.origin}${path}` });
    const [last] = other.seen.slice(-1);
    assert.equal(last?.headers["x-key"], undefined);
    assert.equal(last?.url.includes(strongValue), false, String(last?.url));
  }
});

test("a guest that sets the header itself does not change what is sent", async () => {
  for (const name of ["x-key", "X-KEY", "X-Key"]) {
    const before = far.seen.length;
    await toldFor({ url: `${far.origin}/plain`, headers: { [name]: "of the guest" } });
    for (const seen of far.seen.slice(before)) assert.notEqual(tokenOf(seen), "of the guest");
  }
});

test("what a guest writes is no template", async () => {
  const body = ["{} {{KEY}}", "{KEY} $KEY %KEY% {KEY} KEY"].join(" $");
  await toldFor({
    url: `${far.origin}/none?k={KEY}`,
    method: "POST",
    headers: { "x-own": "{}" },
    body,
  });
  const last = far.seen.at(-1) as Seen;
  assert.equal(last.body, body);
  assert.equal(last.headers["x-own"], "{}");
  assert.equal(`${last.url}${last.body}`.includes(strongValue), false);
});

test("a value that a server kept comes back in a later call no more than in the same", async () => {
  await using keeping = await farServer((_, response) => {
    response.end(keeping.seen.map(tokenOf).join(" "));
  });
  await setSecret(host.host.secrets, "mine", { audience: [keeping.origin] });
  await installHolder(host, "later", {
    network: [loopback(keeping.port)],
    secrets: [{ name: "KEY", inject: { header: "X-Key" }, hosts: ["127.0.0.1"] }],
    granted: { KEY: { secret: "mine" } },
  });
  for (const turn of [1, 2]) {
    const request = { requests: [{ url: `${keeping.origin}/${turn}` }] };
    const text = JSON.stringify(await tell(host, "later", "network_fetch", request));
    assert.equal(text.includes(strongValue), false);
    assert.equal(keeping.seen.length, turn);
  }
});
