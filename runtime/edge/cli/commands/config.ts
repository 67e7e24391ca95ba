import { resolve } from "node:path";
import { homeFiles } from "../../../environment.ts";
import { example } from "../example.ts";
import type { AddCommand } from "../world.ts";

/** Adds `config` and everything below it. */
export const addConfig: AddCommand = (parent, world) => {
  const config = parent.command("config").description("check and show the settings of the host");
  addCheck(config, world);
  addShow(config, world);
};

const addCheck: AddCommand = (parent, world) => {
  const command = parent
    .command("check")
    .description("check a configuration file; nothing is changed")
    .argument("[file]", "configuration file (default: convergio.json in the home)")
    .action(async (given?: string) => {
      const { showCheck } = await import("../settings-view.ts");
      await showCheck(world, given === undefined ? homeFiles(world.home()).config : resolve(given));
    });
  example(command, "convergio config check /etc/convergio.json");
};

const addShow: AddCommand = (parent, world) => {
  const command = parent
    .command("show")
    .description("show every setting with the value that holds")
    .option("--origin", "show who said each value: the file, the environment or the default")
    .action(async ({ origin = false }: { origin?: boolean }) => {
      const { showSettings } = await import("../settings-view.ts");
      await showSettings(world, origin);
    });
  example(command, "convergio config show --origin");
};
