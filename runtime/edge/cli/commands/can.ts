import type { CanLine, CanView } from "../../../grants/can.ts";
import { untrustedLine, untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { type AddCommand, pluginPath, show, withDoor } from "../world.ts";

/** Adds `plugin can`. */
export const addCan: AddCommand = (parent, world) => {
  const command = parent
    .command("can")
    .description("show all that a plugin can do now, through the tools of others too")
    .argument("<id>", "id of the plugin")
    .action((id: string) =>
      withDoor(world, async (door) => {
        const view = await askJson<CanView>(door, "GET", pluginPath(id, "/can"));
        show(world, view, () => canText(view));
      }),
    );
  example(command, "convergio plugin can acme/weather");
};

function canText({ plugin, version, can }: CanView): string {
  const name = `${untrustedName(plugin)} ${untrustedName(version)}`;
  if (can.length === 0) return `${name} can compute, and nothing else`;
  return [`${name} can`, ...can.map((line) => `  ${canLineText(line)}`)].join("\n");
}

/** Returns one line: what is done, by way of whom, and under which conditions. */
export function canLineText({ through, words, terms }: CanLine): string {
  const way = through.length === 0 ? "" : `through ${through.map(untrustedName).join(" and ")}: `;
  const more = terms.length === 0 ? "" : ` (${terms.map(untrustedLine).join("; ")})`;
  return `${way}${untrustedLine(words)}${more}`;
}
