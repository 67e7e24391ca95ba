import { once } from "node:events";
import {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { request as requestHttps } from "node:https";
import { connect, createServer } from "node:net";
import { HostError } from "#manifests/errors.ts";
import type { Answer, Door, Send } from "./door.ts";

/** Where a host listens, and who asks. */
export interface WireOptions {
  readonly kind: "remote" | "live";
  readonly at: { readonly url: URL } | { readonly socket: string };
  /** Secret of a key; the owner's socket needs none. */
  readonly secret?: string;
}

/** A host that does not even accept a connection for so long is not there. */
const connectMs = 10_000;
/** Large enough to be fast, small enough for a bar that moves. */
const pieceBytes = 256 * 2 ** 10;

/** Returns a door through TCP, TLS or a Unix socket; its requests throw HOST_UNREACHABLE. */
export function createWireDoor(options: WireOptions): Door {
  const where = "url" in options.at ? `the host at ${options.at.url.origin}` : "the running host";
  return {
    kind: options.kind,
    where,
    request: (method, path, send = {}) => request(options, where, { method, path, send }),
    [Symbol.asyncDispose]: async () => {},
  };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly send: Send;
}

function request(options: WireOptions, where: string, asked: Asked): Promise<Answer> {
  const body = bodyOf(asked.send);
  const { signal } = asked.send;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = open(options, asked.path, {
    method: asked.method,
    headers: headersOf(options, asked.send, body),
    // One command asks a few times; a kept connection would keep its process alive.
    agent: false,
    timeout: connectMs,
    ...(signal === undefined ? {} : { signal }),
  });
  outgoing.on("response", (incoming) => resolve(answerOf(incoming, where)));
  outgoing.on("error", (cause) => {
    const reason = reasonOf(cause);
    reject(
      signal?.aborted ? cause : new HostError("HOST_UNREACHABLE", { where, reason }, { cause }),
    );
  });
  outgoing.on("timeout", () => {
    if (outgoing.socket?.connecting) outgoing.destroy(new Error("connecting took too long"));
  });
  void sendBody(outgoing, body, asked.send.onSent);
  return promise;
}

/** Sends a body piece by piece, as fast as the other side takes it. */
async function sendBody(
  outgoing: ClientRequest,
  body: Uint8Array | undefined,
  onSent: Send["onSent"] = () => {},
): Promise<void> {
  const total = body?.byteLength ?? 0;
  for (let sent = 0; sent < total && !outgoing.destroyed; ) {
    const piece = body?.subarray(sent, sent + pieceBytes);
    // A failure of the request is heard by its own listener, which is why it does not matter here.
    if (!outgoing.write(piece)) await once(outgoing, "drain").catch(() => {});
    sent += piece?.byteLength ?? total;
    onSent(sent);
  }
  outgoing.end();
}

function open(options: WireOptions, path: string, settings: RequestOptions): ClientRequest {
  if ("socket" in options.at)
    return requestHttp({ ...settings, socketPath: options.at.socket, path });
  const { protocol, hostname, port, pathname } = options.at.url;
  const at = {
    ...settings,
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port,
    path: pathname.replace(/\/$/, "") + path,
  };
  return protocol === "https:" ? requestHttps(at) : requestHttp(at);
}

function bodyOf({ json, bytes }: Send): Uint8Array | undefined {
  if (bytes !== undefined) return bytes;
  return json === undefined ? undefined : Buffer.from(JSON.stringify(json));
}

function headersOf(options: WireOptions, send: Send, body: Uint8Array | undefined) {
  return {
    accept: send.accept ?? "application/json",
    ...("socket" in options.at ? { host: "localhost" } : {}),
    ...(options.secret === undefined ? {} : { authorization: `Bearer ${options.secret}` }),
    ...(body === undefined
      ? {}
      : {
          "content-type": send.contentType ?? "application/json",
          "content-length": String(body.byteLength),
        }),
  };
}

function answerOf(incoming: IncomingMessage, where: string): Answer {
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
  return {
    status: incoming.statusCode ?? 0,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: chunksOf(incoming, where),
  };
}

/** @throws HOST_UNREACHABLE when the connection ends within the answer */
async function* chunksOf(incoming: IncomingMessage, where: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of incoming) yield chunk as Uint8Array;
  } catch (cause) {
    const reason = "the connection ended before the answer was whole";
    throw new HostError("HOST_UNREACHABLE", { where, reason }, { cause });
  }
}

function reasonOf(cause: NodeJS.ErrnoException): string {
  if (cause.code === "ECONNREFUSED" || cause.code === "ENOENT") return "nothing listens there";
  if (/CERT|VERIFY/.test(cause.code ?? ""))
    return `nobody we trust signed its certificate (${cause.code}); see NODE_EXTRA_CA_CERTS`;
  return cause.code ?? cause.message;
}

/**
 * Returns whether a host listens at a socket; its file alone may be left over from a killed one.
 *
 * @param socket  path
 */
export function answersAt(socket: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = connect(socket);
  const settle = (isLive: boolean) => () => {
    probe.destroy();
    resolve(isLive);
  };
  probe.once("connect", settle(true));
  probe.once("error", settle(false));
  return promise;
}

/** Returns whether a port could be listened on now. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = createServer();
  probe.once("error", () => resolve(false));
  probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(true)));
  return promise;
}
