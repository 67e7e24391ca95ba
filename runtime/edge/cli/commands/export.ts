import type { Actual, ActualPlugin } from "../applying/actual.ts";
import { actualOf } from "../applying/actual.ts";
import { readSections, type Sections } from "../applying/settings-file.ts";
import { untrustedJson } from "../../../untrusted.ts";
import { example } from "../example.ts";
import { writeOutput } from "../files.ts";
import { type AddCommand, withDoor, type World } from "../world.ts";

/** Adds `export`. */
export const addExport: AddCommand = (parent, world) => {
  const command = parent
    .command("export")
    .description(
      "write how the host is, in the form that `convergio apply` reads; no secret is in it",
    )
    .argument("[file]", "where to write it; the standard output when left out")
    .action((file?: string) =>
      withDoor(world, async (door) => {
        const settings = door.kind === "remote" ? null : await readSections(world.home());
        await write(world, file, desiredOf(await actualOf(door, world.now()), settings));
      }),
    );
  example(command, "convergio export host.json");
};

async function write(world: World, file: string | undefined, desired: object): Promise<void> {
  const text = `${untrustedJson(desired, 2)}\n`;
  if (file === undefined) world.terminal.result(text.trimEnd());
  else await writeOutput(file, text);
}

/** How the host is, as what it is to be. The first key of the home is its owner's own affair. */
function desiredOf({ plugins, keys, secrets }: Actual, settings: Sections | null): object {
  return {
    desired: 1,
    ...(settings !== null && { settings }),
    plugins: plugins.map(pluginOf),
    keys: keys
      .filter(({ scopes }) => !scopes.includes("admin"))
      .map(({ owner, name, scopes, ratePerMinute }) => ({ owner, name, scopes, ratePerMinute })),
    secrets,
  };
}

function pluginOf({ id, digest, source, state, grants, config }: ActualPlugin): object {
  const path = /^"(\/.*)"$/.exec(source)?.[1];
  return {
    ...{ id, digest, grants, config },
    ...(path !== undefined && { source: path }),
    state: state === "active" || state === "quarantined" ? "enabled" : state,
  };
}
