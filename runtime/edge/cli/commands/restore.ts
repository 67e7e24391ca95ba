import { resolve } from "node:path";
import { HostError } from "#manifests/errors.ts";
import { quote } from "#manifests/quote.ts";
import { readConfig } from "../../../config.ts";
import type { Restored } from "../../../restore.ts";
import { example } from "../example.ts";
import { factsOf } from "../files.ts";
import { type AddCommand, show, type World } from "../world.ts";

interface RestoreOptions {
  readonly keepKeys?: boolean;
  readonly yes?: boolean;
}

/** Adds `restore`. */
export const addRestore: AddCommand = (parent, world) => {
  const command = parent
    .command("restore")
    .description("let a home be what it was when a backup was made; its host must not run")
    .argument("<file>", "a backup")
    .option("--keep-keys", "let keys work again that worked then; else all are revoked")
    .option("--yes", "replace what the home holds without being asked; it is kept in a folder")
    .action((file: string, options: RestoreOptions) => restore(world, file, options));
  example(command, "convergio restore /srv/backups/monday.tgz");
};

/** @throws USAGE_INVALID, RESTORE_DECLINED, and what restoring throws */
async function restore(world: World, named: string, options: RestoreOptions): Promise<void> {
  const { terminal } = world;
  if (world.options().url !== undefined)
    throw new HostError("USAGE_INVALID", {
      argument: "--url",
      problem: "a home is restored on its own machine",
    });
  const { path: file } = await factsOf(named);
  const home = world.home();
  await confirm(world, home, options);
  const { config } = await readConfig({ home, environment: world.environment });
  const progress = terminal.progress("Restoring");
  // Only here, because it brings the whole host with it.
  const { restoreHome } = await import("../../../restore.ts");
  const restored = await restoreHome({
    ...{ home, file, config, keepKeys: options.keepKeys ?? false },
    onProgress: (files) => progress.say(`${files} files`),
  }).finally(() => progress.end());
  show(world, restored, () => restoredText(world, restored));
}

/** @throws USAGE_INVALID, RESTORE_DECLINED */
async function confirm(world: World, home: string, { yes = false }: RestoreOptions): Promise<void> {
  const isThere = await factsOf(resolve(home, "convergio.db")).then(
    () => true,
    () => false,
  );
  if (!isThere || yes) return;
  if (!world.terminal.isInteractive)
    throw new HostError("USAGE_INVALID", {
      argument: "restore",
      problem: "the home is not empty; --yes replaces what it holds, which is kept in a folder",
    });
  if (!(await world.terminal.confirm(`Replace what ${quote(home, 200)} holds?`)))
    throw new HostError("RESTORE_DECLINED", {});
}

function restoredText({ terminal }: World, restored: Restored): string {
  const { createdAt, plugins, before, keysRevoked } = restored;
  return [
    `${terminal.paint("green", "restored")} ${plugins} plugins as they were at ${createdAt}`,
    ...(before === null ? [] : [`what was there before is in the folder ${before} of the home`]),
    ...(keysRevoked ? ["all keys are revoked; make new ones with `convergio key create`"] : []),
  ].join("\n");
}
