import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { Agent, createServer, request as requestHttp } from "node:http";
import { get as getTls } from "node:https";
import { connect, createServer as createNetServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isLoopback } from "#runtime/edge/http/allowed.ts";
import { createHttpServer } from "#runtime/edge/http/server.ts";
import { createFakeHost } from "#test/support/fake-host.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { assertProblem, openTestDoor } from "#test/support/http-door.ts";

function makeCertificate(folder: string, name: string) {
  const files = { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
  const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost"];
  const out = ["-keyout", files.keyFile, "-out", files.certFile, "-days", "2", "-nodes"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  execFileSync("openssl", ["req", ...kind, ...subject, ...out], { stdio: "ignore" });
  return files;
}

/** The name in the certificate that a server shows, and the headers of its answer. */
async function shown(port: number) {
  const options = { host: "localhost", port, path: "/health/live", agent: false };
  const request = getTls({ ...options, rejectUnauthorized: false });
  const [response] = await once(request, "response");
  const name = response.socket.getPeerCertificate().subject.CN;
  response.destroy();
  return { name, headers: response.headers, status: response.statusCode };
}

test("the socket is the owner's: nobody else can open it, and no key is needed on it", async () => {
  await using door = await openTestDoor();
  assert.equal(statSync(door.socketPath).mode & 0o777, 0o600);
  const told = await door.askAsOwner({ method: "POST", path: "/plugins/vowels/stop" });
  assert.equal(told.json.state, "stopped");
  assert.deepEqual(door.fake.acts, ["stop vowels by owner"]);
});

test("the socket is never open to others, however loose the mask of the process", async () => {
  const mask = process.umask(0);
  try {
    await using door = await openTestDoor();
    assert.equal(statSync(door.socketPath).mode & 0o777, 0o600);
    assert.equal(process.umask(0), 0);
  } finally {
    process.umask(mask);
  }
});

test("nothing that a client sends over TCP makes it the owner", async () => {
  await using door = await openTestDoor({ behindProxy: ["127.0.0.0/8"] });
  for (const headers of [
    { "x-forwarded-for": "inside this process, by its owner" },
    { forwarded: "for=unix:;by=owner" },
    { "x-convergio-door": "owner" },
    { door: "owner" },
  ] as Record<string, string>[])
    assertProblem(await door.ask({ path: "/plugins", headers }), "KEY_MISSING", 401);
});

test("inject() asks as a key that it must carry, or as the owner", async () => {
  await using door = await openTestDoor();
  const stranger = await door.server.inject({ path: "/plugins" });
  assert.equal(stranger.statusCode, 401);
  const owner = await door.server.inject({ path: "/plugins" }, "owner");
  assert.equal(owner.statusCode, 200);
  const page = { path: "/plugins", headers: { origin: "http://evil.example" } };
  assert.equal((await door.server.inject(page, "owner")).statusCode, 403);
});

test("inject() answers before the server listens, and streams events", async () => {
  const fake = createFakeHost(["vowels"], async ({ onEvent }) => {
    onEvent?.({ kind: "progress", text: "half" });
    return { output: { encoding: "json", bytes: Buffer.from("1") } };
  });
  const server = createHttpServer(fake.host, { port: 0 });
  const told = await server.inject(
    {
      method: "POST",
      path: "/plugins/vowels/invoke",
      headers: { accept: "text/event-stream" },
      payload: { input: 1 },
    },
    "owner",
  );
  assert.match(told.body, /^event: progress\n.*\n\nevent: output\n/);
  await server.close();
});

test("a host beyond loopback needs TLS or a proxy that has it", () => {
  const { host } = createFakeHost();
  for (const address of ["0.0.0.0", "::", "192.168.1.5", "example.org", "127.0.0.1.evil.example"]) {
    const make = () => createHttpServer(host, { host: address, port: 0 });
    assert.throws(make, { code: "BIND_NEEDS_TLS" }, address);
  }
  for (const address of ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
    assert.ok(isLoopback(address), address);
  createHttpServer(host, { host: "0.0.0.0", port: 0, behindProxy: ["10.0.0.0/8"] });
});

test("a port that is taken says who has it", async (t) => {
  await using first = await openTestDoor();
  const { host } = createFakeHost();
  const second = createHttpServer(host, { port: first.port });
  await assert.rejects(second.listen(), (error: { code: string; message: string }) => {
    assert.equal(error.code, "PORT_TAKEN");
    assert.match(error.message, /taken by another convergio/);
    if (process.platform === "linux") assert.ok(error.message.includes(`pid ${process.pid}`));
    else t.diagnostic("names of processes are looked for on Linux only in this test");
    return true;
  });
  const other = createNetServer((socket) => socket.end("hello\r\n")).listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  await assert.rejects(createHttpServer(host, { port }).listen(), (error: Error) => {
    assert.doesNotMatch(error.message, /convergio/);
    return true;
  });
  const web = createServer((_, response) => response.end("{}")).listen(0, "127.0.0.1");
  await once(web, "listening");
  const at = web.address() as { port: number };
  await assert.rejects(createHttpServer(host, { port: at.port }).listen(), (error: Error) => {
    assert.doesNotMatch(error.message, /convergio/);
    return true;
  });
  other.close();
  web.close();
});

test("an address that this machine does not have is said to be so", async () => {
  const { host } = createFakeHost();
  const server = createHttpServer(host, {
    host: "192.0.2.1",
    port: 0,
    behindProxy: ["10.0.0.0/8"],
  });
  await assert.rejects(server.listen(), { code: "BIND_FAILED" });
});

test("a socket left by a killed host is taken over, one that answers is not", async () => {
  await using folder = await temporaryFolder();
  const socketPath = join(folder.path, "host.sock");
  const { host } = createFakeHost();
  // A child that is killed leaves its socket behind.
  const program = `require("node:net").createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, "SIGKILL"))`;
  assert.throws(() => execFileSync(process.execPath, ["-e", program], { stdio: "ignore" }));
  assert.ok(statSync(socketPath).isSocket());
  const first = createHttpServer(host, { port: 0, socketPath });
  await first.listen();
  const second = createHttpServer(host, { port: 0, socketPath });
  await assert.rejects(second.listen(), { code: "SOCKET_TAKEN" });
  await first.close();
  assert.throws(() => statSync(socketPath), { code: "ENOENT" });
});

test("a file in the place of the socket is left alone, and a path that is too long refused", async () => {
  await using folder = await temporaryFolder();
  const socketPath = join(folder.path, "host.sock");
  writeFileSync(socketPath, "kept");
  const { host } = createFakeHost();
  const server = createHttpServer(host, { port: 0, socketPath });
  await assert.rejects(server.listen(), { code: "BIND_FAILED" });
  assert.equal(statSync(socketPath).size, 4);
  const long = createHttpServer(host, { port: 0, socketPath: `/tmp/${"x".repeat(120)}` });
  await assert.rejects(long.listen(), { code: "BIND_FAILED" });
});

test("TLS is served, remembered by browsers, and its certificate replaced while it runs", async () => {
  await using folder = await temporaryFolder();
  const first = makeCertificate(folder.path, "first");
  const second = makeCertificate(folder.path, "second");
  const files = { certFile: join(folder.path, "c.pem"), keyFile: join(folder.path, "k.pem") };
  const put = (from: typeof first) => {
    writeFileSync(files.certFile, execFileSync("cat", [from.certFile]));
    writeFileSync(files.keyFile, execFileSync("cat", [from.keyFile]));
  };
  put(first);
  await using door = await openTestDoor({ tls: files });
  assert.match(door.server.url, /^https:/);
  const before = await shown(door.port);
  assert.equal(before.status, 200);
  assert.equal(before.name, "first");
  assert.equal(before.headers["strict-transport-security"], "max-age=31536000");
  put(second);
  door.server.reloadTls();
  assert.equal((await shown(door.port)).name, "second");
  writeFileSync(files.keyFile, execFileSync("cat", [first.keyFile]));
  assert.throws(() => door.server.reloadTls(), { code: "TLS_INVALID" });
  writeFileSync(files.certFile, "no certificate");
  assert.throws(() => door.server.reloadTls(), { code: "TLS_INVALID" });
  assert.equal((await shown(door.port)).name, "second");
});

test("a certificate that cannot be read stops the start, without a path in the words", async () => {
  const { host } = createFakeHost();
  const tls = { certFile: "/nowhere/a.pem", keyFile: "/nowhere/b.pem" };
  const server = createHttpServer(host, { port: 0, tls });
  await assert.rejects(server.listen(), (error: { code: string; message: string }) => {
    assert.equal(error.code, "TLS_INVALID");
    assert.doesNotMatch(error.message, /nowhere/);
    return true;
  });
});

test("headers that never end, a body that never comes and a flood of headers are cut off", async () => {
  await using door = await openTestDoor({ headersTimeoutMs: 200, requestTimeoutMs: 400 });
  const key = door.fake.keyWith(["invoke"]);
  const at = `host: localhost:${door.port}\r\n`;
  assert.match(await door.raw("GET /health/live HTTP/1.1\r\n"), /^HTTP\/1\.1 408 /);
  const slow = `POST /plugins/vowels/invoke HTTP/1.1\r\n${at}authorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"in`;
  assert.match(await door.raw(slow), /^HTTP\/1\.1 408 [\s\S]*"REQUEST_TIMEOUT"/);
  const flood = `GET /health/live HTTP/1.1\r\n${at}${"x: y\r\n".repeat(200)}connection: close\r\n\r\n`;
  assert.match(await door.raw(flood), /^HTTP\/1\.1 431 [\s\S]*"HEADERS_TOO_LARGE"/);
  const huge = `GET /health/live HTTP/1.1\r\n${at}x: ${"y".repeat(20_000)}\r\n\r\n`;
  assert.match(await door.raw(huge), /^HTTP\/1\.1 431 [\s\S]*"HEADERS_TOO_LARGE"/);
  assert.deepEqual(door.fake.calls, []);
});

test("what is no HTTP, and what two readers would read in two ways, is refused", async () => {
  await using door = await openTestDoor();
  const at = `host: localhost:${door.port}\r\n`;
  for (const text of [
    "hello\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    `POST /plugins HTTP/1.1\r\n${at}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    `POST /plugins HTTP/1.1\r\n${at}content-length: 4\r\ncontent-length: 5\r\n\r\nabcd`,
    `GET / HTTP/1.1\r\n${at}x : y\r\n\r\n`,
    `GET / HTTP/1.1\r\n${at}x: a\rb\r\n\r\n`,
  ])
    assert.match(await door.raw(text), /^HTTP\/1\.1 400 /, JSON.stringify(text));
});

test("the host is no proxy, and speaks no other protocol on request", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["admin"]);
  const at = `host: localhost:${door.port}\r\nauthorization: Bearer ${key}\r\n`;
  assert.equal(await door.raw(`CONNECT evil.example:80 HTTP/1.1\r\n${at}\r\n`), "");
  const other = `GET http://evil.example/plugins HTTP/1.1\r\n${at}connection: close\r\n\r\n`;
  assert.match(await door.raw(other), /^HTTP\/1\.1 400 [\s\S]*not a path/);
  const upgrade =
    "connection: upgrade, close\r\nupgrade: websocket\r\norigin: http://evil.example\r\n";
  const page = `GET /plugins HTTP/1.1\r\n${at}${upgrade}\r\n`;
  assert.match(await door.raw(page), /^HTTP\/1\.1 403 [\s\S]*ORIGIN_REFUSED/);
  assert.match(await door.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), /^HTTP\/1\.1 400 /);
});

test("a client that asks first sends its body only after its key was taken", async () => {
  await using door = await openTestDoor();
  const key = door.fake.keyWith(["invoke"]);
  const ask = async (headers: Record<string, string>) => {
    const seen = { continued: false };
    const request = requestHttp({
      port: door.port,
      method: "POST",
      path: "/plugins/vowels/invoke",
      agent: false,
      headers: { "content-type": "application/json", expect: "100-continue", ...headers },
    });
    request.flushHeaders();
    request.on("continue", () => {
      seen.continued = true;
      request.end('{"input":1}');
    });
    const [response] = await once(request, "response");
    response.resume();
    request.destroy();
    return { ...seen, status: response.statusCode };
  };
  assert.deepEqual(await ask({}), { continued: false, status: 401 });
  const told = await ask({ authorization: `Bearer ${key}` });
  assert.deepEqual(told, { continued: true, status: 200 });
});

test("a refused upload is not read on", async () => {
  await using door = await openTestDoor();
  const body = Buffer.alloc(200_000);
  const told = await door
    .ask({ path: "/plugins", body, type: "application/gzip" })
    .catch(() => null);
  // The connection may end before the client has read the answer; either way the body is not taken.
  if (told !== null) {
    assertProblem(told, "KEY_MISSING", 401);
    assert.equal(told.headers.connection, "close");
  }
  assert.deepEqual(door.fake.acts, []);
});

test("close() lets a running call answer, ends idle connections, and drains the host once", async () => {
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const fake = createFakeHost(["vowels"], async () => {
    begun.resolve();
    await gate.promise;
    return { output: { encoding: "json", bytes: Buffer.from("7") } };
  });
  const drain = fake.host.drain;
  fake.host.drain = async (graceMs) => {
    gate.resolve();
    await sleep(20);
    return drain(graceMs);
  };
  const door = await openTestDoor({ graceMs: 1_234 }, fake);
  const key = fake.keyWith(["invoke", "read"]);
  // One connection idles, one never said anything, one has a call on it.
  const agent = new Agent({ keepAlive: true });
  const headers = { authorization: `Bearer ${key}` };
  const idle = requestHttp({ port: door.port, path: "/plugins", headers, agent }).end();
  const [idled] = await once(idle, "response");
  idled.resume();
  const silent = connect(door.port, "127.0.0.1");
  await once(silent, "connect");
  const running = door.ask({ path: "/plugins/vowels/invoke", json: { input: 1 }, key });
  await begun.promise;
  const closing = door.server.close();
  assert.equal((await running).json.output, 7);
  await closing;
  assert.deepEqual(fake.acts, ["drain 1234"]);
  await assert.rejects(door.ask({ path: "/health/live" }), { code: "ECONNREFUSED" });
  agent.destroy();
  silent.destroy();
  await door[Symbol.asyncDispose]();
});

test("close() ends streams that would never end by themselves", async () => {
  const door = await openTestDoor();
  const key = door.fake.keyWith(["logs"]);
  const following = door.ask({
    path: "/plugins/vowels/logs?limit=1",
    headers: { accept: "text/event-stream" },
    key,
  });
  while (!door.fake.acts.includes("follow vowels")) await sleep(5);
  await door.server.close();
  await following.catch(() => null);
  assert.ok(door.fake.acts.includes("unfollow vowels"));
  await door[Symbol.asyncDispose]();
});

test("the mode of the folder is the caller's: a socket in it is only ever the owner's", async () => {
  await using folder = await temporaryFolder();
  chmodSync(folder.path, 0o755);
  const socketPath = join(folder.path, "host.sock");
  const server = createHttpServer(createFakeHost().host, { port: 0, socketPath });
  await server.listen();
  assert.equal(statSync(socketPath).mode & 0o777, 0o600);
  await server.close();
});
