import type { Collected } from "../../../gc.ts";
import { untrustedName } from "../../../untrusted.ts";
import { askJson } from "../ask.ts";
import { example } from "../example.ts";
import { bytesShort } from "../readable.ts";
import { type AddCommand, show, withDoor } from "../world.ts";

/** Adds `gc`. */
export const addGc: AddCommand = (parent, world) => {
  const command = parent
    .command("gc")
    .description("remove old versions beyond those that are kept, and what nothing refers to")
    .option("--dry-run", "say what would be removed, and remove nothing")
    .action(({ dryRun = false }: { dryRun?: boolean }) =>
      withDoor(world, async (door) => {
        const found = await askJson<Collected>(door, "POST", "/gc", { json: { dryRun } });
        show(world, found, () => collectedText(found));
      }),
    );
  example(command, "convergio gc --dry-run");
};

function collectedText(found: Collected): string {
  const { dryRun, versions, orphans, freedBytes, usedBytes, quotaBytes } = found;
  const names = versions.map(
    ({ plugin, version }) => `${untrustedName(plugin)} ${untrustedName(version)}`,
  );
  return [
    ...names.map((name) => `${dryRun ? "would forget" : "forgot"} ${name}`),
    `${dryRun ? "would free" : "freed"} ${bytesShort(freedBytes)}, ${orphans} of nobody's among it`,
    `the store holds ${bytesShort(usedBytes)} of ${bytesShort(quotaBytes)}`,
  ].join("\n");
}
