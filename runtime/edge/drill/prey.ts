import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { HostWish } from "../../assemble.ts";

/** Looks a name up. */
export type Resolve = NonNullable<HostWish["resolve"]>;

/** What drills aim at instead of anything real: servers and names that only this machine knows. */
export interface Prey extends AsyncDisposable {
  /** Port on 127.0.0.1 that plugins may be granted. */
  readonly port: number;
  /** Port on 127.0.0.1 and 127.0.0.2 that no plugin is granted. */
  readonly secretPort: number;
  /** Requests that came in where none may, since the start. */
  readonly caught: readonly string[];
  /** Header lines of the last request that came in where it may. */
  readonly lastHeaders: () => readonly string[];
  /** Looks names up for the host of a drill, and asks nobody. */
  readonly resolve: Resolve;
}

const bombBytes = 64 * 2 ** 20;

/** Opens the servers. */
export async function openPrey(): Promise<Prey> {
  await using undo = new AsyncDisposableStack();
  const caught: string[] = [];
  const seen = { headers: [] as readonly string[] };
  const secret = await listening(
    createServer((request, response) => {
      caught.push(`${request.method} ${request.headers.host}${request.url}`);
      response.end("a secret");
    }),
  );
  undo.defer(() => closed(secret));
  const secretPort = portOf(secret);
  const open = await listening(createServer(answerer(secretPort, seen)));
  undo.defer(() => closed(open));
  const held = undo.move();
  return {
    ...{ port: portOf(open), secretPort, caught, lastHeaders: () => seen.headers },
    resolve: createNames(),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Answers as hostile servers do: away to where nobody may go, or far more than was said. */
function answerer(
  secretPort: number,
  seen: { headers: readonly string[] },
): Parameters<typeof createServer>[1] {
  return (request, response) => {
    seen.headers = request.rawHeaders;
    const path = request.url ?? "/";
    const token = (request.headers.authorization ?? "").replace("Bearer ", "");
    const echo = echoes[path];
    if (echo !== undefined) {
      echo(response, token);
      return;
    }
    const away = (location: string): void => {
      response.writeHead(302, { location }).end();
    };
    if (path === "/to-port") away(`http://127.0.0.1:${secretPort}/`);
    // The port is one where nothing answers, also where this is a cloud.
    else if (path === "/to-metadata") away("http://169.254.169.254:9/");
    else if (path === "/to-file") away("file:///etc/passwd");
    else if (path === "/again") away("/again");
    else if (path === "/moved") away(`http://${request.headers.host}/moved-again`);
    else if (path === "/bomb") {
      response.writeHead(200, { "content-encoding": "gzip", "content-type": "text/plain" });
      response.end(gzipSync(Buffer.alloc(bombBytes)));
    } else response.end("open");
  };
}

/** Names as a hostile owner of them answers. */
function createNames(): Resolve {
  const asked = { moving: 0 };
  return async (name) => {
    // The first time where its grant says that it is, from then on somewhere else.
    if (name.startsWith("moving")) return [asked.moving++ === 0 ? "127.0.0.1" : "127.0.0.2"];
    if (name.startsWith("mapped")) return ["::ffff:127.0.0.1"];
    if (name.startsWith("metadata")) return ["169.254.169.254"];
    return ["127.0.0.1"];
  };
}

type Echo = (response: ServerResponse, token: string) => void;

const bytesOf = (token: string, before = ""): Buffer => Buffer.from(before + token);

/** How a server gives away what it was sent: each as an answer to a path of its own. */
const echoes: Readonly<Record<string, Echo>> = {
  "/echo/plain": (response, token) => response.end(`you sent ${token}`),
  "/echo/base64": (response, token) => response.end(bytesOf(token).toString("base64")),
  "/echo/base64-1": (response, token) => response.end(bytesOf(token, "a").toString("base64")),
  "/echo/base64-2": (response, token) => response.end(bytesOf(token, "ab").toString("base64")),
  "/echo/base64url": (response, token) => response.end(bytesOf(token).toString("base64url")),
  "/echo/hex": (response, token) => response.end(bytesOf(token).toString("hex")),
  "/echo/HEX": (response, token) => response.end(bytesOf(token).toString("hex").toUpperCase()),
  "/echo/percent": (response, token) => response.end(encodeURIComponent(token)),
  "/echo/json": (response, token) => response.end(JSON.stringify({ token })),
  "/echo/header": (response, token) => response.setHeader("x-token", token).end("in a header"),
  "/echo/gzip": (response, token) => {
    response.setHeader("content-encoding", "gzip").end(gzipSync(`you sent ${token}`));
  },
  "/echo/chunks": (response, token) => {
    response.write(token.slice(0, 7));
    setTimeout(() => response.end(token.slice(7)), 20);
  },
};

/** Paths at which the prey gives back the secret that it was sent. */
export const echoPaths: readonly string[] = Object.keys(echoes);

async function listening(server: Server): Promise<Server> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
