import { Agent, request } from "node:http";

/** What came back over one connection. */
export interface Heard {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly json: any;
}

/** One client with one connection that stays open: its requests are one after the other. */
export interface Connection extends Disposable {
  post(path: string, json: unknown): Promise<Heard>;
}

/** Opens a connection to a port of loopback, with a key. */
export function connectTo(port: number, key: string): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    post: (path, json) => send({ agent, port, key }, path, Buffer.from(JSON.stringify(json))),
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function send(
  { agent, port, key }: { agent: Agent; port: number; key: string },
  path: string,
  body: Buffer,
): Promise<Heard> {
  const { promise, resolve, reject } = Promise.withResolvers<Heard>();
  const headers = {
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    "content-length": body.length,
  };
  const asked = request({ host: "127.0.0.1", port, agent, method: "POST", path, headers });
  asked.on("error", reject);
  asked.on("response", async (response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of response) chunks.push(chunk as Uint8Array);
    resolve({
      status: response.statusCode ?? 0,
      json: JSON.parse(Buffer.concat(chunks).toString()),
    });
  });
  asked.end(body);
  return promise;
}
