/**
 * The attacker is the host at an address that somebody was talked into. It holds no key of ours that
 * the person did not send, and wants to forge what the person reads, or to hang or crash the command.
 */
import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { runInside } from "#test/support/cli.ts";

const evil = "x\u001b[2J\n\u202eerror OK: all is well\u200b";

async function hostAt(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function ask(context: TestContext, listener: RequestListener, words = ["plugin", "list"]) {
  const url = await hostAt(context, listener);
  return runInside([...words, "--url", url], { home: "/nowhere" });
}

test("a problem of a host cannot move the cursor or forge a line", async (context) => {
  const { code, out, err } = await ask(context, (_, response) => {
    const problem = { title: evil, detail: evil, hint: evil, requestId: evil };
    response.writeHead(403, { "content-type": "application/problem+json" });
    response.end(JSON.stringify(problem));
  });
  assert.deepEqual({ code, out }, { code: 1, out: "" });
  assert.ok(!/[^\P{C}\n]/u.test(err), JSON.stringify(err));
  assert.equal(err.split("\n").length, 3);
});

for (const [what, body] of [
  ["no JSON", "<html>"],
  ["nothing", ""],
  ["another shape", '{"plugins":5}'],
  ["objects for texts", '{"plugins":[{"id":{},"tools":[]}]}'],
  ["a key twice", '{"plugins":[],"plugins":[]}'],
  ["far too deep JSON", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
] as const)
  test(`a host that answers ${what} gives exit 3 and a sentence, no crash`, async (context) => {
    const { code, out, err } = await ask(context, (_, response) => void response.end(body));
    assert.deepEqual({ code, out }, { code: 3, out: "" });
    assert.match(err, /^error ANSWER_INVALID: Cannot read the answer of the host at http/);
    assert.equal(err.trimEnd().split("\n").length, 2);
  });

test("a host that never stops answering is left", { timeout: 60_000 }, async (context) => {
  const { code, err } = await ask(context, (_, response) => {
    const piece = Buffer.alloc(2 ** 20, " ");
    const more = (): void => {
      while (response.write(piece));
      response.once("drain", more);
    };
    more();
  });
  assert.equal(code, 3);
  assert.match(err, /error ANSWER_INVALID: .*more than/);
});

test("a host that hangs up is told apart from one that refuses", async (context) => {
  const { code, err } = await ask(context, (request) => void request.socket.destroy());
  assert.equal(code, 3);
  assert.match(err, /^error HOST_UNREACHABLE: /);
});

test("a host that is not there is named, with what to do", async () => {
  const words = ["plugin", "list", "--url", "http://127.0.0.1:1"];
  const { code, err } = await runInside(words, { home: "/nowhere" });
  assert.equal(code, 3);
  assert.match(err, /^error HOST_UNREACHABLE: .*127\.0\.0\.1:1: nothing listens there\nhint: /);
});

test("what is no address of a host exits 2", async () => {
  for (const url of ["host.example", "file:///etc/passwd", "http://a:b@127.0.0.1", "http://x/?q"]) {
    const { code } = await runInside(["plugin", "list", "--url", url], { home: "/nowhere" });
    assert.equal(code, 2, url);
  }
});

test("a host that sends events without an end or an output is left", async (context) => {
  const { code, err } = await ask(
    context,
    (request, response) => {
      const log = `event: log\ndata: ${JSON.stringify({ level: evil, text: evil })}\n\n`;
      const info = '{"tools":[{"name":"t","encoding":"json"}]}';
      response.end(request.method === "GET" ? info : log);
    },
    ["plugin", "invoke", "x", "--logs"],
  );
  assert.equal(code, 3);
  assert.ok(!/[^\P{C}\n]/u.test(err), JSON.stringify(err));
  assert.match(err, /error ANSWER_INVALID: .*ended without an output/);
});
