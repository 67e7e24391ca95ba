/**
 * Who attacks: whoever reads what the host says about itself: a caller with a key, an operator's monitor,
 * a reader of logs and backups.
 *
 * What must not happen: that the value of a secret is in any of it, also after it was used, revealed,
 * echoed, refused and rotated.
 */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, test } from "node:test";
import { pino } from "pino";
import { createHttpServer } from "#runtime/edge/http/server.ts";
import { createHost } from "#runtime/host.ts";
import { owner } from "#runtime/keys.ts";
import { resolveConfig } from "#manifests/config.ts";
import { farServer } from "#test/support/far-server.ts";
import { tell } from "#test/support/granted.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { codeOf, invoke } from "#test/support/host.ts";
import { installHolder, loopback } from "#test/support/holder.ts";
import { setSecret, strongValue } from "#test/support/vault.ts";

const said: string[] = [];
const stream = new PassThrough();
stream.on("data", (piece: Buffer) => void said.push(piece.toString()));
const log = pino({ level: "trace" }, stream);
const folder = await temporaryFolder();
const far = await farServer();
const home = join(folder.path, "home");
const host = await createHost({ home, config: resolveConfig([]).config, log });
const server = createHttpServer(host, { port: 0, logger: log, logRequests: true });
await server.listen();
after(async () => {
  await server.close();
  await host[Symbol.asyncDispose]();
  await far[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});
const test1 = { host, folder: folder.path, [Symbol.asyncDispose]: async () => {} };
const key = (await readFile(join(home, "key"), "utf8")).trim();

async function ask(path: string, method = "GET", json?: unknown): Promise<string> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  return `${JSON.stringify([...answer.headers])} ${await answer.text()}`;
}

/** Everything that is not the value itself, but as good as it. */
const forms = [strongValue, Buffer.from(strongValue).toString("base64").slice(0, 24)];

function assertClean(text: string, where: string): void {
  for (const form of forms) assert.equal(text.includes(form), false, where);
}

test("a value is in nothing that the host says, whatever was done with it", async () => {
  const audience = [far.origin];
  assertClean(await ask("/secrets/wiki", "PUT", { value: strongValue, audience }), "set");
  const bad = { value: strongValue.repeat(5_000), audience };
  assertClean(await ask("/secrets/wiki", "PUT", bad), "too long");
  assertClean(await ask("/secrets/BAD NAME", "PUT", { value: strongValue, audience }), "bad name");
  assertClean(await ask("/secrets/wiki", "PUT", { value: [strongValue], audience }), "no text");
  await installHolder(test1, "it", {
    network: [loopback(far.port)],
    secrets: [
      { name: "KEY", inject: { header: "x-key" }, hosts: ["127.0.0.1"] },
      { name: "SEEN", reveal: true },
    ],
    granted: { KEY: { secret: "wiki" }, SEEN: { secret: "wiki", mode: "reveal" } },
  });
  const wanted = { requests: [{ url: `${far.origin}/?a=1` }] };
  await tell(test1, "it", "network_fetch", wanted);
  await tell(test1, "it", "secrets_get", { name: "SEEN" });
  await invoke(test1, "it", "shout", JSON.stringify({ name: "SEEN" }));
  assertClean(
    await ask("/plugins/local%2Fit/invoke", "POST", {
      tool: "secrets_get",
      input: JSON.stringify({ name: "SEEN" }),
    }),
    "invoke",
  );
  await codeOf(invoke(test1, "it", "fail", "none"));
  assert.equal(far.seen.at(-1)?.headers["x-key"], strongValue);
  await host.secrets.rotate(owner);
  const paths = [
    ...["/secrets", "/secrets/wiki", "/health", "/metrics", "/openapi.json", "/audit?limit=1000"],
    ...[
      "/plugins",
      "/plugins/local%2Fit",
      "/plugins/local%2Fit/grants",
      "/plugins/local%2Fit/config",
    ],
    ...["/plugins/local%2Fit/logs", "/plugins/local%2Fit/manifest", "/calls", "/events", "/keys"],
  ];
  for (const path of paths) assertClean(await ask(path), path);
  assertClean(JSON.stringify(host.events.recent()), "events");
  assertClean(said.join(""), "the host's own log");
  assert(said.length > 0, "the host logs");
});

test("a value is in no file of the home", async () => {
  await setSecret(host.secrets, "again");
  const names = await readdir(home, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  assert(files.some((file) => file.endsWith("convergio.db")));
  for (const file of files) assertClean((await readFile(file)).toString("latin1"), file);
});
