import { HostError } from "#manifests/errors.ts";
import type { PluginView } from "../../../host.ts";
import { addDecideOptions, type DecideOptions, decide } from "../deciding.ts";
import type { Door, Send } from "../door.ts";
import { example } from "../example.ts";
import { factsOf, readBounded, unusable } from "../files.ts";
import { followInstall, installedText, type Outcome } from "../installing.ts";
import { type AddCommand, show, withDoor, type World } from "../world.ts";

interface InstallOptions extends DecideOptions {
  readonly id?: string;
  readonly downgrade?: boolean;
}

/** A package holds a module of at most 64 MiB and little else. */
const packageBytesMax = 96 * 2 ** 20;

/** Adds `plugin install`. */
export const addInstall: AddCommand = (parent, world) => {
  const command = parent
    .command("install")
    .description("show what a plugin asks for and, after a yes, install it")
    .argument("<source>", "folder with a manifest.json, a package (.tgz) or a module (.wasm)")
    .option("--id <name>", "name of a module that has no manifest; it becomes local/<name>")
    .option("--downgrade", "also when a higher version has answered before")
    .action((source: string, options: InstallOptions) =>
      withDoor(world, (door) => install(world, door, { source, ...options })),
    );
  addDecideOptions(command);
  example(command, "convergio plugin install ./plugins/vowels");
};

interface Wanted extends InstallOptions {
  readonly source: string;
}

async function install(world: World, door: Door, wanted: Wanted): Promise<void> {
  const { name, send } = await sendOf(door, wanted);
  const path = `/plugins${queryText(name, wanted)}`;
  const errand = { method: "POST", path, send, title: "Checking" } as const;
  const outcome = await followInstall(world, door, errand);
  const plugin = await settle(world, door, wanted, outcome);
  show(world, plugin, () => installedText(world, plugin));
}

function queryText(name: string | undefined, { downgrade = false }: Wanted): string {
  const fields = {
    ...(name !== undefined && { id: name }),
    ...(downgrade && { downgrade: "true" }),
  };
  const text = new URLSearchParams(fields).toString();
  return text === "" ? "" : `?${text}`;
}

/** @throws CONSENT_NEEDED, CONSENT_DECLINED, ANSWER_INVALID */
async function settle(
  world: World,
  door: Door,
  options: Wanted,
  outcome: Outcome,
): Promise<PluginView> {
  if (outcome.kind === "installed") return outcome.plugin;
  if (outcome.kind === "declined")
    throw new HostError("ANSWER_INVALID", { where: door.where, reason: "nobody said no" });
  const again = `convergio requests approve ${Number(outcome.request)} --yes`;
  return decide(world, door, { waiting: outcome, options, again });
}

/**
 * The owner's host reads the path itself; another's host gets the bytes.
 *
 * @throws USAGE_INVALID
 */
async function sendOf(door: Door, { source, id }: Wanted): Promise<{ name?: string; send: Send }> {
  const { path, kind } = await factsOf(source);
  const isModule = kind === "file" && path.endsWith(".wasm");
  if (id !== undefined && !isModule)
    throw new HostError("USAGE_INVALID", {
      argument: "--id",
      problem: "only a .wasm needs a name",
    });
  if (door.kind !== "remote" && id === undefined) return { send: { json: { path } } };
  if (kind === "folder")
    throw unusable(
      source,
      "a remote host takes a package (.tgz) or a module (.wasm), not a folder",
    );
  const bytes = await readBounded(source, packageBytesMax);
  if (!isModule) return { send: { bytes, contentType: "application/gzip" } };
  const name = id ?? path.replace(/^.*\//, "").replace(/\.wasm$/, "");
  return { name, send: { bytes, contentType: "application/wasm" } };
}
