import { once } from "node:events";
import { type IncomingMessage, request as send } from "node:http";
import { broken, type Drill, held, type Outcome } from "./drill.ts";
import type { Ground } from "./ground.ts";
import { driller } from "./practice.ts";

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Returns the status of a request over the wire. */
async function statusOf(ground: Ground, sent: Sent): Promise<number> {
  const { method = "GET", path = "/plugins", headers = {}, body = "" } = sent;
  const url = new URL(path, ground.server.url);
  const request = send(url, { method, headers: { connection: "close", ...headers } });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "close");
  return response.statusCode ?? 0;
}

/** A request that must get one status. */
function answers(status: number, sent: Sent, scopes?: readonly string[]): Drill["run"] {
  return async (ground) => {
    const headers = { ...(scopes && (await keyWith(ground, scopes))), ...sent.headers };
    const found = await statusOf(ground, { ...sent, headers });
    return found === status ? held(`${found}`) : broken(`it was answered with ${found}`);
  };
}

async function keyWith(
  ground: Ground,
  scopes: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const { secret } = await ground.host.keys.create(driller, {
    ...{ owner: "drill", name: "drill", scopes },
  });
  return { authorization: `Bearer ${secret}` };
}

/** What a key for calls must not do, whatever it sends. */
const widening: readonly Sent[] = [
  {
    method: "PUT",
    path: "/plugins/local%2Fneighbor/grants",
    body: '{"grants":1,"kv":{"quota":"1MiB"}}',
  },
  { method: "POST", path: "/keys", body: '{"owner":"x","name":"x","scopes":["admin"]}' },
  { method: "POST", path: "/plugins", body: '{"path":"/tmp"}' },
  { method: "DELETE", path: "/plugins/local%2Fneighbor" },
  { method: "PUT", path: "/secrets/x", body: '{"value":"x"}' },
  { method: "GET", path: "/audit" },
];

async function widen(ground: Ground): Promise<Outcome> {
  const key = await keyWith(ground, ["invoke"]);
  const headers = { ...key, "content-type": "application/json" };
  for (const sent of widening) {
    const status = await statusOf(ground, { ...sent, headers });
    // A door that is not there lets nobody in either.
    if (status !== 403 && status !== 404) return broken(`${sent.method} ${sent.path}: ${status}`);
  }
  return held(`${widening.length} requests of a key for calls were refused`);
}

const invoking = { method: "POST", path: "/plugins/local%2Fneighbor/invoke" } as const;
const calling = { method: "POST", path: "/plugins/local%2Fpauper/invoke" } as const;
const json = { "content-type": "application/json" } as const;

/** Attacks on the door over HTTP, by web pages and by keys that hold little. */
export const doorDrills: readonly Drill[] = [
  {
    name: "web page by another name",
    rule: "A request that names another host is refused, so that no name can be rebound to this one",
    run: answers(421, { headers: { host: "evil.example" } }, ["read"]),
  },
  {
    name: "web page of another origin",
    rule: "A page of another site cannot call the host, even with a key",
    run: answers(403, { headers: { origin: "https://evil.example" } }, ["read"]),
  },
  {
    name: "form of a web page",
    rule: "What a page can send without asking is no call",
    run: answers(415, { ...invoking, headers: { "content-type": "text/plain" }, body: "{}" }, [
      "invoke",
    ]),
  },
  {
    name: "request without a key",
    rule: "Nothing is answered without a key",
    run: answers(401, {}),
  },
  {
    name: "key that is none",
    rule: "A key that nobody made opens nothing",
    run: answers(401, { headers: { authorization: `Bearer cvg_${"x".repeat(40)}` } }),
  },
  {
    name: "oversized body",
    rule: "A body has a largest size, which is checked before it is read",
    run: answers(413, { ...invoking, headers: { ...json, "content-length": `${2 ** 40}` } }, [
      "invoke",
    ]),
  },
  {
    name: "key for another plugin",
    rule: "A key for one plugin calls no other",
    run: answers(403, { ...calling, headers: json, body: '{"tool":"kv_get","input":"{}"}' }, [
      "invoke:local/neighbor",
    ]),
  },
  {
    name: "key that widens grants",
    rule: "A key for calls cannot grant, install, remove, read the audit or make keys",
    run: widen,
  },
];
