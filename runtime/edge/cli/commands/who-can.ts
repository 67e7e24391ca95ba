import type { WhoCanView } from "../../../grants/can.ts";
import { quoteUntrusted, untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { pairs } from "../table.ts";
import { type AddCommand, show, withDoor } from "../world.ts";
import { canLineText } from "./can.ts";

/** Adds `who-can`. */
export const addWhoCan: AddCommand = (parent, world) => {
  const command = parent
    .command("who-can")
    .description("show which plugins can do something now, through the tools of others too")
    .argument("<capability>", "network, secrets, files, kv or tools")
    .argument("[target]", "a host, a URL, the name of a secret, a folder or a plugin")
    .action((capability: string, target: string | undefined) =>
      withDoor(world, async (door) => {
        const query = new URLSearchParams({ capability, ...(target !== undefined && { target }) });
        const view = await askJson<WhoCanView>(door, "GET", `/who-can?${query}`);
        show(world, view, () => whoText(view));
      }),
    );
  example(command, "convergio who-can network api.github.com");
};

function whoText({ capability, target, plugins }: WhoCanView): string {
  const what = target === null ? "" : ` ${quoteUntrusted(target)}`;
  if (plugins.length === 0) return `No plugin can: ${untrustedName(capability)}${what}`;
  return pairs(plugins.map((line) => [untrustedName(line.plugin), canLineText(line)]));
}
