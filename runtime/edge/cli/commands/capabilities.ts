import type { Host } from "../../../host.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { table } from "../table.ts";
import { type AddCommand, show, withDoor } from "../world.ts";

/** What the host answers. */
interface Told {
  readonly functions: Host["capabilities"];
}

/** Adds `capabilities`. */
export const addCapabilities: AddCommand = (parent, world) => {
  const command = parent
    .command("capabilities")
    .description("show the host functions that plugins can ask for; --json gives their schemas too")
    .action(() =>
      withDoor(world, async (door) => {
        const told = await askJson<Told>(door, "GET", "/capabilities");
        show(world, told, () => shown(told));
      }),
    );
  example(command, "convergio capabilities --json");
};

function shown({ functions }: Told): string {
  const rows = functions.map(({ capability, import: name, reads, about }) => [
    capability,
    name.slice(name.lastIndexOf(".") + 1),
    reads ? "reads" : "changes",
    about,
  ]);
  return table(["CAPABILITY", "FUNCTION", "", "WHAT IT DOES"], rows);
}
