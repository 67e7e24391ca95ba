/** First-party plugins with everything that they ask for, against servers that speak the real protocols. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { grantsAsked } from "#manifests/asked.ts";
import { plainTerms } from "#manifests/capabilities/terms.ts";
import type { Grants } from "#manifests/grants.ts";
import type { Uses } from "#manifests/uses.ts";
import { owner } from "#runtime/keys.ts";
import { createCertificates } from "#test/support/certificates.ts";
import { type Answering, farServer } from "#test/support/far-server.ts";
import { codeOf, openTestHost } from "#test/support/host.ts";
import { proxyTo } from "#test/support/proxy.ts";
import { root } from "../../plugins/command.ts";
import { missing } from "../plugins/yardstick.ts";

const token = "token-3f9a61c07be248d5-of-the-operator";
const publicAddress = "93.184.216.34";

/** A host whose plugins reach one server under every name, with a secret for one origin. */
async function opened(name: string, answering: Answering) {
  await using undo = new AsyncDisposableStack();
  const certificates = undo.use(await createCertificates());
  const far = undo.use(await farServer(answering, await certificates.make(`DNS:${name}`)));
  const proxy = undo.use(await proxyTo(far.port));
  const host = undo.use(
    await openTestHost({
      resolve: async () => [publicAddress],
      settings: { "network.proxy": proxy.origin, "network.extraCas": certificates.authority },
    }),
  );
  const audience = [`https://${name}`];
  const wish = { value: token, audience, wildcard: false, force: false };
  await host.host.secrets.set("mine", wish, owner);
  const held = undo.move();
  return { ...host, far, proxy, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

type Opened = Awaited<ReturnType<typeof opened>>;

/** Installs a plugin of the project with these grants of all that it asks for. */
async function install({ host }: Opened, id: string, given: (all: Grants) => Grants) {
  const all = (uses: Uses): Grants => ({
    ...grantsAsked(uses, () => null),
    secrets: uses.secrets.map(({ name }) => ({
      ...{ name, secret: "mine", mode: "inject" as const },
      ...plainTerms("direct"),
    })),
  });
  await host.install({
    caller: owner,
    source: { kind: "path", path: `${root}plugins/${id}` },
    consent: async (_, { manifest }) => ({ by: owner, grants: given(all(manifest.uses)) }),
  });
}

async function invoke({ host }: Opened, plugin: string, tool: string, input: unknown) {
  const json = JSON.stringify(input);
  const { output } = await host.call({ caller: owner, plugin, tool, input: { json } });
  return { value: JSON.parse(Buffer.from(output.bytes).toString()) as unknown };
}

const everything = (all: Grants): Grants => all;

test("web-fetch fetches with a token that it never sees, and keeps what it fetched", {
  skip: await missing("web-fetch"),
}, async () => {
  await using to = await opened("api.wikimedia.org", (seen, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<title>Earth</title><p>${seen.headers.authorization} said</p>`);
  });
  await install(to, "web-fetch", everything);
  const first = await invoke(to, "web-fetch", "page", { title: "Earth" });
  assert.equal(to.far.seen[0]?.url, "/core/v1/wikipedia/en/page/Earth/html");
  assert.equal(to.far.seen[0]?.headers.authorization, `Bearer ${token}`);
  const { text, fromCache } = first.value as { text: string; fromCache: boolean };
  assert.match(text, /^Bearer .*said$/);
  assert(!text.includes(token), text);
  assert.equal(fromCache, false);
  assert.deepEqual(to.proxy.named, [`${publicAddress}:443`]);
  const second = await invoke(to, "web-fetch", "page", { title: "Earth" });
  assert.equal((second.value as { fromCache: boolean }).fromCache, true);
  assert.equal(to.far.seen.length, 1);
  await invoke(to, "web-fetch", "page", { title: "Earth", fresh: true });
  assert.equal(to.far.seen.length, 2);
});

test("web-fetch goes on without what was refused, and reaches nothing beyond it", {
  skip: await missing("web-fetch"),
}, async () => {
  await using to = await opened("api.wikimedia.org", (_, response) => {
    response.setHeader("content-type", "text/plain");
    response.end("plain");
  });
  await install(to, "web-fetch", (all) => ({ ...all, files: [], secrets: [] }));
  for (const _ of [1, 2]) {
    const { value } = await invoke(to, "web-fetch", "page", { title: "Mars" });
    assert.deepEqual(
      [(value as { text: string }).text, (value as { fromCache: boolean }).fromCache],
      ["plain", false],
    );
  }
  assert.deepEqual(
    to.far.seen.map(({ headers }) => headers.authorization),
    [undefined, undefined],
  );
  for (const url of ["https://api.wikimedia.org/other", "https://example.org/core/"])
    assert.equal(await codeOf(invoke(to, "web-fetch", "fetch", { url })), "PLUGIN_ERROR");
  assert.equal(to.far.seen.length, 2);
});

test("github-issues acts as the operator, and a tool marked readOnly cannot post", {
  skip: await missing("github-issues"),
}, async () => {
  await using to = await opened("api.github.com", (seen, response) => {
    response.setHeader("content-type", "application/json");
    const issue = { number: 7, html_url: "https://github.com/a/b/issues/7", title: "t" };
    response.statusCode = seen.method === "POST" ? 201 : 200;
    response.end(JSON.stringify(seen.method === "POST" ? issue : [issue]));
  });
  await install(to, "github-issues", everything);
  const { value } = await invoke(to, "github-issues", "list", { repository: "a/b" });
  assert.equal((value as { issues: { number: number }[] }).issues[0]?.number, 7);
  const opening = { repository: "a/b", title: "t", body: "b" };
  assert.deepEqual((await invoke(to, "github-issues", "open", opening)).value, {
    number: 7,
    url: "https://github.com/a/b/issues/7",
  });
  assert.deepEqual(
    to.far.seen.map(({ method, headers }) => [method, headers.authorization]),
    [
      ["GET", `Bearer ${token}`],
      ["POST", `Bearer ${token}`],
    ],
  );
});

test("github-issues without POST can only read", {
  skip: await missing("github-issues"),
}, async () => {
  await using to = await opened("api.github.com", (_, response) => void response.end("[]"));
  const reading = ({ methods }: Grants["network"][number]): boolean => !methods.includes("POST");
  await install(to, "github-issues", (all) => ({ ...all, network: all.network.filter(reading) }));
  await invoke(to, "github-issues", "list", { repository: "a/b" });
  const opening = { repository: "a/b", title: "t" };
  assert.equal(await codeOf(invoke(to, "github-issues", "open", opening)), "PLUGIN_ERROR");
  assert.deepEqual(
    to.far.seen.map(({ method }) => method),
    ["GET"],
  );
});
