import { isAbsolute } from "node:path";
import { methodsBeyond } from "#manifests/cover.ts";
import { HostError } from "#manifests/errors.ts";
import { type GrantsText, parseGrants } from "#manifests/grants.ts";
import type { AskedEntry, ConsentAsk } from "../../consent/asked.ts";
import { untrustedLine, untrustedName } from "../../untrusted.ts";
import { allOf, type Decisions, folderOffer, nameOf, secretOffer } from "./choosing.ts";
import type { Door } from "./door.ts";
import { canBeMade, makeSecret } from "./new-secret.ts";
import type { World } from "./world.ts";

/** An offer as it was decided, or undefined for no. */
type Decided = Promise<GrantsText | undefined>;
type Offered<Name extends "network" | "files" | "tools"> = NonNullable<GrantsText[Name]>[number];

/** Who is asked, about what, and what was decided with options already. */
export interface Asking {
  readonly world: World;
  readonly door: Door;
  readonly ask: ConsentAsk;
  readonly decisions: Decisions;
}

/** Asks only what a yes to everything leaves open: which secret, and which folder to read. */
export async function askOpen(asking: Asking): Promise<GrantsText> {
  return askAll(asking, (entry) => {
    if (entry.capability === "secrets") return whichSecret(asking, entry);
    const isRead = entry.offer.files?.some(({ access }) => access === "read") ?? false;
    return isRead ? whichFolder(asking, entry) : Promise.resolve(entry.offer);
  });
}

/** Asks about each thing on its own: yes, less of it, or no. */
export async function askEach(asking: Asking): Promise<GrantsText> {
  return askAll(asking, (entry) => askOne(asking, entry));
}

async function askAll(
  { ask }: Asking,
  decide: (entry: AskedEntry) => Decided,
): Promise<GrantsText> {
  const offers: GrantsText[] = [];
  for (const entry of ask.asks) {
    const offer = await decide(entry);
    if (offer !== undefined) offers.push(offer);
  }
  return allOf(ask, offers);
}

async function askOne(asking: Asking, entry: AskedEntry): Decided {
  if (entry.capability === "secrets") return whichSecret(asking, entry);
  const { world } = asking;
  const words = `${untrustedLine(entry.verb)} ${untrustedLine(entry.words)}`;
  const way = await world.terminal.pick(`${words}?`, [
    { key: "g", label: "grant" },
    { key: "n", label: "narrow it" },
    { key: "r", label: "refuse" },
  ]);
  if (way === "g") return entry.offer;
  return way === "n" ? narrowed(world, entry) : undefined;
}

/** No name of a secret has these letters. */
const [aNewOne, none] = ["(new)", "(none)"];

async function whichSecret({ world, door, ask, decisions }: Asking, entry: AskedEntry): Decided {
  const { terminal } = world;
  const name = nameOf(entry.entry);
  const given = decisions.secrets.get(name);
  if (given !== undefined) return secretOffer(entry, given);
  const fitting = ask.choices[name] ?? [];
  const chosen = await terminal.choose(`Which secret of yours is ${untrustedName(name)}?`, [
    ...fitting.map((value) => ({ value, label: secretLabel(value, entry) })),
    ...(canBeMade(entry) ? [{ value: aNewOne, label: "a new one" }] : []),
    { value: none, label: "none" },
  ]);
  const secret = chosen === aNewOne ? await makeSecret(world, door, entry) : chosen;
  return secret === undefined || secret === none ? undefined : secretOffer(entry, secret);
}

function secretLabel(name: string, { hosts }: AskedEntry): string {
  const where = hosts.length === 0 ? "" : ` (for ${hosts.map(untrustedLine).join(", ")})`;
  return untrustedName(name) + where;
}

async function whichFolder(
  { world, decisions }: Asking,
  { entry, offer }: AskedEntry,
): Promise<GrantsText> {
  const name = nameOf(entry);
  const given = decisions.folders.get(name);
  if (given !== undefined) return folderOffer(offer, given);
  const folder = await askFolder(world, name);
  return folder === null ? offer : folderOffer(offer, folder);
}

/** Returns the folder that a person typed, or null for the plugin's own. */
async function askFolder({ terminal }: World, name: string): Promise<string | null> {
  const question = `Which folder is ${untrustedName(name)}? Empty for one of its own`;
  const folder = await terminal.ask(question, "", (text) =>
    text === "" || isAbsolute(text) ? undefined : "Write a path that begins with /",
  );
  return folder || null;
}

/** Asks for less than what is offered; what is not less is asked for again. */
async function narrowed(world: World, { entry, offer }: AskedEntry): Promise<GrantsText> {
  const { network = [], files = [], tools = [], kv } = offer;
  const part = {
    ...(network[0] && { network: [await lessNetwork(world, network[0])] }),
    ...(files[0] && { files: [await lessFolder(world, files[0], nameOf(entry))] }),
    ...(tools[0] && { tools: [await lessTools(world, tools[0])] }),
    ...(kv && { kv: { ...kv, quota: await lessSize(world, kv.quota) } }),
  };
  return { grants: 1, ...part };
}

async function lessNetwork({ terminal }: World, offered: Offered<"network">) {
  const [whole] = parseGrants({ grants: 1, network: [offered] }).network;
  const check = (change: Partial<Offered<"network">>) =>
    problemOf(() => {
      const [less] = parseGrants({ grants: 1, network: [{ ...offered, ...change }] }).network;
      const isMore = !less || !whole || methodsBeyond(less, [whole]).length > 0;
      return isMore ? "That is more than is asked" : undefined;
    });
  const host = offered.host.includes("*")
    ? await terminal.ask("Only which host?", offered.host, (text) => check({ host: text }))
    : offered.host;
  const methods =
    offered.methods.length > 1
      ? await terminal.ask("Which methods?", offered.methods.join(" "), (text) =>
          check({ methods: methodsIn(text) }),
        )
      : offered.methods.join(" ");
  const path = await terminal.ask("Only paths that begin with?", offered.path, (text) =>
    check({ path: text }),
  );
  return {
    ...offered,
    host: host ?? offered.host,
    methods: methods === undefined ? offered.methods : methodsIn(methods),
    path: path ?? offered.path,
  };
}

function methodsIn(text: string): Offered<"network">["methods"] {
  return wordsIn(text.toUpperCase()) as Offered<"network">["methods"];
}

async function lessFolder(world: World, offered: Offered<"files">, name: string) {
  const folder = await askFolder(world, name);
  const quota = offered.access === "write" ? await lessSize(world, offered.quota) : offered.quota;
  return { ...offered, folder, quota };
}

async function lessTools({ terminal }: World, offered: Offered<"tools">) {
  const isKnown = (tool: string): boolean => offered.tools.includes(tool);
  const text = await terminal.ask("Which tools?", offered.tools.join(" "), (words) =>
    wordsIn(words).length > 0 && wordsIn(words).every(isKnown) ? undefined : "Only what is asked",
  );
  return { ...offered, tools: text === undefined ? offered.tools : wordsIn(text) };
}

async function lessSize({ terminal }: World, offered: string): Promise<string> {
  const bytesOf = (quota: string) => parseGrants({ grants: 1, kv: { quota } }).kv?.quotaBytes ?? 0;
  const text = await terminal.ask("Up to how much?", offered, (quota) =>
    problemOf(() => (bytesOf(quota) > bytesOf(offered) ? "That is more than is asked" : undefined)),
  );
  return text ?? offered;
}

/** Returns why text cannot be used, in a sentence. */
function problemOf(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    if (error instanceof HostError) return untrustedLine(error.message);
    throw error;
  }
}

function wordsIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}
