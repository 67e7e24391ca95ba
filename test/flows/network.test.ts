/** Requests of installed guests to real servers, through the whole host. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { codeOf, openTestHost } from "#test/support/host.ts";
import { farServer } from "#test/support/far-server.ts";
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
