import type { Command } from "commander";
import { HostError } from "#manifests/errors.ts";
import { parseStrictJson } from "#manifests/strict-json.ts";
import type { EntryView, GrantsView, GrantView } from "../../../grants/view.ts";
import { quoteUntrusted, untrustedLine, untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { type Door, ProblemError } from "../door.ts";
import { example } from "../example.ts";
import { readBounded } from "../files.ts";
import { changedGrants, type GrantingOptions } from "../granting.ts";
import { wholeNumber } from "../numbers.ts";
import { type AddCommand, pluginPath, show, withDoor, type World } from "../world.ts";

interface Options extends GrantingOptions {
  readonly set?: string;
  readonly yes?: boolean;
}

/** Grants of one plugin: 256 hosts and as many folders need less. */
const grantsBytesMax = 2 ** 20;

const each = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

/** Adds `plugin grants`. */
export const addGrants: AddCommand = (parent, world) => {
  const command: Command = parent
    .command("grants")
    .description("show what a plugin may do, and change it; what is taken away ends at once")
    .argument("<id>", "id of the plugin")
    .option("--allow <entry>", "grant what is asked there, for example network[0]", each)
    .option("--revoke <entry>", "take away what is granted there", each)
    .option("--set <file>", "grant what a file says and nothing else; - for the standard input")
    .option("--host <host>", "only this host of what is allowed here")
    .option("--methods <methods>", "only these methods, with commas between")
    .option("--path <prefix>", "only paths that begin so")
    .option("--quota <size>", "no more than this, for example 10MiB")
    .option("--folder <name=path>", "use this folder of yours", each)
    .option("--secret <NAME=secret>", "let this secret of yours stand for one that is asked", each)
    .option("--expires <when>", "until a time from now such as 30d, or a moment")
    .option("--uses <count>", "so many times more", wholeNumber(1, 1e9))
    .option("--via <who>", "direct, any, or ids of plugins with commas between")
    .option("--per <whom>", "plugin, or caller to keep callers apart")
    .option("--yes", "widen it although plugins that call it gain by that")
    .action((id: string, options: Options) =>
      withDoor(world, (door) => run(world, door, id, options)),
    );
  example(command, "convergio plugin grants acme/weather --allow network[0] --expires 30d");
};

async function run(world: World, door: Door, id: string, options: Options): Promise<void> {
  const path = pluginPath(id, "/grants");
  const { set, yes = false, ...changes } = options;
  const before = await askJson<GrantsView>(door, "GET", path);
  const isChange = set !== undefined || Object.keys(changes).length > 0;
  if (!isChange) return show(world, before, () => viewText(world, before));
  const document =
    set === undefined ? changedGrants(before, changes, world.now()) : await readGrants(world, set);
  const after = await put(world, door, { path, before, document, yes });
  show(world, after, () => viewText(world, after));
}

/** @throws USAGE_INVALID, FILE_UNUSABLE */
async function readGrants({ terminal }: World, file: string): Promise<object> {
  const bytes =
    file === "-" ? await terminal.readAll(grantsBytesMax) : await readBounded(file, grantsBytesMax);
  const value = parseStrictJson(bytes, { what: file });
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new HostError("USAGE_INVALID", { argument: "--set", problem: "it must hold an object" });
}

interface Put {
  readonly path: string;
  readonly before: GrantsView;
  readonly document: object;
  readonly yes: boolean;
}

/** Puts the grants there; who would gain by it is shown and asked for first. */
async function put(
  world: World,
  door: Door,
  { path, before, document, yes }: Put,
): Promise<GrantsView> {
  const { terminal } = world;
  const send = (callers: readonly string[]): Promise<GrantsView> => {
    const json = { ...onlyGrants(document), revision: before.revision, callers };
    return askJson<GrantsView>(door, "PUT", path, { json });
  };
  try {
    return await send(yes ? before.callers : []);
  } catch (error) {
    const isReach = error instanceof ProblemError && error.problem.code === "GRANTS_REACH";
    if (!isReach || !terminal.isInteractive) throw error;
    terminal.note(untrustedLine(error.problem.detail));
    if (!(await terminal.confirm("Widen it for them too?"))) throw error;
    return send(before.callers);
  }
}

/** What `plugin grants --json` prints is taken as it is: what is no part of grants is left out. */
function onlyGrants(document: object): object {
  const names = ["grants", "network", "secrets", "files", "kv", "tools"];
  const shown = ["plugin", "digest", "revision", "grantedAt", "grantedBy", "entries", "callers"];
  const kept = Object.entries(document).filter(([name]) => !shown.includes(name));
  return Object.fromEntries(kept.toSorted(([a], [b]) => names.indexOf(a) - names.indexOf(b)));
}

function viewText(world: World, view: GrantsView): string {
  const plugin = untrustedName(view.plugin);
  const head = world.terminal.paint("bold", plugin);
  const by =
    view.grantedBy === null
      ? "nobody has granted it anything"
      : `granted by ${quoteUntrusted(view.grantedBy, 64)} at ${untrustedName(view.grantedAt ?? "")}`;
  if (view.entries.length === 0) return `${head} asks for nothing: it can only compute`;
  return [
    `${head}  ${by}`,
    ...view.entries.flatMap((entry) => entryText(world, plugin, entry)),
  ].join("\n");
}

function entryText({ terminal }: World, plugin: string, entry: EntryView): string[] {
  const name = untrustedLine(entry.entry);
  const asked = `  ${terminal.paint("bold", name)}  asks to ${untrustedLine(entry.words)}`;
  if (entry.grants.length > 0)
    return [asked, ...entry.grants.map((grant) => `    ${grantText(grant)}`)];
  const secret = entry.secret === null ? "" : ` --secret ${untrustedName(entry.secret.name)}=NAME`;
  const command = `convergio plugin grants ${plugin} --allow ${name}${secret}`;
  return [asked, `    not granted; to allow it: ${command}`];
}

function grantText({ words, terms, state }: GrantView): string {
  const ended = { held: "may", expired: "might, until its time was over:", spent: "used up:" };
  const more = terms.length === 0 ? "" : ` (${terms.map(untrustedLine).join("; ")})`;
  return `${ended[state] ?? untrustedName(state)} ${untrustedLine(words)}${more}`;
}
