import { HostError } from "#manifests/errors.ts";
import { untrustedJson, untrustedName } from "../../../untrusted.ts";
import { isSecretProperty } from "../../../secret-schema.ts";
import { askJson } from "../ask.ts";
import type { Door } from "../door.ts";
import { example } from "../example.ts";
import { inputOf } from "../input.ts";
import { pairs } from "../table.ts";
import { type AddCommand, pluginPath, show, withDoor, type World } from "../world.ts";

type Values = Readonly<Record<string, unknown>>;

/** Adds `plugin config` and everything below it. */
export const addPluginConfig: AddCommand = (parent, world) => {
  const config = parent
    .command("config")
    .description("show and change the configuration of a plugin");
  addGet(config, world);
  addSet(config, world);
};

/** @throws USAGE_INVALID */
const addGet: AddCommand = (parent, world) => {
  const command = parent
    .command("get")
    .description("show the configuration of a plugin, or one value of it")
    .argument("<id>", "id of the plugin")
    .argument("[name]", "name of one value")
    .action((id: string, name?: string) =>
      withDoor(world, async (door) => {
        const values = await askJson<Values>(door, "GET", pluginPath(id, "/config"));
        if (name === undefined) return show(world, values, () => valuesText(values));
        if (!Object.hasOwn(values, name))
          throw new HostError("USAGE_INVALID", {
            argument: untrustedName(name),
            problem: "the configuration has no such value",
          });
        show(world, values[name], () => untrustedJson(values[name]));
      }),
    );
  example(command, "convergio plugin config get acme/weather units");
};

const addSet: AddCommand = (parent, world) => {
  const command = parent
    .command("set")
    .description("change one value, or the whole configuration of a plugin")
    .argument("<id>", "id of the plugin")
    .argument("<name-or-document>", "name of one value; or @FILE or - for the whole as JSON")
    .argument("[value]", "JSON or text, @FILE or -")
    .action((id: string, name: string, value?: string) => set(world, id, { name, value }));
  example(command, "convergio plugin config set acme/weather units metric");
};

interface Change {
  readonly name: string;
  readonly value: string | undefined;
}

/** @throws USAGE_INVALID for a secret that is given as an argument */
function set(world: World, id: string, { name, value }: Change): Promise<void> {
  const { readAll } = world.terminal;
  return withDoor(world, async (door) => {
    const path = pluginPath(id, "/config");
    const isWhole = value === undefined;
    const isSecret = !isWhole && (await isSecretSetting(door, id, name));
    if (isSecret && !/^@(?!@)|^-$/.test(value)) throw notAsArgument(name);
    const input = await inputOf(value ?? name, { encoding: "json", isJson: isWhole, readAll });
    const read = input.kind === "json" ? input.value : undefined;
    // Editors end files with a line break, and no secret does.
    const given = isSecret && typeof read === "string" ? read.replace(/\r?\n$/, "") : read;
    const json = isWhole ? given : { ...(await askJson<Values>(door, "GET", path)), [name]: given };
    const values = await askJson<Values>(door, "PUT", path, { json });
    show(world, values, () => valuesText(values));
  });
}

/** Whether the author marked a setting `writeOnly`. */
async function isSecretSetting(door: Door, id: string, name: string): Promise<boolean> {
  const { config } = await askJson<{ config?: Values }>(door, "GET", pluginPath(id, "/manifest"));
  return isSecretProperty(config ?? null, name);
}

function notAsArgument(name: string): HostError {
  const problem = "it is a secret, which arguments show to every user: give @FILE or -";
  return new HostError("USAGE_INVALID", { argument: untrustedName(name), problem });
}

function valuesText(values: Values): string {
  const entries = Object.entries(values);
  if (entries.length === 0) return "The plugin has no configuration";
  return pairs(entries.map(([name, value]) => [untrustedName(name), untrustedJson(value)]));
}
