import { type ResolvedConfig, settingKeys, settings, valueIn } from "#manifests/config.ts";
import { type Setting, valueText } from "#manifests/setting.ts";
import { readConfig, readConfigFile } from "../../config.ts";
import { untrustedLine } from "../../untrusted.ts";
import { table } from "./table.ts";
import { show, type World } from "./world.ts";

/**
 * Shows that a configuration file is in order and what it sets.
 *
 * @throws SETTINGS_INVALID, JSON_INVALID, FILE_UNUSABLE
 */
export async function showCheck(world: World, file: string): Promise<void> {
  const { origins } = await readConfigFile(file);
  const set = settingKeys.filter((key) => origins.get(key) !== "default");
  show(world, { file, ok: true, set }, () => {
    const ok = world.terminal.paint("green", "ok");
    return `${ok} ${untrustedLine(file)} sets ${set.length === 0 ? "nothing" : set.join(", ")}`;
  });
}

/**
 * Shows every setting of a home, with the value that holds.
 *
 * @throws SETTINGS_INVALID, JSON_INVALID, FILE_UNUSABLE
 */
export async function showSettings(world: World, withOrigin: boolean): Promise<void> {
  const { environment } = world;
  const resolved = await readConfig({ home: world.home(), environment });
  show(world, asJson(resolved), () => asTable(world, resolved, withOrigin));
}

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
