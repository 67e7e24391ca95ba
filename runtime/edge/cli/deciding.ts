import type { Command } from "commander";
import { resolve } from "node:path";
import { HostError } from "#manifests/errors.ts";
import { type GrantsText, parseGrants } from "#manifests/grants.ts";
import { parseStrictJson } from "#manifests/strict-json.ts";
import type { ConsentAsk } from "../../consent/asked.ts";
import type { Waiting } from "../../consent/waiting.ts";
import { togetherWords } from "../../consent/together.ts";
import type { PluginView } from "../../host.ts";
import { untrustedLine, untrustedName } from "../../untrusted.ts";
import { type Decisions, decidedGrants, isDecided, pairsOf } from "./choosing.ts";
import { consentText } from "./consent.ts";
import type { Door } from "./door.ts";
import { readBounded } from "./files.ts";
import { decline, followInstall } from "./installing.ts";
import { askEach, askOpen } from "./prompts.ts";
import type { World } from "./world.ts";

/** Options by which an operator answers without being asked. */
export interface DecideOptions {
  readonly yes?: boolean;
  readonly grant?: readonly string[];
  readonly refuse?: readonly string[];
  readonly secret?: readonly string[];
  readonly folder?: readonly string[];
  readonly grants?: string;
}

/** Grants of one plugin: 256 hosts and as many folders need less. */
const grantsBytesMax = 2 ** 20;

/** Adds the options that answer what is asked. */
export function addDecideOptions(command: Command): Command {
  const each = (value: string, before: readonly string[] = []): readonly string[] => [
    ...before,
    value,
  ];
  return command
    .option("--yes", "grant all that is asked; of secrets only those that --secret names")
    .option(
      "--grant <entry>",
      "grant this of what is asked, and nothing else; may be repeated",
      each,
    )
    .option("--refuse <entry>", "grant all that is asked but this; may be repeated", each)
    .option("--secret <NAME=secret>", "let a secret of yours stand for one that is asked", each)
    .option("--folder <name=path>", "use this folder for one that is asked", each)
    .option("--grants <file>", "grant what a file says, in the form that plugin grants prints");
}

/**
 * Shows what is asked, has it answered, and follows the install to its end.
 *
 * @param again  the command that answers later
 * @throws CONSENT_NEEDED when nobody can be asked; the request waits
 * @throws CONSENT_DECLINED, USAGE_INVALID, ANSWER_INVALID
 */
export async function decide(
  world: World,
  door: Door,
  { waiting, options, again }: { waiting: Waiting; options: DecideOptions; again: string },
): Promise<PluginView> {
  const { terminal } = world;
  const { ask } = waiting;
  const plugin = untrustedName(ask.id);
  terminal.note(consentText(ask, terminal.paintNote));
  const grants = await grantsFrom(world, door, { ask, options, again });
  if (grants === undefined) {
    await decline(door, waiting);
    throw new HostError("CONSENT_DECLINED", { plugin });
  }
  sayTogether(world, ask, grants);
  const json = { consentId: waiting.consentId, accept: true, grants };
  const path = `/requests/${waiting.request}`;
  const errand = { method: "PUT", path, send: { json }, title: "Installing" } as const;
  const outcome = await followInstall(world, door, errand);
  if (outcome.kind === "installed") return outcome.plugin;
  throw new HostError("ANSWER_INVALID", { where: door.where, reason: "it did not install" });
}

async function grantsFrom(
  world: World,
  door: Door,
  { ask, options, again }: { ask: ConsentAsk; options: DecideOptions; again: string },
): Promise<GrantsText | undefined> {
  if (options.grants !== undefined) return fileGrants(options.grants);
  const decisions = decisionsOf(options);
  if (isDecided(decisions)) return decidedGrants(ask, decisions);
  if (!world.terminal.isInteractive)
    throw new HostError("CONSENT_NEEDED", { plugin: untrustedName(ask.id), command: again });
  if (ask.asks.length === 0) {
    const verb = ask.replaces === null ? "Install" : "Update";
    const isYes = await world.terminal.confirm(`${verb} ${untrustedName(ask.id)}?`);
    return isYes ? ask.held : undefined;
  }
  const asking = { world, door, ask, decisions };
  const way = await world.terminal.pick("Grant all / choose / refuse?", [
    { key: "g", label: "grant all" },
    { key: "c", label: "choose" },
    { key: "r", label: "refuse" },
  ]);
  if (way === "g") return askOpen(asking);
  return way === "c" ? askEach(asking) : undefined;
}

/** @throws USAGE_INVALID, GRANTS_INVALID, FILE_UNUSABLE */
async function fileGrants(path: string): Promise<GrantsText> {
  const bytes = await readBounded(path, grantsBytesMax);
  const grants = parseStrictJson(bytes, { what: path });
  parseGrants(grants);
  return grants as GrantsText;
}

function decisionsOf(options: DecideOptions): Decisions {
  const { yes = false, grant = [], refuse = [], secret = [], folder = [] } = options;
  const folders = [...pairsOf("--folder", folder)];
  return {
    ...{ yes, grant, refuse },
    secrets: pairsOf("--secret", secret),
    folders: new Map(folders.map(([name, path]) => [name, resolve(path)])),
  };
}

/** What was chosen may mean something else together than what was offered. */
function sayTogether({ terminal }: World, ask: ConsentAsk, grants: GrantsText): void {
  const said = new Set(ask.together);
  for (const words of togetherWords(parseGrants(grants)))
    if (!said.has(words))
      terminal.note(`  ${terminal.paintNote("yellow", "together:")} ${untrustedLine(words)}`);
}
