import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { nothingGranted } from "#manifests/grants.ts";
import { createCertificates } from "#test/support/certificates.ts";
import { farServer } from "#test/support/far-server.ts";
import { networkGrantOf, openTestNetwork, sendingAsker } from "#test/support/network.ts";

test("requests of one plugin use connections again", async () => {
  await using far = await farServer();
  await using net = openTestNetwork();
  const asker = sendingAsker([networkGrantOf({ port: far.port })]);
  for (let times = 0; times < 20; times++)
    await net.ask("http_request", { url: `${far.origin}/${times}` }, asker);
  assert.equal(far.seen.length, 20);
  // The first may not be said to be free yet when the second request comes.
  assert.ok(far.connections <= 2, `${far.connections} connections`);
  assert.equal(net.network.openConnections, far.connections);
});

test("a thousand requests at one time go over sixteen connections, and all are answered", async () => {
  await using far = await farServer();
  await using net = openTestNetwork({ settings: { "network.requestsPerCall": "0" } });
  const asker = sendingAsker([networkGrantOf({ port: far.port })]);
  const told = await Promise.all(
    Array.from({ length: 1_000 }, () => net.ask("http_request", { url: `${far.origin}/` }, asker)),
  );
  assert.deepEqual([...new Set(told.map(({ message }) => message))], [undefined]);
  assert.equal(far.connections, 16);
});

test("a plugin has as many connections as the operator allows, and another has its own", async () => {
  await using far = await farServer((_, response) => void response.write("x"));
  await using second = await farServer((_, response) => void response.write("x"));
  await using net = openTestNetwork({
    settings: { "network.socketsPerPlugin": "1", "network.sockets": "2" },
  });
  const network = [far, second].map(({ port }) => networkGrantOf({ port }));
  const asker = sendingAsker(network);
  const open = (own: typeof asker, at: typeof far) =>
    net.ask("network_open", { url: `${at.origin}/` }, own);
  assert.equal((await open(asker, far)).code, undefined);
  const full = await open(asker, second);
  assert.equal(full.code, "NETWORK_FAILED");
  assert.match(full.message ?? "", /as many connections/);
  const other = sendingAsker(network, {
    callId: "c2",
    binding: { plugin: "acme/other" as never, source: "local", signer: "unsigned" },
  });
  assert.equal((await open(other, second)).code, undefined);
});

test("a plugin that visits many hosts keeps connections to the last of them", async () => {
  await using far = await farServer();
  await using net = openTestNetwork({ resolve: async () => ["127.0.0.1"] });
  const asker = sendingAsker([
    networkGrantOf({ host: "*.test", port: far.port, addresses: ["127.0.0.0/8"] }),
  ]);
  for (let host = 0; host < 200; host++) {
    const url = `http://h${host}.test:${far.port}/`;
    assert.equal((await net.ask("http_request", { url }, asker)).code, undefined);
  }
  assert.equal(far.seen.length, 200);
  assert.ok(net.network.openConnections <= 64, `${net.network.openConnections} connections`);
});

test("an answer to a new version is not ended when the old one loses its grants", async () => {
  await using far = await farServer((seen, response) => {
    setTimeout(() => response.end("x"), seen.url === "/slow" ? 300 : 0);
  });
  await using net = openTestNetwork();
  const grant = networkGrantOf({ port: far.port });
  const old = { network: [grant] };
  const before = sendingAsker([grant], { grants: () => ({ ...nothingGranted, ...old }) });
  await net.ask("http_request", { url: `${far.origin}/` }, before);
  const now = sendingAsker([networkGrantOf({ port: far.port })]);
  const told = net.ask("http_request", { url: `${far.origin}/slow` }, now);
  while (far.seen.length < 2) await new Promise((done) => setTimeout(done, 5));
  old.network = [];
  net.network.review();
  assert.equal((await told).code, undefined);
});

/** A proxy that tunnels, and remembers where to. */
async function openProxy(answer = "HTTP/1.1 200 OK\r\n\r\n") {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const hold = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {}); // Either side may cut.
  };
  const server = createServer((near) => {
    hold(near);
    near.once("data", (head: Buffer) => {
      heads.push(head.toString());
      near.write(answer);
      const [, host = "", port = "0"] = /^CONNECT ([0-9.]+):([0-9]+)/.exec(head.toString()) ?? [];
      const far = connect(Number(port), host);
      hold(far);
      near.pipe(far).pipe(near);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    heads,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

test("a proxy that the operator set is told vetted addresses, and no names", async () => {
  await using certificates = await createCertificates();
  await using plain = await farServer();
  await using secure = await farServer(undefined, await certificates.make("DNS:a.test"));
  await using proxy = await openProxy();
  const settings = { "network.proxy": proxy.url, "network.extraCas": certificates.authority };
  const resolve = async (name: string) => [name === "a.test" ? "127.0.0.1" : "10.0.0.1"];
  await using net = openTestNetwork({ settings, resolve });
  const addresses = ["127.0.0.0/8"];
  const network = [
    networkGrantOf({ host: "*", port: plain.port, addresses }),
    networkGrantOf({ host: "*", scheme: "https", port: secure.port, addresses }),
  ];
  const code = async (url: string) =>
    (await net.ask("http_request", { url }, sendingAsker(network))).code;
  assert.equal(await code(`http://a.test:${plain.port}/`), undefined);
  assert.equal(await code(`https://a.test:${secure.port}/`), undefined);
  assert.equal(await code(`http://b.test:${plain.port}/`), "CAPABILITY_DENIED");
  assert.deepEqual(
    proxy.heads.map((head) => head.split("\r\n")[0]),
    [plain, secure].map(({ port }) => `CONNECT 127.0.0.1:${port} HTTP/1.1`),
  );
  assert.equal(plain.seen[0]?.headers.host, `a.test:${plain.port}`);
  assert.equal(secure.seen[0]?.version, "2.0");
});

for (const [what, answer] of [
  ["refuses", "HTTP/1.1 403 Forbidden\r\n\r\n"],
  ["speaks no HTTP", "SSH-2.0-x\r\n\r\n"],
  ["talks without end", "x".repeat(9_000)],
] as const)
  test(`a proxy that ${what} is an error, and nothing is sent`, async () => {
    await using far = await farServer();
    await using proxy = await openProxy(answer);
    await using net = openTestNetwork({ settings: { "network.proxy": proxy.url } });
    const asker = sendingAsker([networkGrantOf({ port: far.port })]);
    const told = await net.ask("http_request", { url: `${far.origin}/` }, asker);
    assert.equal(told.code, "NETWORK_FAILED");
    assert.match(told.message ?? "", /proxy/);
    assert.equal(far.seen.length, 0);
  });

const hasVersion6 = Object.values(networkInterfaces()).some((each) =>
  each?.some(({ address }) => address === "::1"),
);

test("a name with addresses of both versions is reached by the one that answers", async (context) => {
  if (!hasVersion6) return context.skip("this machine has no loopback of version 6");
  const server = createHttpServer((_, response) => response.end("six"));
  await new Promise<void>((done) => server.listen(0, "::1", done));
  const { port } = server.address() as AddressInfo;
  await using net = openTestNetwork();
  try {
    for (const host of ["localhost", "[::1]"]) {
      const asker = sendingAsker([networkGrantOf({ host, port })]);
      const told = await net.ask("http_request", { url: `http://${host}:${port}/` }, asker);
      assert.equal(Buffer.from(told.blocks[0] ?? []).toString(), "six");
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
