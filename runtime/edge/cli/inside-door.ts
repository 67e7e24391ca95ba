import type { InjectOptions } from "fastify";
import { pino } from "pino";
import { createHttpServer } from "../http/server.ts";
import { readConfig } from "../../config.ts";
import type { Answer, Door, Send } from "./door.ts";
import type { World } from "./world.ts";

/** Returns a door to a host in this process, which ends with the door. */
export async function createInsideDoor(world: World): Promise<Door> {
  await using undo = new AsyncDisposableStack();
  const home = world.home();
  const { config } = await readConfig({ home, environment: world.environment });
  const host = undo.use(
    await world.makeHost({ home, config, keyPlaces: world.environment.keyPlaces }),
  );
  // Results go to the standard output, so a fault is logged beside them.
  const logger = pino({ level: "error" }, pino.destination({ dest: 2, sync: true }));
  const server = await createHttpServer(host, { port: 0, logger });
  undo.defer(() => server.close());
  const held = undo.move();
  return {
    kind: "inside",
    where: "the host in this process",
    request: async (method, path, send = {}) =>
      answerOf(await server.inject(injectionOf(method, path, send), "owner")),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

function injectionOf(method: string, path: string, send: Send): InjectOptions {
  const body = send.bytes ?? (send.json === undefined ? undefined : JSON.stringify(send.json));
  return {
    method: method as NonNullable<InjectOptions["method"]>,
    url: path,
    payloadAsStream: true,
    headers: {
      accept: send.accept ?? "application/json",
      ...(body === undefined ? {} : { "content-type": send.contentType ?? "application/json" }),
    },
    ...(body === undefined ? {} : { payload: typeof body === "string" ? body : Buffer.from(body) }),
    ...(send.signal === undefined ? {} : { signal: send.signal }),
  };
}

function answerOf(response: {
  statusCode: number;
  headers: object;
  stream(): AsyncIterable<Uint8Array>;
}): Answer {
  const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
  return {
    status: response.statusCode,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: response.stream(),
  };
}
