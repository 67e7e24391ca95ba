import { HostError } from "#manifests/errors.ts";
import type { PluginView } from "../../../host.ts";
import type { ConsentAsk } from "../../../install.ts";
import { untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { consentText } from "../consent.ts";
import type { Door, Send } from "../door.ts";
import { example } from "../example.ts";
import { factsOf, readBounded, unusable } from "../files.ts";
import { bytesShort } from "../readable.ts";
import { type AddCommand, pluginPath, show, withDoor, type World } from "../world.ts";

interface InstallOptions {
  readonly yes?: boolean;
  readonly id?: string;
}

/** What the host answers: the plugin, or what it waits for. */
type Begun = PluginView | { readonly consentId: string; readonly ask: ConsentAsk };

/** A package holds a module of at most 64 MiB and little else. */
const packageBytesMax = 96 * 2 ** 20;

/** Adds `plugin install`. */
export const addInstall: AddCommand = (parent, world) => {
  const command = parent
    .command("install")
    .description("show what a plugin asks for and, after a yes, install it")
    .argument("<source>", "folder with a manifest.json, a package (.tgz) or a module (.wasm)")
    .option("--yes", "accept what is asked without being asked")
    .option("--id <name>", "name of a module that has no manifest; it becomes local/<name>")
    .action((source: string, options: InstallOptions) =>
      withDoor(world, (door) => install(world, door, { source, ...options })),
    );
  example(command, "convergio plugin install ./plugins/vowels");
};

interface Wanted extends InstallOptions {
  readonly source: string;
}

async function install(world: World, door: Door, wanted: Wanted): Promise<void> {
  const begun = await begin(world, door, wanted);
  const plugin = "consentId" in begun ? await settle(world, door, { wanted, begun }) : begun;
  show(world, plugin, () => installedText(world, plugin));
}

async function begin(world: World, door: Door, wanted: Wanted): Promise<Begun> {
  const progress = world.terminal.progress("Checking the plugin");
  try {
    const { query, send } = await sendOf(door, wanted);
    const total = send.bytes?.byteLength ?? 0;
    const onSent = (bytes: number): void =>
      progress.say(`sent ${bytesShort(bytes)} of ${bytesShort(total)}`);
    return await askJson<Begun>(door, "POST", `/plugins${query}`, { ...send, onSent });
  } finally {
    progress.end();
  }
}

/**
 * The owner's host reads the path itself; another's host gets the bytes.
 *
 * @throws USAGE_INVALID
 */
async function sendOf(door: Door, { source, id }: Wanted): Promise<{ query: string; send: Send }> {
  const { path, kind } = await factsOf(source);
  const isModule = kind === "file" && path.endsWith(".wasm");
  if (id !== undefined && !isModule)
    throw new HostError("USAGE_INVALID", {
      argument: "--id",
      problem: "only a .wasm needs a name",
    });
  if (door.kind !== "remote" && id === undefined) return { query: "", send: { json: { path } } };
  if (kind === "folder")
    throw unusable(
      source,
      "a remote host takes a package (.tgz) or a module (.wasm), not a folder",
    );
  const bytes = await readBounded(source, packageBytesMax);
  if (!isModule) return { query: "", send: { bytes, contentType: "application/gzip" } };
  const name = id ?? path.replace(/^.*\//, "").replace(/\.wasm$/, "");
  const query = `?id=${encodeURIComponent(name)}`;
  return { query, send: { bytes, contentType: "application/wasm" } };
}

interface Waiting {
  readonly wanted: Wanted;
  readonly begun: Extract<Begun, { consentId: string }>;
}

/**
 * Shows what is asked, and answers it for the person.
 *
 * @throws CONSENT_NEEDED, CONSENT_DECLINED
 */
async function settle(world: World, door: Door, { wanted, begun }: Waiting): Promise<PluginView> {
  const { terminal } = world;
  const { consentId, ask } = begun;
  terminal.note(consentText(ask, terminal.paintNote));
  const path = pluginPath(ask.id, "/grants");
  if (!wanted.yes && !terminal.isInteractive) {
    const plugin = untrustedName(ask.id);
    throw new HostError("CONSENT_NEEDED", { plugin, command: commandOf(wanted) });
  }
  if (!wanted.yes && !(await terminal.confirm(`Install ${untrustedName(ask.id)}?`))) {
    await askJson(door, "PUT", path, { json: { consentId, accept: false } });
    throw new HostError("CONSENT_DECLINED", { plugin: untrustedName(ask.id) });
  }
  const progress = terminal.progress("Installing");
  try {
    return await askJson<PluginView>(door, "PUT", path, { json: { consentId, accept: true } });
  } finally {
    progress.end();
  }
}

function commandOf({ source, id }: Wanted): string {
  const quoted = /^[\w@%+=:,./-]+$/.test(source) ? source : `'${source.replaceAll("'", `'\\''`)}'`;
  return `convergio plugin install ${quoted}${id === undefined ? "" : ` --id ${id}`} --yes`;
}

function installedText({ terminal }: World, plugin: PluginView): string {
  const id = untrustedName(plugin.id);
  const version = untrustedName(plugin.version);
  const first = plugin.tools[0]?.name ?? "";
  return [
    `${terminal.paint("green", "installed")} ${id} ${version} (${untrustedName(plugin.signer)})`,
    `call it:   convergio plugin invoke ${id} ${untrustedName(first)} ...`,
  ].join("\n");
}
