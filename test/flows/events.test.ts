/** What an operator hears of a real host, through the web hook and the program that the settings name. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostEvent } from "#manifests/events.ts";
import { signatureOf } from "#runtime/events/web-hook.ts";
import { owner } from "#runtime/keys.ts";
import { temporaryFolder } from "#test/support/home.ts";
import { codeOf, openTestHost } from "#test/support/host.ts";

const secret = "a secret that is long enough";
const tenDaysMs = 10 * 86_400_000;

test("events of a host reach its web hook, signed, and its program", async () => {
  await using folder = await temporaryFolder();
  const got: { event: HostEvent; isSigned: boolean }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const timestamp = String(request.headers["convergio-timestamp"]);
    const expected = signatureOf(Buffer.from(secret), timestamp, body);
    const isSigned = request.headers["convergio-signature"] === expected;
    got.push({ event: JSON.parse(body), isSigned });
    response.writeHead(204).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const [secretFile, program, out] = ["secret", "program", "out"].map((name) =>
    join(folder.path, name),
  ) as [string, string, string];
  await writeFile(secretFile, `${secret}\n`);
  await writeFile(program, `#!/bin/sh\ncat >> ${out}\n`);
  await chmod(program, 0o700);
  {
    await using host = await openTestHost({
      settings: {
        "events.url": `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
        "events.secretFile": secretFile,
        "events.command": program,
      },
    });
    const wish = { owner: "ada", name: "one", scopes: ["read"], days: 10 };
    const { key } = await host.host.keys.create(owner, wish);
    assert.ok(Date.parse(key.expiresAt) - Date.now() <= tenDaysMs);
    await host.host.keys.revoke(owner, key.id);
    const written = () => readFile(out, "utf8").catch(() => "");
    for (let tries = 0; tries < 200 && (got.length < 1 || (await written()) === ""); tries++)
      await sleep(25);
    assert.equal(got[0]?.isSigned, true);
    assert.deepEqual([got[0]?.event.kind, got[0]?.event.subject], ["revoked", `key ${key.id}`]);
    const [line = ""] = (await written()).split("\n");
    assert.deepEqual(JSON.parse(line), got[0]?.event);
  }
  server.close();
});

test("a host whose web hook has no secret, or a short one, does not start", async () => {
  await using folder = await temporaryFolder();
  const short = join(folder.path, "short");
  await writeFile(short, "short");
  const url = { "events.url": "https://hooks.example/" } as const;
  for (const settings of [
    url,
    { ...url, "events.secretFile": short },
    { ...url, "events.secretFile": join(folder.path, "missing") },
  ])
    assert.equal(await codeOf(openTestHost({ settings })), "FILE_UNUSABLE");
});
