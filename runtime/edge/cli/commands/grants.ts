import { untrustedJson, untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { pairs } from "../table.ts";
import { type AddCommand, pluginPath, show, withDoor } from "../world.ts";

type Stored = Readonly<Record<string, unknown>>;

/** Adds `plugin grants`. */
export const addGrants: AddCommand = (parent, world) => {
  const command = parent
    .command("grants")
    .description("show what a plugin may do")
    .argument("<id>", "id of the plugin")
    .action((id: string) =>
      withDoor(world, async (door) => {
        const stored = await askJson<Stored>(door, "GET", pluginPath(id, "/grants"));
        show(world, stored, () => grantsText(stored));
      }),
    );
  example(command, "convergio plugin grants local/vowels");
};

/** One line a capability or fact; what was granted stands in the form that it is stored in. */
function grantsText(stored: Stored): string {
  const isNothing = (value: unknown): boolean =>
    value === null || (Array.isArray(value) && value.length === 0);
  const entries = Object.entries(stored).filter(
    ([name, value]) => name !== "grants" && !isNothing(value),
  );
  const text = (value: unknown): string =>
    typeof value === "string" ? untrustedName(value) : untrustedJson(value);
  return pairs(entries.map(([name, value]) => [untrustedName(name), text(value)]));
}
