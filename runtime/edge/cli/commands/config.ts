import { resolve } from "node:path";
import { type ResolvedConfig, settingKeys, settings, valueIn } from "#manifests/config.ts";
import { type Setting, valueText } from "#manifests/setting.ts";
import { homeFiles, readConfig, readConfigFile } from "../../../config.ts";
import { untrustedLine } from "../../../untrusted.ts";
import { example } from "../example.ts";
import { table } from "../table.ts";
import { type AddCommand, show, type World } from "../world.ts";

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
      const file = given === undefined ? homeFiles(world.home()).config : resolve(given);
      const { origins } = await readConfigFile(file);
      const set = settingKeys.filter((key) => origins.get(key) !== "default");
      show(world, { file, ok: true, set }, () => {
        const ok = world.terminal.paint("green", "ok");
        return `${ok} ${untrustedLine(file)} sets ${set.length === 0 ? "nothing" : set.join(", ")}`;
      });
    });
  example(command, "convergio config check /etc/convergio.json");
};

const addShow: AddCommand = (parent, world) => {
  const command = parent
    .command("show")
    .description("show every setting with the value that holds")
    .option("--origin", "show who said each value: the file, the environment or the default")
    .action(async ({ origin = false }: { origin?: boolean }) => {
      const { environment } = world;
      const resolved = await readConfig({ home: world.home(), environment });
      show(world, asJson(resolved), () => asTable(world, resolved, origin));
    });
  example(command, "convergio config show --origin");
};

/** Sizes in bytes and durations in milliseconds, as programs want them. */
function asJson({ config, origins }: ResolvedConfig) {
  const rows = settingKeys.map((key) => {
    const { unit, applies } = settings[key];
    return [key, { value: valueIn(config, key), unit, applies, origin: origins.get(key) }];
  });
  return { settings: Object.fromEntries(rows) };
}

function asTable(world: World, { config, origins }: ResolvedConfig, withOrigin: boolean): string {
  const rows = settingKeys.map((key) => {
    const setting: Setting = settings[key];
    const value = untrustedLine(valueText(setting, valueIn(config, key))) || "-";
    const origin = untrustedLine(origins.get(key) ?? "");
    const isSet = origin !== "default";
    const shown = isSet ? world.terminal.paint("bold", key) : key;
    return withOrigin ? [key, value, origin] : [shown, value, setting.what];
  });
  return table(["SETTING", "VALUE", withOrigin ? "FROM" : "WHAT"], rows);
}
