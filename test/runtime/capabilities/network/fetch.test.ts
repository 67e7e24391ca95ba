import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";

/** Answers with bytes of the length in the path: `/text/10`, `/bytes/10`, `/zeros/10`, `/wait/ms`. */
const state = { running: 0, most: 0 };
const far = await farServer(async (seen, response) => {
  const [, kind = "", count = "0"] = seen.url.split("/");
  state.running += 1;
  state.most = Math.max(state.most, state.running);
  if (kind === "wait") await new Promise((done) => setTimeout(done, Number(count)));
  state.running -= 1;
  if (kind === "text") response.end("x".repeat(Number(count)));
  else if (kind === "bytes") response.end(Buffer.alloc(Number(count), 0xff));
  else if (kind === "quotes") response.end("\u0001".repeat(Number(count)));
  else if (kind === "zeros") {
    response.setHeader("content-encoding", "gzip");
    response.end(gzipSync(Buffer.alloc(Number(count))));
  } else if (kind === "tick") {
    for (let tick = 0; tick < Number(count); tick++) {
      response.write(`tick ${tick}\n`);
      await new Promise((done) => setTimeout(done, 10));
    }
    response.end();
  } else response.end(JSON.stringify(seen));
});
const net = openTestNetwork({ settings: { "network.body": "1MiB" } });
after(() => net[Symbol.asyncDispose]());
after(() => far[Symbol.asyncDispose]());

const grant = networkGrantOf({ port: far.port, methods: ["GET", "POST", "PUT"] });
const asker = sendingAsker([grant]);
const at = (path: string): { url: string } => ({ url: far.origin + path });

interface Response {
  readonly status?: number;
  readonly url?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly block?: number;
  readonly error?: { readonly code: string };
}

async function fetched(requests: readonly object[], blocks: readonly Uint8Array[] = []) {
  const told = await net.ask("network_fetch", { requests }, asker, blocks);
  assert.equal(told.code, undefined);
  return { responses: (told.ok as { responses: Response[] }).responses, blocks: told.blocks };
}

test("network_fetch() sends requests side by side, and answers them in their order", async () => {
  state.most = 0;
  const waits = [80, 40, 10, 60];
  const { responses } = await fetched(waits.map((ms) => at(`/wait/${ms}`)));
  assert.deepEqual(
    responses.map(({ url }) => url),
    waits.map((ms) => at(`/wait/${ms}`).url),
  );
  assert.equal(state.most, 4);
});

test("network_fetch() answers or refuses each request alone", async () => {
  const { responses } = await fetched([
    at("/text/2"),
    { url: "https://not.granted.test/" },
    { url: "no url" },
    { ...at("/"), headers: { host: "a" } },
    { ...at("/"), method: "DELETE" },
  ]);
  assert.deepEqual(
    responses.map(({ body, error }) => body ?? error?.code),
    [
      "xx",
      "CAPABILITY_DENIED",
      "HOST_REQUEST_INVALID",
      "HOST_REQUEST_INVALID",
      "CAPABILITY_DENIED",
    ],
  );
});

test("network_fetch() is denied at once to whoever may send nothing", async () => {
  const told = await net.ask("network_fetch", { requests: [at("/"), at("/")] }, sendingAsker([]));
  assert.equal(told.code, "CAPABILITY_DENIED");
});

test("network_fetch() sends texts, and bytes from a block", async () => {
  const bytes = Buffer.from("from a block");
  const { responses } = await fetched(
    [
      { ...at("/"), method: "POST", body: "text ü" },
      { ...at("/"), method: "PUT", block: 1 },
    ],
    [Buffer.from("another"), bytes],
  );
  assert.deepEqual(
    responses.map(({ body = "" }) => (JSON.parse(body) as { body: string }).body),
    ["text ü", "from a block"],
  );
});

test("network_fetch() gives short texts as they are, and everything else as blocks", async () => {
  const { responses, blocks } = await fetched(
    ["/text/10", "/bytes/10", "/text/50000", "/quotes/40000", "/text/0"].map(at),
  );
  assert.deepEqual(
    responses.map(({ body, block }) => block ?? body),
    ["x".repeat(10), 0, 1, 2, ""],
  );
  assert.deepEqual(
    blocks.map(({ length }) => length),
    [10, 50_000, 40_000],
  );
});

test("network_fetch() holds bodies to what the guest and the operator allow", async () => {
  const sizeOf = async (request: object) => {
    const { ok } = await net.ask("network_fetch", request, asker);
    return (ok as { responses: Response[] }).responses.map(({ error }) => error?.code ?? "ok");
  };
  assert.deepEqual(await sizeOf({ requests: [at("/text/100")], maxBytes: 100 }), ["ok"]);
  const refused = ["NETWORK_ANSWER_REFUSED"];
  assert.deepEqual(await sizeOf({ requests: [at("/text/101")], maxBytes: 100 }), refused);
  assert.deepEqual(await sizeOf({ requests: [at("/bytes/1048577")], maxBytes: 2 ** 30 }), refused);
});

for (const [what, requests] of [
  ["no request", []],
  ["nine requests", Array.from({ length: 9 }, () => at("/"))],
  ["a request that is none", ["https://a.test/"]],
] as const)
  test(`network_fetch() refuses ${what}`, async () => {
    const told = await net.ask("network_fetch", { requests }, asker);
    assert.equal(told.code, "HOST_REQUEST_INVALID");
  });

/** Opens a body and returns its number. */
async function opened(path: string, own = asker): Promise<number> {
  const told = await net.ask("network_open", at(path), own);
  assert.equal(told.code, undefined);
  const { id, status, url } = told.ok as { id: number; status: number; url: string };
  assert.deepEqual([status, url], [200, at(path).url]);
  return id;
}

test("network_read() gives bytes as they come, and says when there are no more", async () => {
  const id = await opened("/tick/3");
  let text = "";
  let pieces = 0;
  for (;;) {
    const { ok, blocks } = await net.ask("network_read", { id }, asker);
    if ((ok as { done: boolean }).done) break;
    pieces += 1;
    text += Buffer.from(blocks[0] ?? []).toString();
  }
  assert.equal(text, "tick 0\ntick 1\ntick 2\n");
  assert.ok(pieces > 1);
  assert.equal((await net.ask("network_read", { id }, asker)).code, "HOST_REQUEST_INVALID");
});

test("network_read() gives no more than was asked for, and loses nothing", async () => {
  const id = await opened("/text/100");
  const lengths: number[] = [];
  for (;;) {
    const { ok, blocks } = await net.ask("network_read", { id, maxBytes: 30 }, asker);
    if ((ok as { done: boolean }).done) break;
    lengths.push(blocks[0]?.length ?? 0);
  }
  assert.deepEqual(lengths, [30, 30, 30, 10]);
});

test("a body in pieces may be larger than one in a piece, but not out of all proportion", async () => {
  const read = async (path: string): Promise<{ bytes: number; code: string | undefined }> => {
    const id = await opened(path);
    let bytes = 0;
    for (;;) {
      const { ok, code, blocks } = await net.ask("network_read", { id, maxBytes: 2 ** 20 }, asker);
      if (code !== undefined || (ok as { done: boolean }).done) return { bytes, code };
      bytes += blocks[0]?.length ?? 0;
    }
  };
  assert.deepEqual(await read("/bytes/3000000"), { bytes: 3_000_000, code: undefined });
  const bomb = await read("/zeros/67108864");
  assert.equal(bomb.code, "NETWORK_ANSWER_REFUSED");
  assert.ok(bomb.bytes < 17 * 2 ** 20, `${bomb.bytes} bytes`);
});

test("a call has eight bodies open at one time, and room for another when one is closed", async () => {
  const own = { ...asker, callId: "crowd" };
  const ids: number[] = [];
  for (let count = 0; count < 8; count++) ids.push(await opened("/tick/1000", own));
  const full = await net.ask("network_open", at("/text/1"), own);
  assert.equal(full.code, "NETWORK_BUDGET_EXHAUSTED");
  for (const id of ids) await net.ask("network_close", { id }, own);
  await opened("/text/1", own);
});

test("http_request() takes what the kits of Extism write, and a body in the block", async () => {
  for (const request of [
    { ...at("/"), method: null, headers: null },
    { ...at("/"), method: "get", headers: {} },
    { ...at("/"), method: "GET", body: null },
  ])
    assert.equal((await net.ask("http_request", request, asker)).code, undefined);
  const bytes = Buffer.from([0, 255, 1]);
  const told = await net.ask("http_request", { ...at("/"), method: "POST" }, asker, [bytes]);
  const seen = JSON.parse(Buffer.from(told.blocks[0] ?? []).toString()) as { body: string };
  assert.equal(seen.body, bytes.toString());
});
