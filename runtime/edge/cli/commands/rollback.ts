import { untrustedName } from "../../../untrusted.ts";
import type { RolledBack, VersionView } from "../../../versions.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { ageText } from "../readable.ts";
import { table } from "../table.ts";
import { type AddCommand, pluginPath, show, withDoor, type World } from "../world.ts";

/** Adds `plugin versions`. */
export const addVersions: AddCommand = (parent, world) => {
  const command = parent
    .command("versions")
    .description("list the versions of a plugin that are kept")
    .argument("<id>", "id of the plugin")
    .action((id: string) =>
      withDoor(world, async (door) => {
        const path = pluginPath(id, "/versions");
        const { versions } = await askJson<{ versions: VersionView[] }>(door, "GET", path);
        show(world, { versions }, () => versionsText(world, versions));
      }),
    );
  example(command, "convergio plugin versions local/vowels");
};

/** Adds `plugin rollback`. */
export const addRollback: AddCommand = (parent, world) => {
  const command = parent
    .command("rollback")
    .description("let the version answer again that did before, at once")
    .argument("<id>", "id of the plugin")
    .option("--to <version>", "another version that is kept, or its digest")
    .action((id: string, { to }: { to?: string }) =>
      withDoor(world, async (door) => {
        const path = pluginPath(id, "/rollback");
        const json = to === undefined ? {} : { to };
        const back = await askJson<RolledBack>(door, "POST", path, { json });
        show(world, { id, ...back }, () => rollbackText(world, id, back));
      }),
    );
  example(command, "convergio plugin rollback local/vowels --to 1.0.0");
};

function versionsText(world: World, versions: readonly VersionView[]): string {
  const now = world.now();
  const rows = versions.map(({ version, standing, activatedAt, signer, digest }) => [
    untrustedName(version),
    untrustedName(standing),
    activatedAt === null ? "never" : `${ageText(activatedAt, now)} ago`,
    untrustedName(signer),
    untrustedName(digest.slice(0, 19)),
  ]);
  return table(["VERSION", "STANDING", "ACTIVATED", "SIGNER", "DIGEST"], rows);
}

function rollbackText({ terminal }: World, id: string, back: RolledBack): string {
  const { version, from, lost } = back;
  const names = lost.map(untrustedName).join(", ");
  const plugin = `${untrustedName(id)} ${untrustedName(version)}`;
  return [
    `${terminal.paint("green", "back to")} ${plugin} from ${untrustedName(from)}`,
    ...(lost.length === 0 ? [] : [`it may no longer use what it was granted once: ${names}`]),
  ].join("\n");
}
