import assert from "node:assert/strict";
import { type IncomingHttpHeaders, request as requestHttp } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { pino } from "pino";
import type { HttpServerOptions } from "#runtime/edge/http/options.ts";
import { createHttpServer, type HttpServer } from "#runtime/edge/http/server.ts";
import { createFakeHost, type FakeHost } from "./fake-host.ts";
import { temporaryFolder } from "./home.ts";

/** A request of a test; the header `host` is the server's own when it is left out. */
export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
  readonly type?: string;
}

/** What came back. */
export interface Told {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body parsed; fails when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly json: any;
}

/** A server in front of a fake host, listening on loopback and on a socket. */
export interface TestDoor extends AsyncDisposable {
  readonly fake: FakeHost;
  readonly server: HttpServer;
  readonly port: number;
  readonly socketPath: string;
  /** Lines that the server logged, parsed. */
  readonly logged: readonly Record<string, unknown>[];
  /** Asks over TCP. */
  ask(ask: Ask): Promise<Told>;
  /** Asks through the socket of the home. */
  askAsOwner(ask: Ask): Promise<Told>;
  /** Sends bytes over TCP as they are, and returns everything that came back. */
  raw(text: string): Promise<string>;
}

/** Opens a server; the port is free, the log is kept in memory. */
export async function openTestDoor(
  options: Partial<HttpServerOptions> = {},
  fake: FakeHost = createFakeHost(),
): Promise<TestDoor> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await temporaryFolder());
  const socketPath = join(folder.path, "host.sock");
  const logged: Record<string, unknown>[] = [];
  const logger = pino({ level: "trace" }, { write: (line) => void logged.push(JSON.parse(line)) });
  const server = createHttpServer(fake.host, {
    port: 0,
    socketPath,
    logger,
    graceMs: 50,
    ...options,
  });
  await server.listen();
  undo.defer(() => server.close());
  const port = Number(new URL(server.url).port);
  const held = undo.move();
  return {
    fake,
    server,
    port,
    socketPath,
    logged,
    ask: (ask) => send(ask, { host: "127.0.0.1", port }),
    askAsOwner: (ask) => send(ask, { socketPath }),
    raw: (text) => sendRaw(port, text),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Asserts that an answer is a problem of a code, in the form of RFC 9457, and returns it. */
export function assertProblem(told: Told, code: string, status: number): Told["json"] {
  assert.equal(told.headers["content-type"], "application/problem+json", told.text);
  assert.equal(told.json.title, code, told.text);
  assert.equal(told.json.status, status);
  assert.equal(told.status, status);
  assert.equal(told.json.type, `/errors#${code}`);
  assert.equal(told.json.requestId, told.headers["convergio-request-id"]);
  return told.json;
}

function send(
  { method, path, key, headers, json, body, type }: Ask,
  at: { host: string; port: number } | { socketPath: string },
): Promise<Told> {
  const { promise, resolve, reject } = Promise.withResolvers<Told>();
  const payload = body ?? (json === undefined ? undefined : JSON.stringify(json));
  const contentType = type ?? (json === undefined ? undefined : "application/json");
  const request = requestHttp({
    ...at,
    method: method ?? (payload === undefined ? "GET" : "POST"),
    path,
    agent: false,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(contentType === undefined ? {} : { "content-type": contentType }),
      ...(payload === undefined ? {} : { "content-length": Buffer.byteLength(payload) }),
      ...headers,
    },
  });
  request.on("error", reject);
  request.on("response", async (response) => {
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Uint8Array);
    } catch (error) {
      return reject(error);
    }
    const bytes = Buffer.concat(chunks);
    resolve({
      status: response.statusCode ?? 0,
      headers: response.headers,
      bytes,
      text: bytes.toString("utf8"),
      get json() {
        return JSON.parse(bytes.toString("utf8"));
      },
    });
  });
  request.end(payload);
  return promise;
}

function sendRaw(port: number, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const chunks: Uint8Array[] = [];
  const socket = connect(port, "127.0.0.1", () => socket.write(text, "latin1"));
  socket.on("data", (chunk) => void chunks.push(Buffer.from(chunk)));
  // A server that cuts the connection has answered too; what came before it counts.
  socket.on("error", () => {});
  socket.on("close", () => resolve(Buffer.concat(chunks).toString("utf8")));
  return promise;
}
