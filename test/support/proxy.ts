import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** A proxy on loopback that leads every tunnel to one server of the test's own, whatever it names. */
export interface TestProxy extends AsyncDisposable {
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  /** What tunnels named, oldest first: `93.184.216.34:443`. */
  readonly named: readonly string[];
}

/** Starts a proxy to a port of this machine. */
export async function proxyTo(port: number): Promise<TestProxy> {
  const named: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on("connect", (request, near: Socket) => {
    named.push(request.url ?? "");
    const far = connect(port, "127.0.0.1", () => {
      near.write("HTTP/1.1 200 OK\r\n\r\n");
      far.pipe(near).pipe(far);
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {}); // Either side may go at any time.
      socket.on("close", () => sockets.delete(socket));
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    named,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await closed;
    },
  };
}
