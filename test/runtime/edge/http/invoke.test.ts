import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { test } from "node:test";
import { HostError } from "#manifests/errors.ts";
import type { CallRequest } from "#runtime/call.ts";
import { type Answering, createFakeHost } from "#test/support/fake-host.ts";
import { assertProblem, openTestDoor, type TestDoor } from "#test/support/http-door.ts";

const json = (text: string) => ({
  output: { encoding: "json" as const, bytes: Buffer.from(text) },
});

async function openWith(answering: Answering, bodyBytesMax?: number) {
  const fake = createFakeHost(["vowels", "acme/weather", "invoke", "acme/config"], answering);
  const door = await openTestDoor(bodyBytesMax === undefined ? {} : { bodyBytesMax }, fake);
  return { door, key: fake.keyWith(["invoke"]) };
}

/** Reads events off an answer until it ends. */
async function* eventsOf(response: IncomingMessage) {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const values = (field: string) =>
        lines.filter((line) => line.startsWith(field)).map((line) => line.slice(field.length));
      yield { event: values("event: ").join(), data: values("data: ").join("\n") };
    }
  }
}

function startStream(door: TestDoor, key: string): ClientRequest {
  const headers = {
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    accept: "text/event-stream",
  };
  const path = "/plugins/vowels/invoke";
  const request = requestHttp({ port: door.port, method: "POST", path, headers, agent: false });
  request.on("error", () => {});
  request.end('{"input":1}');
  return request;
}

test("an input reaches the host exactly as it was written, and an output the client", async () => {
  await using opened = (await openWith(async () => json('{"a": 1.0,\n "b": 12345678901234567890}')))
    .door;
  const key = opened.fake.keyWith(["invoke"]);
  const input = '{"n":1.0, "big": 12345678901234567890, "s":"\\u00e9\\"}"}';
  const told = await opened.ask({
    path: "/plugins/vowels/invoke",
    body: ` {"input" : ${input} , "tool":"echo"}`,
    type: "application/json",
    key,
  });
  assert.equal(told.status, 200, told.text);
  assert.deepEqual(opened.fake.calls[0]?.input, { json: input });
  assert.equal(
    told.text,
    '{"output":{"a": 1.0,\n "b": 12345678901234567890},"callId":"call-1",' +
      '"usage":{"fuel":12,"wallMs":1.5,"memoryBytes":65536,"hostCalls":0}}',
  );
  assert.equal(told.headers["content-type"], "application/json; charset=utf-8");
});

test("an output of a megabyte arrives whole", async () => {
  const text = JSON.stringify("é".repeat(2 ** 19));
  const { door, key } = await openWith(async () => json(text));
  await using _ = door;
  const told = await door.ask({ path: "/plugins/vowels/invoke", json: { input: 1 }, key });
  assert.equal(JSON.stringify(told.json.output), text);
});

test("plugins whose names are words of routes are called and shown like any other", async () => {
  await using opened = (await openWith(async () => json("1"))).door;
  const key = opened.fake.keyWith(["admin"]);
  const call = (path: string) => opened.ask({ path, json: { input: 1 }, key });
  for (const path of [
    "/plugins/invoke/invoke",
    "/plugins/acme/config/invoke",
    "/plugins/acme%2Fconfig/invoke",
    "/plugins/acme/weather/invoke",
    "/plugins/acme%2fweather@1.0.0/invoke",
    "/plugins/acme/weather@1.0.0/invoke",
  ])
    assert.equal((await call(path)).status, 200, path);
  const named = opened.fake.calls.map(({ plugin }) => plugin);
  assert.deepEqual(named, [
    "invoke",
    "acme/config",
    "acme/config",
    "acme/weather",
    "acme/weather@1.0.0",
    "acme/weather@1.0.0",
  ]);
  const shown = async (path: string) => (await opened.ask({ path, key })).json;
  assert.equal((await shown("/plugins/invoke")).id, "invoke");
  assert.equal((await shown("/plugins/acme%2Fconfig")).id, "acme/config");
  assert.deepEqual(await shown("/plugins/acme/config/config"), { of: "acme/config" });
  assert.deepEqual(await shown("/plugins/invoke/config"), { of: "invoke" });
});

test("ids with line breaks, dots, slashes and escapes are names that no plugin has", async () => {
  await using opened = (await openWith(async () => json("1"))).door;
  const key = opened.fake.keyWith(["admin"]);
  for (const id of [
    "a%0d%0aset-cookie:%20x=1",
    "..%2f..%2fetc",
    "%2e%2e",
    "a%00",
    "A",
    "%F0%9F%A6%80",
    "__proto__",
    "a%2Fb%2Fc",
    "a%252Fb",
  ]) {
    const told = await opened.ask({ path: `/plugins/${id}`, key });
    assertProblem(told, "NAME_INVALID", 400);
    assert.equal(told.headers["set-cookie"], undefined);
    assert.doesNotMatch(told.json.detail, /[\r\n\0]/);
  }
  assertProblem(await opened.ask({ path: "/plugins/%zz", key }), "REQUEST_MALFORMED", 400);
  const long = "a".repeat(300);
  assertProblem(await opened.ask({ path: `/plugins/${long}`, key }), "REQUEST_MALFORMED", 400);
});

test("a body that is not exactly what is asked is refused, and says where and how", async () => {
  const { door, key } = await openWith(async () => json("1"));
  await using _ = door;
  const send = (body: string | Uint8Array) =>
    door.ask({ path: "/plugins/vowels/invoke", body, type: "application/json", key });
  const cases: readonly (readonly [body: string | Uint8Array, code: string, says: RegExp])[] = [
    ["", "REQUEST_INVALID", /body/],
    ["{", "JSON_INVALID", /not well-formed/],
    ["[]", "REQUEST_INVALID", /must be an object, found an array/],
    ["null", "REQUEST_INVALID", /must be an object, found null/],
    ['"{}"', "REQUEST_INVALID", /must be an object/],
    ["{}", "REQUEST_INVALID", /input must be present, found nothing/],
    ['{"input":1,"tool":7}', "REQUEST_INVALID", /tool must be a string, found 7/],
    [
      '{"input":1,"wait":true}',
      "REQUEST_INVALID",
      /wait is not a known key; known are tool, input/,
    ],
    ['{"input":1,"input":2}', "JSON_INVALID", /"input" stands twice/],
    ['{"input":1,"\\u0069nput":2}', "JSON_INVALID", /stands twice/],
    ['{"input":{"a":1,"a":2}}', "JSON_INVALID", /"a" stands twice/],
    ['{"input":1,"__proto__":{"tool":"x"}}', "JSON_INVALID", /__proto__/],
    ['{"input":{"__proto__":{}}}', "JSON_INVALID", /__proto__/],
    [`{"input":${"[".repeat(65)}${"]".repeat(65)}}`, "JSON_INVALID", /deep/],
    [Buffer.from([0x22, 0xff, 0x22]), "JSON_INVALID", /UTF-8/],
    [Buffer.from('\ufeff{"input":1}'), "JSON_INVALID", /not well-formed/],
  ];
  for (const [body, code, says] of cases) {
    const problem = assertProblem(await send(body), code, 400);
    assert.match(problem.detail, says);
  }
  assert.deepEqual(door.fake.calls, []);
  assert.equal(({} as Record<string, unknown>)["tool"], undefined);
});

test("a body beyond the bound is refused by its length, and while it comes in", async () => {
  const { door, key } = await openWith(async () => json("1"), 1_000);
  await using _ = door;
  const ask = {
    path: "/plugins/vowels/invoke",
    body: `{"input":"${"x".repeat(2_000)}"}`,
    type: "application/json",
    key,
  };
  assertProblem(await door.ask(ask), "BODY_TOO_LARGE", 413);
  const chunked = { "transfer-encoding": "chunked", "content-length": [] };
  assertProblem(await door.ask({ ...ask, headers: chunked }), "BODY_TOO_LARGE", 413);
  const fits = await door.ask({ ...ask, body: `{"input":"${"x".repeat(900)}"}` });
  assert.equal(fits.status, 200);
});

test("raw bytes go in and come out untouched, as a download that nobody guesses at", async () => {
  const page = Buffer.from("<script>alert(1)</script>\xff\x00", "latin1");
  const { door, key } = await openWith(async ({ input }: CallRequest) => {
    assert.ok("bytes" in input);
    return { output: { encoding: "bytes", bytes: new Uint8Array(input.bytes) } };
  });
  await using _ = door;
  const type = "application/octet-stream";
  const ask = { path: "/plugins/vowels/invoke?tool=bytes", body: page, type, key };
  const told = await door.ask(ask);
  assert.equal(told.status, 200, told.text);
  assert.deepEqual(told.bytes, page);
  assert.equal(told.headers["content-type"], type);
  assert.equal(told.headers["content-disposition"], "attachment");
  assert.equal(told.headers["x-content-type-options"], "nosniff");
  assert.equal(told.headers["convergio-call-id"], "call-1");
  assert.equal(JSON.parse(String(told.headers["convergio-usage"])).fuel, 12);
  assert.equal(door.fake.calls[0]?.tool, "bytes");
  const empty = await door.ask({ ...ask, body: "" });
  assert.deepEqual([empty.status, empty.bytes.length], [200, 0]);
  const unknown = { ...ask, path: "/plugins/vowels/invoke?tool=bytes&wait=1" };
  assertProblem(await door.ask(unknown), "REQUEST_INVALID", 400);
});

test("bytes in a JSON answer are base64", async () => {
  const bytes = Buffer.from([0, 255, 1]);
  const { door, key } = await openWith(async () => ({ output: { encoding: "bytes", bytes } }));
  await using _ = door;
  const ask = { path: "/plugins/vowels/invoke", json: { tool: "bytes", input: "AP8B" }, key };
  assert.equal((await door.ask(ask)).json.output, "AP8B");
});

test("what a guest says in an error is bounded, and holds nothing that a reader cannot see", async () => {
  const message = `\u001b[31mred\u202eevil\u{e0041}\u200b\r\n${"x".repeat(100_000)}`;
  const { door, key } = await openWith(async () => {
    const error = new HostError("PLUGIN_ERROR", { plugin: "vowels", message });
    throw Object.assign(error, { callId: "call-1" });
  });
  await using _ = door;
  const told = await door.ask({ path: "/plugins/vowels/invoke", json: { input: 1 }, key });
  const problem = assertProblem(told, "PLUGIN_ERROR", 502);
  assert.doesNotMatch(problem.detail, /[\p{Cc}\p{Cf}\r\n]/u);
  assert.match(problem.detail, /\\u\{1b\}\[31mred/);
  assert.ok(problem.detail.length < 20_000);
  assert.equal(problem.callId, "call-1");
});

test("a fault of the host tells the client a request id alone, and the log everything", async () => {
  const { door, key } = await openWith(async () => {
    throw new TypeError("cannot read /home/ada/.convergio/key");
  });
  await using _ = door;
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const told = await door.ask({
    path: "/plugins/vowels/invoke",
    json: { input: "private words" },
    headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` },
    key,
  });
  const problem = assertProblem(told, "INTERNAL", 500);
  assert.doesNotMatch(told.text, /home|TypeError/);
  const [line] = door.logged;
  assert.equal(line?.["requestId"], problem.requestId);
  assert.equal(line?.["traceId"], trace);
  assert.match(JSON.stringify(line), /cannot read \/home\/ada/);
  assert.doesNotMatch(JSON.stringify(door.logged), new RegExp(`private words|${key}`));
});

test("a host that is busy or stopping says when to come back", async () => {
  const thrown = { error: new HostError("HOST_STOPPING", {}) as HostError };
  const { door, key } = await openWith(async () => {
    throw thrown.error;
  });
  await using _ = door;
  const told = await door.ask({ path: "/plugins/vowels/invoke", json: { input: 1 }, key });
  assertProblem(told, "HOST_STOPPING", 503);
  assert.equal(told.headers["retry-after"], "1");
});

test("events come while the call runs, and its output is the last", async () => {
  const gate = Promise.withResolvers<void>();
  const { door, key } = await openWith(async ({ onEvent }) => {
    onEvent?.({ kind: "log", level: "info", text: "a\u202e\nline" });
    onEvent?.({ kind: "progress", text: "half" });
    await gate.promise;
    return json('{\n"a":\r1}');
  });
  await using _ = door;
  const request = startStream(door, key);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers["content-type"], "text/event-stream; charset=utf-8");
  assert.equal(response.headers["cache-control"], "no-store");
  const seen = [];
  for await (const event of eventsOf(response)) {
    seen.push(event);
    // The call goes on only after its first events were read: they did not wait for its end.
    if (event.event === "progress") gate.resolve();
  }
  assert.deepEqual(
    seen.map(({ event }) => event),
    ["log", "progress", "output"],
  );
  assert.deepEqual(JSON.parse(seen[0]?.data ?? ""), { level: "info", text: "a\u202e\nline" });
  assert.doesNotMatch(seen[0]?.data ?? "", /\u202e/);
  const last = JSON.parse(seen[2]?.data ?? "");
  assert.deepEqual(last.output, { a: 1 });
  assert.equal(last.callId, "call-1");
});

test("a call that fails after its first event ends in an error event, before it in a status", async () => {
  const { door, key } = await openWith(async ({ onEvent }) => {
    if (door.fake.calls.length > 1) onEvent?.({ kind: "progress", text: "begun" });
    throw new HostError("PLUGIN_TRAPPED", { plugin: "vowels", message: "x\u001b" });
  });
  await using _ = door;
  const headers = { accept: "text/event-stream" };
  const ask = { path: "/plugins/vowels/invoke", json: { input: 1 }, headers, key };
  assertProblem(await door.ask(ask), "PLUGIN_TRAPPED", 502);
  const told = await door.ask(ask);
  assert.equal(told.status, 200);
  const [, data = ""] = /event: error\ndata: (.*)\n\n$/.exec(told.text) ?? [];
  assert.equal(JSON.parse(data).title, "PLUGIN_TRAPPED");
  assert.equal(JSON.parse(data).requestId, told.headers["convergio-request-id"]);
});

test("a client that goes away ends its call, with events and without", async () => {
  for (const accept of ["text/event-stream", "application/json"]) {
    const begun = Promise.withResolvers<AbortSignal>();
    const { door, key } = await openWith(async ({ signal, onEvent }) => {
      assert.ok(signal !== undefined);
      onEvent?.({ kind: "progress", text: "begun" });
      begun.resolve(signal);
      return new Promise(() => {});
    });
    await using _ = door;
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", accept };
    const path = "/plugins/vowels/invoke";
    const request = requestHttp({ port: door.port, method: "POST", path, headers, agent: false });
    request.on("error", () => {});
    request.end('{"input":1}');
    const signal = await begun.promise;
    request.destroy();
    if (!signal.aborted) await once(signal, "abort");
    assert.ok(signal.aborted);
  }
});

test("an answer that was sent whole does not end its call a second time", async () => {
  const seen: AbortSignal[] = [];
  const { door, key } = await openWith(async ({ signal }) => {
    if (signal !== undefined) seen.push(signal);
    return json("1");
  });
  await using _ = door;
  await door.ask({ path: "/plugins/vowels/invoke", json: { input: 1 }, key });
  await door.ask({ path: "/plugins/vowels/invoke", json: { input: 1 }, key });
  assert.deepEqual(
    seen.map(({ aborted }) => aborted),
    [false, false],
  );
});
