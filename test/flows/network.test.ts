/** Requests of installed guests to real servers, through the whole host. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { pino } from "pino";
import { createHttpServer } from "#runtime/edge/http/server.ts";
import { farServer } from "#test/support/far-server.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { codeOf, openHostIn, openTestHost } from "#test/support/host.ts";
import { asked, installSender } from "#test/support/sender.ts";

const far = await farServer();
const host = await openTestHost();
after(() => host[Symbol.asyncDispose]());
after(() => far[Symbol.asyncDispose]());
await installSender(host, [
  { host: "127.0.0.1", scheme: "http", port: far.port, methods: ["GET", "POST"], path: "/open" },
]);

test("http_request() gives the body of an answer, its status and its headers", async () => {
  const url = `${far.origin}/open/a?b=c`;
  const body = await asked(host, "plain", { url, headers: { "X-One": "1" } });
  const { method, url: path, headers } = body as (typeof far.seen)[number];
  assert.deepEqual([method, path, headers["x-one"]], ["GET", "/open/a?b=c", "1"]);
  assert.equal(await asked(host, "status", { url }), 0);
  const got = (await asked(host, "headers", { url })) as Record<string, string>;
  assert.equal(got["content-type"], "application/json");
  assert.equal(got["connection"], undefined);
});

test("http_request() that nothing covers ends the call with CAPABILITY_DENIED", async () => {
  for (const path of ["/", "/opening", "/open%2fa", "/open/../a"])
    assert.equal(
      await codeOf(asked(host, "plain", { url: `${far.origin}${path}` })),
      "CAPABILITY_DENIED",
    );
});

/** What `network_fetch` answered for its only request. */
async function fetched(request: object): Promise<Record<string, unknown>> {
  const { ok, error } = (await asked(host, "network_fetch", { requests: [request] })) as {
    ok?: { responses: Record<string, unknown>[] };
    error?: object;
  };
  return ok?.responses[0] ?? { error };
}

test("network_fetch() gives answers and errors as values, and the call goes on", async () => {
  const answer = await fetched({ url: `${far.origin}/open`, method: "POST", body: "text" });
  assert.equal(answer["status"], 200);
  assert.equal((JSON.parse(String(answer["body"])) as { body: string }).body, "text");
  const { error } = await fetched({ url: `${far.origin}/closed` });
  assert.equal((error as { code: string }).code, "CAPABILITY_DENIED");
});

test("network_open() opens a body for one call", async () => {
  const told = (await asked(host, "network_open", { url: `${far.origin}/open` })) as {
    ok: { id: number };
  };
  assert.equal(told.ok.id, 1);
  const { error } = (await asked(host, "network_read", { id: 1 })) as { error: { code: string } };
  assert.equal(error.code, "HOST_REQUEST_INVALID");
});

test("http_request() that fails ends the call with the reason", async () => {
  const gone = await farServer();
  await installSender(host, [{ host: "127.0.0.1", scheme: "http", port: gone.port }], "late");
  await gone[Symbol.asyncDispose]();
  const call = asked(host, "plain", { url: `${gone.origin}/` }, "late");
  await assert.rejects(call, {
    code: "HTTP_REQUEST_FAILED",
    message: /NETWORK_FAILED: .*the connection was refused/,
  });
});

test("every decision is in the audit, without queries and values", async () => {
  await fetched({ url: `${far.origin}/open/secret?token=hidden`, headers: { "x-a": "hidden" } });
  const records = await host.host.auditQuery({ plugin: "local/sender", limit: 1_000 });
  const text = JSON.stringify(records);
  assert.match(text, new RegExp(`GET ${far.origin}/open/secret"`));
  assert.match(text, new RegExp(`GET ${far.origin}/closed`));
  assert.doesNotMatch(text, /hidden/);
});

test("what a plugin does by its network counts for the day, also after a restart", async () => {
  await using folder = await temporaryFolder();
  const ask = { host: "127.0.0.1", scheme: "http", port: far.port, path: "/open" };
  const settings = { "network.requestsPerDay": "3" } as const;
  const url = `${far.origin}/open`;
  {
    await using first = await openHostIn(folder.path, { settings });
    await installSender(first, [ask]);
    for (let times = 0; times < 2; times++) await asked(first, "status", { url });
  }
  await using second = await openHostIn(folder.path, { settings });
  await asked(second, "status", { url });
  await assert.rejects(asked(second, "status", { url }), {
    code: "HTTP_REQUEST_FAILED",
    message: /NETWORK_BUDGET_EXHAUSTED: .*requests of this day/,
  });
});

test("a plugin does not come in by the host's own door", async () => {
  const server = createHttpServer(host.host, { port: 0, logger: pino({ level: "silent" }) });
  await server.listen();
  try {
    const port = Number(new URL(server.url).port);
    await installSender(host, [{ host: "127.0.0.1", scheme: "http", port }], "homing");
    const url = `http://127.0.0.1:${port}/health/live`;
    assert.equal(await codeOf(asked(host, "plain", { url }, "homing")), "CAPABILITY_DENIED");
    assert.equal((await fetch(url)).status, 200);
  } finally {
    await server.close();
  }
});
