import type { Command } from "commander";
import { HostError } from "#manifests/errors.ts";
import type { PluginView } from "../../../host.ts";
import { untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { type AddCommand, pluginPath, show, withDoor, type World } from "../world.ts";

/** Adds `plugin enable`. */
export const addEnable: AddCommand = (parent, world) => {
  const command = parent
    .command("enable")
    .description("let calls reach a disabled plugin again")
    .argument("<id>", "id of the plugin")
    .action((id: string) => act(world, id, "enable"));
  example(command, "convergio plugin enable local/vowels");
};

/** Adds `plugin disable`. */
export const addDisable: AddCommand = (parent, world) => {
  const command = parent
    .command("disable")
    .description("refuse new calls of a plugin; running ones finish")
    .argument("<id>", "id of the plugin")
    .action((id: string) => act(world, id, "disable"));
  example(command, "convergio plugin disable local/vowels");
};

/** Adds `plugin start`. */
export const addStart: AddCommand = (parent, world) => {
  const command = parent
    .command("start")
    .description("let calls reach a stopped plugin again")
    .argument("<id>", "id of the plugin")
    .action((id: string) => act(world, id, "start"));
  example(command, "convergio plugin start local/vowels");
};

/** Adds `plugin stop`. @throws USAGE_INVALID */
export const addStop: AddCommand = (parent, world) => {
  const command: Command = parent
    .command("stop")
    .description("refuse new calls of a plugin and cancel running ones, until it is started")
    .argument("[id]", "id of the plugin")
    .option("--all", "stop every plugin")
    .action((id: string | undefined, { all = false }: { all?: boolean }) => {
      if (id !== undefined && !all) return act(world, id, "stop");
      if (id === undefined && all) return stopAll(world);
      throw new HostError("USAGE_INVALID", {
        argument: "plugin stop",
        problem: "it takes either the id of a plugin or --all",
      });
    });
  example(command, "convergio plugin stop --all");
};

/** Adds `plugin remove`. */
export const addRemove: AddCommand = (parent, world) => {
  const command = parent
    .command("remove")
    .description("remove a plugin and what it was granted; its data stays")
    .argument("<id>", "id of the plugin")
    .option("--purge", "delete its data too")
    .action((id: string, { purge = false }: { purge?: boolean }) =>
      withDoor(world, async (door) => {
        await askJson(door, "DELETE", pluginPath(id, purge ? "?purge=true" : ""));
        const kept = purge ? "its data too" : "its data is kept";
        show(world, { id, removed: true, purged: purge }, () => {
          return `${world.terminal.paint("green", "removed")} ${untrustedName(id)}; ${kept}`;
        });
      }),
    );
  example(command, "convergio plugin remove local/vowels --purge");
};

function act(world: World, id: string, verb: "enable" | "disable" | "start" | "stop") {
  return withDoor(world, async (door) => {
    const plugin = await askJson<PluginView>(door, "POST", pluginPath(id, `/${verb}`));
    show(world, plugin, () => stateText(plugin));
  });
}

function stopAll(world: World): Promise<void> {
  return withDoor(world, async (door) => {
    const { plugins } = await askJson<{ plugins: PluginView[] }>(door, "POST", "/stop");
    const none = "No plugin is installed";
    show(world, { plugins }, () => plugins.map(stateText).join("\n") || none);
  });
}

function stateText({ id, version, state }: PluginView): string {
  return `${untrustedName(id)} ${untrustedName(version)} is ${untrustedName(state)}`;
}
