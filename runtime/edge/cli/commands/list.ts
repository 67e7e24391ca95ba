import type { PluginView } from "../../../host.ts";
import { quoteUntrusted, untrustedLine, untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { ageText } from "../readable.ts";
import { pairs, table } from "../table.ts";
import { type AddCommand, pluginPath, show, withDoor, type World } from "../world.ts";

/** Adds `plugin list`. */
export const addList: AddCommand = (parent, world) => {
  const command = parent
    .command("list")
    .description("list the installed plugins")
    .action(() =>
      withDoor(world, async (door) => {
        const { plugins } = await askJson<{ plugins: PluginView[] }>(door, "GET", "/plugins");
        show(world, { plugins }, () => listText(world, plugins));
      }),
    );
  example(command, "convergio plugin list --json");
};

/** Adds `plugin info`. */
export const addInfo: AddCommand = (parent, world) => {
  const command = parent
    .command("info")
    .description("show one plugin: its tools, where it came from, how it is")
    .argument("<id>", "id of the plugin")
    .action((id: string) =>
      withDoor(world, async (door) => {
        const plugin = await askJson<PluginView>(door, "GET", pluginPath(id));
        show(world, plugin, () => infoText(world, plugin));
      }),
    );
  example(command, "convergio plugin info local/vowels");
};

function listText(world: World, plugins: readonly PluginView[]): string {
  if (plugins.length === 0)
    return "No plugin is installed. Install one with `convergio plugin install FOLDER`";
  const rows = plugins.map((plugin) => [
    untrustedName(plugin.id),
    untrustedName(plugin.version),
    untrustedName(plugin.state),
    untrustedName(plugin.signer),
    String(plugin.tools.length),
    `${ageText(plugin.installedAt, world.now())} ago`,
    quoteUntrusted(plugin.name, 32),
  ]);
  return table(["ID", "VERSION", "STATE", "SIGNER", "TOOLS", "INSTALLED", "NAME"], rows);
}

function infoText(world: World, plugin: PluginView): string {
  const { paint } = world.terminal;
  const facts = pairs([
    ["id", paint("bold", untrustedName(plugin.id))],
    ["version", untrustedName(plugin.version)],
    ["state", untrustedName(plugin.state)],
    ...(plugin.reason === null ? [] : [["reason", untrustedLine(plugin.reason)] as const]),
    ["signer", untrustedName(plugin.signer)],
    ["from", untrustedLine(plugin.source)],
    ["digest", untrustedName(plugin.digest)],
    ["instances", untrustedName(plugin.instances)],
    ["installed", `${ageText(plugin.installedAt, world.now())} ago`],
    ["versions", plugin.versions.map(untrustedName).join(", ")],
    ["name", quoteUntrusted(plugin.name)],
    ["about", quoteUntrusted(plugin.description, 400)],
  ]);
  const tools = plugin.tools.map((tool) => [
    untrustedName(tool.name),
    untrustedName(tool.encoding),
    quoteUntrusted(tool.description, 120),
  ]);
  return `${facts}\n\n${table(["TOOL", "ENCODING", "ABOUT"], tools)}`;
}
