import type { NetworkGrant } from "#manifests/capabilities/network.ts";
import { ask, asker, type Answered, drillNames, fetchOf } from "./capabilities.ts";
import { broken, type Drill, held, type Outcome } from "./drill.ts";
import type { Ground } from "./ground.ts";

/** A plugin that may reach the open prey, and every name of the drills, by GET. */
async function prowler(ground: Ground): Promise<void> {
  if (ground.host.plugins.list().some(({ id }) => id === "local/prowler")) return;
  const { port } = ground.prey;
  const grant = (host: string, addresses?: string[]) => ({
    ...({ scheme: "http", host, port, path: "/" } satisfies Partial<NetworkGrant>),
    ...{ methods: ["GET" as const], ...(addresses && { addresses }) },
  });
  const named = drillNames.map((name) =>
    grant(name, name.startsWith("moving") ? ["127.0.0.1/32"] : undefined),
  );
  const grants = { grants: 1 as const, network: [grant("127.0.0.1"), ...named] };
  await ground.install(asker(ground, { id: "prowler", grants }));
}

/** Sends one request and returns the code that it was refused with, or undefined when it was answered. */
async function refusalOf(
  ground: Ground,
  url: string,
  headers?: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  await prowler(ground);
  const { ok, error } = await ask(ground, "prowler", "network_fetch", fetchOf(url, headers));
  const [response] = (ok?.["responses"] ?? []) as readonly Answered[];
  return error?.code ?? response?.error?.code;
}

/** A request that must be refused, without anything that comes in where nothing may. */
function refused(url: (ground: Ground) => string): Drill["run"] {
  return async (ground) => {
    const before = ground.prey.caught.length;
    const code = await refusalOf(ground, url(ground));
    const [caught] = ground.prey.caught.slice(before);
    if (caught !== undefined) return broken(`${caught} came in`);
    return code === undefined ? broken("it was answered") : held(code);
  };
}

const at =
  (host: string, path = "/") =>
  ({ prey }: Ground): string =>
    `http://${host}:${prey.port}${path}`;

async function allowedAnswers(ground: Ground): Promise<Outcome> {
  const code = await refusalOf(ground, at("127.0.0.1")(ground));
  return code === undefined ? held("what was granted is answered") : broken(code);
}

async function smuggleHeaders(ground: Ground): Promise<Outcome> {
  const url = at("127.0.0.1")(ground);
  const hostile: readonly Readonly<Record<string, string>>[] = [
    { "x-a": "b\r\nx-evil: 1" },
    { "x-a": "b\nx-evil: 1" },
    { "x-a\r\nx-evil": "1" },
    { host: "evil.example" },
    { "transfer-encoding": "chunked" },
    { "content-length": "5" },
    { connection: "x-evil" },
    { "proxy-authorization": "Basic x" },
  ];
  for (const headers of hostile) {
    const code = await refusalOf(ground, url, headers);
    const names = ground.prey.lastHeaders().map((line) => line.toLowerCase());
    if (names.includes("x-evil") || names.includes("evil.example"))
      return broken(`${JSON.stringify(headers)} was sent`);
    if (code === undefined) return broken(`${JSON.stringify(headers)} was taken`);
  }
  return held(`${hostile.length} hostile headers were refused`);
}

async function rebind(ground: Ground): Promise<Outcome> {
  const url = at("moving.drill.example", "/moved")(ground);
  const first = await refusalOf(ground, url);
  const { length } = ground.prey.caught;
  if (length > 0) return broken(`${ground.prey.caught[length - 1]} came in`);
  if (first === undefined) return broken("the redirect was followed to another address");
  return held(first);
}

/** Attacks through requests that were granted, on where they may not lead. */
export const networkDrills: readonly Drill[] = [
  {
    name: "granted request",
    rule: "What was granted works, so that a refusal below means something",
    run: allowedAnswers,
  },
  {
    name: "redirect to another port",
    rule: "Each redirect is checked like a request of its own",
    run: refused(at("127.0.0.1", "/to-port")),
  },
  {
    name: "redirect to metadata",
    rule: "The address where clouds hand out credentials is out of reach",
    run: refused(at("127.0.0.1", "/to-metadata")),
  },
  {
    name: "redirect to a file",
    rule: "A redirect leads to https or http and to nothing else",
    run: refused(at("127.0.0.1", "/to-file")),
  },
  {
    name: "redirects without end",
    rule: "Redirects are counted",
    run: refused(at("127.0.0.1", "/again")),
  },
  {
    name: "name of a private address",
    rule: "A name that leads to a private address is refused unless that was named",
    run: refused(at("private.drill.example")),
  },
  {
    name: "name of the metadata address",
    rule: "A name that leads to the metadata address is refused",
    run: refused(at("metadata.drill.example")),
  },
  {
    name: "IPv4 inside IPv6",
    rule: "An address is the same in every form that it can be written in",
    run: refused(at("mapped.drill.example")),
  },
  {
    name: "address in octal",
    rule: "A host that programs read in two ways is refused",
    run: refused(({ prey }) => `http://0177.0.0.1:${prey.secretPort}/`),
  },
  {
    name: "user before the host",
    rule: "A URL with userinfo is refused",
    run: refused(({ prey }) => `http://127.0.0.1:${prey.port}@127.0.0.1:${prey.secretPort}/`),
  },
  {
    name: "DNS rebinding",
    rule: "A name that leads elsewhere the second time is checked again",
    run: rebind,
  },
  {
    name: "compressed bomb",
    rule: "A body is bounded by what it unpacks to",
    run: refused(at("127.0.0.1", "/bomb")),
  },
  {
    name: "header injection",
    rule: "A header cannot hold another, nor one that is the host's",
    run: smuggleHeaders,
  },
];
