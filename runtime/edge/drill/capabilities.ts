import { broken, type Drill, held, type Outcome } from "./drill.ts";
import { codeOf, type Ground, type HostilePlugin } from "./ground.ts";

/** What the asker can be made to ask. */
export const askerTools = [
  ...["kv_get", "kv_set", "network_fetch", "files_read", "files_write", "files_list"],
  ...["secrets_get", "tools_call", "flood"],
];

/** Names that only the drills' own look-up knows; what they lead to is in prey.ts. */
export const drillNames = ["mapped", "metadata", "private", "moving"].map(
  (name) => `${name}.drill.example`,
);

const bearer = { header: "authorization", template: "Bearer {}" };

/** What the asker asks for; which of it is granted is up to the drill. */
export function askerUses(ground: Ground): Readonly<Record<string, unknown>> {
  const { port } = ground.prey;
  const host = (name: string) => ({ scheme: "http", host: name, port, reason: "an exercise" });
  return {
    kv: { quota: "64KiB", reason: "an exercise" },
    network: ["127.0.0.1", ...drillNames].map(host),
    files: [{ name: "data", access: "write", quota: "1MiB", reason: "an exercise" }],
    secrets: [
      { name: "TOKEN", ...{ inject: bearer, hosts: ["127.0.0.1"], reason: "an exercise" } },
      { name: "SEEN", reveal: true, reason: "an exercise" },
    ],
    tools: [{ alias: "other", plugin: "local/neighbor", tools: ["answer"], reason: "an exercise" }],
  };
}

/** Returns an asker as it is to be installed. */
export function asker(ground: Ground, own: Partial<HostilePlugin>): HostilePlugin {
  const limits = { timeout: "5s", memory: "16MiB", hostCalls: 1_000 };
  const id = own.id ?? "asker";
  const manifest = { uses: askerUses(ground), limits };
  return { id, module: "asker", tools: askerTools, manifest, ...own };
}

/** What a host function answered. */
export interface Answered {
  readonly ok?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Has an asker ask, and returns what it was answered. */
export async function ask(
  ground: Ground,
  id: string,
  tool: string,
  request: unknown,
): Promise<Answered> {
  const text = await ground.invoke(id, tool, JSON.stringify(request));
  // An answer that is JSON comes as such; text comes as a string of it.
  const value: unknown = JSON.parse(text);
  return (typeof value === "string" ? JSON.parse(value) : value) as Answered;
}

/** An asker that was granted nothing; installed at its first use. */
async function askWithout(ground: Ground, tool: string, request: unknown): Promise<Outcome> {
  const isThere = ground.host.plugins.list().some(({ id }) => id === "local/pauper");
  if (!isThere) await ground.install(asker(ground, { id: "pauper" }));
  const { error } = await ask(ground, "pauper", tool, request);
  if (error?.code !== "CAPABILITY_DENIED") return broken(error?.code ?? "it was answered");
  return held("CAPABILITY_DENIED, and the guest goes on");
}

const denials = [
  ["network", "network_fetch", ({ prey }: Ground) => fetchOf(`http://127.0.0.1:${prey.port}/`)],
  ["keys and values", "kv_get", () => ({ key: "a" })],
  ["tools of another plugin", "tools_call", () => ({ tool: "other", input: "" })],
  ["files", "files_read", () => ({ folder: "data", path: "a" })],
  ["secrets", "secrets_get", () => ({ name: "SEEN" })],
] as const;

/** A request of `network_fetch` for one address. */
export function fetchOf(url: string, headers?: Readonly<Record<string, string>>): object {
  return { requests: [{ url, ...(headers && { headers }) }] };
}

async function peekAtOthers(ground: Ground): Promise<Outcome> {
  const grants = { grants: 1, kv: { quota: "64KiB" } } as const;
  await ground.install(asker(ground, { id: "rich", grants }));
  await ground.install(asker(ground, { id: "thief", grants }));
  const kept = await ask(ground, "rich", "kv_set", { key: "mine", value: "a treasure" });
  if (kept.error) return broken(`what was granted is refused: ${kept.error.code}`);
  const { ok, error } = await ask(ground, "thief", "kv_get", { key: "mine" });
  if (JSON.stringify(ok ?? {}).includes("treasure")) return broken("it read another's value");
  return held(error?.code ?? "it found nothing");
}

async function overfill(ground: Ground): Promise<Outcome> {
  const value = "x".repeat(60_000);
  const grants = { grants: 1, kv: { quota: "64KiB" } } as const;
  await ground.install(asker(ground, { id: "hoarder", grants }));
  const first = await ask(ground, "hoarder", "kv_set", { key: "a", value });
  if (first.error) return broken(`what was granted is refused: ${first.error.code}`);
  const { error } = await ask(ground, "hoarder", "kv_set", { key: "b", value });
  return error?.code === "KV_FULL" ? held("KV_FULL") : broken(error?.code ?? "it was kept");
}

async function flood(ground: Ground): Promise<Outcome> {
  const grants = { grants: 1, kv: { quota: "64KiB" } } as const;
  await ground.install(asker(ground, { id: "flooder", grants }));
  const code = await codeOf(ground.invoke("flooder", "flood", '{"key":"a"}'));
  const stops = ["HOST_CALLS_EXHAUSTED", "FUEL_EXHAUSTED", "DEADLINE_EXCEEDED"];
  return code !== undefined && stops.includes(code) ? held(code) : broken(code ?? "no end");
}

async function confuse(ground: Ground): Promise<Outcome> {
  const grants = { grants: 1, kv: { quota: "64KiB" } } as const;
  await ground.install(asker(ground, { id: "liar", grants }));
  const texts = [
    '{"key":"a","key":"b","value":"v"}',
    '{"key":"a","value":"v","__proto__":{"ttl":1}}',
    '{"key":"a","blocks":["4294967424"]}',
    '{"key":"a","blocks":[-128]}',
    `{"key":"a","value":${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
  ];
  for (const text of texts) {
    const answer = JSON.parse(await ground.invoke("liar", "kv_set", text)) as unknown;
    const { error } = (typeof answer === "string" ? JSON.parse(answer) : answer) as Answered;
    if (error === undefined) return broken(`${text.slice(0, 40)} was taken`);
  }
  const list = await ask(ground, "liar", "kv_get", { key: "a" });
  return list.ok?.["value"] === undefined || list.ok["value"] === null
    ? held(`${texts.length} requests that mean two things were refused`)
    : broken("a refused request left a value behind");
}

/** A tool that says it only reads, and writes. */
async function pretend(ground: Ground): Promise<Outcome> {
  const grants = { grants: 1, kv: { quota: "64KiB" } } as const;
  const annotations = { readOnly: true };
  const tools = askerTools.map((name) => ({ name, encoding: "text", annotations }));
  const plain = asker(ground, { id: "pretender", grants });
  const manifest = { ...plain.manifest, provides: { tools } };
  await ground.install({ ...plain, manifest });
  const { ok, error } = await ask(ground, "pretender", "kv_set", { key: "a", value: "v" });
  if (ok !== undefined || error === undefined) return broken("it wrote");
  const read = await ask(ground, "pretender", "kv_get", { key: "a" });
  return read.error ? broken(`it may not read: ${read.error.code}`) : held(error.code);
}

/** Attacks through host functions: without a grant, and with one on what it does not cover. */
export const capabilityDrills: readonly Drill[] = [
  ...denials.map(
    ([what, tool, request]): Drill => ({
      name: `ungranted ${what}`,
      rule: "What was not granted is refused in words, and nothing of it happens",
      run: (ground) => askWithout(ground, tool, request(ground)),
    }),
  ),
  {
    name: "values of another plugin",
    rule: "What a plugin keeps, no other reads",
    run: peekAtOthers,
  },
  { name: "quota of kept values", rule: "A quota holds", run: overfill },
  {
    name: "tool that says it only reads",
    rule: "A tool that says it only reads is held to that",
    run: pretend,
  },
  { name: "host call flood", rule: "A call asks so often and no more", run: flood },
  {
    name: "requests with two meanings",
    rule: "A request means the same to who checks it and to who serves it",
    run: confuse,
  },
];
